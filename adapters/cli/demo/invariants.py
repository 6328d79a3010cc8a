"""What must be true after a run of the demo, and what it stored, without times, attempts and ids."""

from collections import Counter
from collections.abc import Callable

from attrs import frozen

from ....domain.core import CreditTransfer, User
from ....domain.rules.words import one_of
from ....services.metering import PLAYBACK_SECONDS
from .plan import Plan
from .scenario import Run, Watch

_COMMITS_OF_EVERY_USER = 3
"""Registered, given credits, signed in."""


@frozen
class Stored:
    """What a run left in its stores.

    Attributes:
        plan: what it should have left.
        users: in the order of the plan.
        transfers: those between the users.
        views: how many are in the statistics.
        projects: how many there are.
        deeds: how often the audit trail has each action, about users, transfers and projects of the run.
        seconds: how much playback was counted as usage.
        watch: what was seen while credits moved.
    """

    plan: Plan
    users: list[User]
    transfers: list[CreditTransfer]
    views: int
    projects: int
    deeds: Counter[tuple[str, str]]
    seconds: int
    watch: Watch


def read_back(run: Run) -> Stored:
    """Read what the run stored, all of the core store at one moment."""
    with run.container.stores().core.reader(snapshot=True) as core:
        users = [core.users.get(user_id) for user_id in run.users]
        transfers = list(core.transfers.stream(lambda t: one_of(t.sender_id, run.users)))
    views = sum(day.views for days in run.stats() for day in days)
    subjects: list[str] = [*run.users, *run.projects, *(transfer.id for transfer in transfers)]
    with run.container.stores().systemlogs.reader() as systemlogs:
        trail = systemlogs.audit.stream(lambda e: one_of(e.subject_id, subjects))
        deeds = Counter((entry.action, entry.subject_id) for entry in trail)
    usage = run.container.usage().totals(run.organization.id, PLAYBACK_SECONDS, since=run.days[0])
    seconds = sum(total.quantity for total in usage)
    return Stored(run.plan, users, transfers, views, len(run.projects), deeds, seconds, run.watch)


def credits_conserved(stored: Stored) -> bool:
    """What was granted is there."""
    granted = sum(person.credits for person in stored.plan.people)
    return granted == sum(user.credits for user in stored.users)


def balances_as_planned(stored: Stored) -> bool:
    """Every account has what its payments leave, in whatever order they came."""
    return stored.plan.balances() == [user.credits for user in stored.users]


def never_below_zero(stored: Stored) -> bool:
    """Nobody owes anything."""
    return all(user.credits >= 0 for user in stored.users)


def logged_once(stored: Stored) -> bool:
    """The book has each payment of the plan once, and no other."""
    wanted = Counter(f"payment {number}" for number in range(len(stored.plan.payments)))
    return wanted == Counter(transfer.note for transfer in stored.transfers)


def delivered_once(stored: Stored) -> bool:
    """Handlers received one event for each transfer in the book, however often its unit was tried."""
    delivered = Counter(event.transfer_id for event in stored.watch.delivered)
    return delivered == Counter(transfer.id for transfer in stored.transfers)


def one_step_for_each_commit(stored: Stored) -> bool:
    """The version of each user counts the units of work that changed it, and none that was tried in vain."""
    steps = [_COMMITS_OF_EVERY_USER + stored.plan.changes(person) for person in range(len(stored.users))]
    return steps == [user.version for user in stored.users]


def every_view_counted(stored: Stored) -> bool:
    """The statistics hold each view once."""
    return len(stored.plan.views) == stored.views


def audited_once(stored: Stored) -> bool:
    """The audit trail has one entry for each user, project and transfer: every event arrived, and none twice."""
    wanted = {"user.registered": len(stored.users), "project.created": stored.projects}
    wanted["credits.transferred"] = len(stored.transfers)
    found = Counter(action for action, _ in stored.deeds)
    return found == wanted and set(stored.deeds.values()) == {1}


def every_second_counted(stored: Stored) -> bool:
    """The usage of the organization has each second of the views once."""
    return stored.seconds == sum(view.seconds for view in stored.plan.views)


INVARIANTS: tuple[tuple[str, Callable[[Stored], bool]], ...] = (
    ("credits conserved", credits_conserved),
    ("every balance as planned", balances_as_planned),
    ("no balance below zero", never_below_zero),
    ("each transfer logged once", logged_once),
    ("each event delivered once", delivered_once),
    ("one version step for each commit", one_step_for_each_commit),
    ("every view counted", every_view_counted),
    ("each event audited once", audited_once),
    ("each second counted as usage once", every_second_counted),
)


def data_of(run: Run) -> dict[str, object]:
    """What the run stored, by the names of the plan: the same for the same plan on every backend."""
    stored = read_back(run)
    names = {user_id: person.name for user_id, person in zip(run.users, run.plan.people, strict=True)}
    trail = run.container.audit().trail("organization", run.organization.id)
    return {
        "users": [
            (user.email.replace(run.name, "run"), user.full_name, user.status, user.credits) for user in stored.users
        ],
        "projects": [project.name for project in run.container.projects().of_organization(run.organization.id)],
        "transfers": sorted(
            (transfer.note, names[transfer.sender_id], names[transfer.receiver_id], transfer.amount)
            for transfer in stored.transfers
        ),
        "playback": [[(day.views, day.unique_users, day.total_seconds) for day in days] for days in run.stats()],
        "trail": [(entry.action, entry.changes) for entry in trail],
    }
