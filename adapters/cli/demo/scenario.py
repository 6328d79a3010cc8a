"""The demo as steps on services: each a small function that says in a few words what it did.

A run adds an organization of its own, whose name is part of its users' e-mail addresses and usernames. So it can be
repeated on the same databases, in which transfers and audit trails are never rewritten.
"""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier
from typing import Any

from attrs import define, field, frozen

from ....domain.analytics import last_days
from ....domain.analytics.playback import DayOfPlayback
from ....domain.core import (
    AuthenticationFailed,
    CoreUnitOfWork,
    CreditsTransferred,
    InsufficientCredits,
    Organization,
    OrganizationId,
    ProjectId,
    UserId,
)
from ....domain.entities.ids import new_id
from ....domain.errors import RetryExhausted
from ....domain.unit_of_work.listener import UnitOfWorkListener
from ....domain.unit_of_work.outbox import Backlog
from ....domain.unit_of_work.unit_of_work import UnitOfWork
from ...operations.relay import OutboxRelay
from ...three_stores.container import Container
from .plan import DAYS, Payment, Plan

THREADS = 8
PAUSE = 0.001
"""Seconds between reading and writing while credits move, so that transfers overlap in memory too."""

_PATIENCE = 30.0
"""Seconds for events that another relay has in hand."""

_ROUNDS = 3
"""How often a project is changed, and how often it is read after each change."""

_PASSWORD = "correct horse battery staple"  # noqa: S105 - data for show


class Watch(UnitOfWorkListener):
    """Counts what a store had to do again, and slows its units down while it is told to."""

    def __init__(self) -> None:
        self.pause = 0.0
        self.retries: list[BaseException] = []
        self.delivered: list[CreditsTransferred] = []

    def before_flush(self, uow: UnitOfWork[Any]) -> None:
        """Leave time for others to get in the way."""
        time.sleep(self.pause)

    def on_retry(self, attempt: int, error: BaseException, delay: float) -> None:
        """Remember the conflict."""
        self.retries.append(error)


@define
class Run:
    """One run: what its steps hand on to each other."""

    plan: Plan
    container: Container
    organization: Organization = field(init=False)
    users: list[UserId] = field(factory=list)
    projects: list[ProjectId] = field(factory=list)
    days: list[datetime] = field(factory=list)
    watch: Watch = field(factory=Watch)

    @property
    def name(self) -> str:
        """What tells this run's users from those of another one."""
        return self.organization.slug.rpartition("-")[2]

    def email(self, person: int) -> str:
        """The address of a person in this run."""
        return f"{self.plan.people[person].name}@{self.name}.example"

    def record(self, action: str, **changes: object) -> None:
        """Add to the audit trail of the organization."""
        self.container.audit().record(
            action, subject_kind="organization", subject_id=self.organization.id, changes=changes
        )

    def stats(self) -> list[list[DayOfPlayback]]:
        """The statistics of each project, for the days over which the views were spread, oldest first."""
        playback = self.container.playback()
        # One day more, for a run over midnight.
        found = [playback.stats(project, DAYS + 1) for project in self.projects]
        return [[day for day in days if day.day in self.days] for days in found]


@frozen
class Step:
    """A step that was taken.

    Attributes:
        title: what it is about.
        result: what it did.
        seconds: how long it took.
    """

    title: str
    result: str
    seconds: float


def play(run: Run) -> Iterator[Step]:
    """Take one step after the other."""
    for title, step in STEPS:
        start = time.perf_counter()
        result = step(run)
        yield Step(title, result, time.perf_counter() - start)


def prepare(run: Run) -> str:
    """Create what the stores declare."""
    run.container.stores().prepare()
    return "collections and indexes of 3 stores"


def found_organization(run: Run) -> str:
    """Add the organization of this run."""
    name = OrganizationId(new_id())
    organization = Organization(id=name, name="Demo", slug=f"demo-{run.plan.seed}-{name[-12:]}")
    with run.container.stores().core.unit_of_work() as core:
        core.organizations.add(organization)
    run.organization = organization
    run.record("organization.founded")
    return organization.slug


def register_users(run: Run) -> str:
    """Open the accounts, each with a real password hash."""
    accounts = run.container.accounts()
    for position in range(len(run.plan.people)):
        user = accounts.register(
            email=run.email(position),
            username=f"{run.name}-{position + 1}",
            password=_PASSWORD,
            organization_id=run.organization.id,
        )
        run.users.append(user.id)
    run.record("users.registered", count=len(run.users))
    return f"{len(run.users)} accounts, passwords hashed with Argon2id"


def grant_credits(run: Run) -> str:
    """Give everybody a name and something to spend, in one unit of work."""

    def grant(core: CoreUnitOfWork) -> None:
        for user_id, person in zip(run.users, run.plan.people, strict=True):
            user = core.users.get(user_id)
            user.first_name, user.last_name = person.first, person.last
            user.credits = person.credits

    run.container.stores().core.run(grant)
    total = sum(person.credits for person in run.plan.people)
    run.record("credits.granted", total=total)
    return f"{total:,} credits in one unit of work"


def begin_projects(run: Run) -> str:
    """Begin the projects."""
    service = run.container.projects()
    for name in run.plan.projects:
        project = service.create(run.organization.id, name, owner_id=run.users[0])
        run.projects.append(project.id)
        run.record("project.begun", name=name)
    return ", ".join(run.plan.projects)


def sign_in(run: Run) -> str:
    """Sign everybody in, and see a wrong password refused."""
    accounts = run.container.accounts()
    for position in range(len(run.users)):
        accounts.authenticate(run.email(position), _PASSWORD)
    try:
        accounts.authenticate(run.email(0), "a wrong password")
    except AuthenticationFailed:
        return f"{len(run.users)} signed in, a wrong password refused"
    raise AssertionError("a wrong password was accepted")


def transfer_credits(run: Run) -> str:
    """Move credits from several threads at once; who meets a conflict does the whole unit again."""
    core = run.container.stores().core
    core.listen(run.watch)
    core.subscribe(CreditsTransferred, run.watch.delivered.append)
    run.watch.pause = PAUSE
    shares = [list(enumerate(run.plan.payments))[first::THREADS] for first in range(THREADS)]
    start = Barrier(THREADS)

    def pay_all(share: list[tuple[int, Payment]]) -> None:
        start.wait()
        for number, payment in share:
            _pay(run, number, payment)

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(pay_all, shares))
    run.watch.pause = 0.0
    run.record("credits.transferred", count=len(run.plan.payments))
    return f"{len(run.plan.payments)} transfers by {THREADS} threads, {len(run.watch.retries)} retries"


def _pay(run: Run, number: int, payment: Payment) -> None:
    sender, receiver = run.users[payment.sender], run.users[payment.receiver]
    while True:
        try:
            run.container.credits().transfer(sender, receiver, payment.amount, note=f"payment {number}")
        except RetryExhausted as error:
            run.watch.retries.append(error)
        else:
            return


def refuse_overdraft(run: Run) -> str:
    """See a transfer beyond the balance refused."""
    balance = run.plan.balances()[0]
    try:
        run.container.credits().transfer(run.users[0], run.users[1], balance + 1, note="overdraft")
    except InsufficientCredits:
        return f"{balance + 1} of {balance} credits refused, nothing written"
    raise AssertionError("an account was overdrawn")


def read_through_the_cache(run: Run) -> str:
    """Read accounts and projects again and again; a change is seen at once, and what did not change stays kept."""
    core, project_id = run.container.stores().core, run.projects[0]
    before = core.cache_stats()
    for change in range(_ROUNDS):
        text = f"changed {change + 1} times"
        with core.unit_of_work() as unit:
            unit.projects.get(project_id).description = text
        for _ in range(_ROUNDS):
            with core.reader() as reader:
                reader.users.cached(ttl=60).get_many(run.users)
                if reader.projects.cached(ttl=60).get(project_id).description != text:
                    raise AssertionError("a cached project was older than its last commit")
    after = core.cache_stats()
    hits, misses = (after.total(outcome) - before.total(outcome) for outcome in ("hit", "miss"))
    return f"{hits} hits, {misses} misses, {_ROUNDS} changes seen at once"


def record_playback(run: Run) -> str:
    """Record views over the last days."""
    service, now = run.container.playback(), run.container.clock().now()
    run.days = last_days(DAYS, now)
    for view in run.plan.views:
        service.record(
            run.projects[view.project],
            None if view.viewer is None else run.users[view.viewer],
            duration_seconds=float(view.seconds),
            occurred_at=now - timedelta(days=view.days_ago),
        )
    run.record("playback.recorded", count=len(run.plan.views))
    return f"{len(run.plan.views)} views over {DAYS} days"


def record_usage(run: Run) -> str:
    """Record what the organization consumed, a figure, and a line of the log."""
    accounts = len(run.users)
    run.container.usage().record(run.organization.id, "accounts", accounts)
    run.container.metrics().record("demo.users", accounts, unit="users", project_id=run.projects[0])
    run.container.logs().write(f"{accounts} accounts are in use", source=run.organization.slug)
    run.record("usage.recorded", accounts=accounts)
    return f"{accounts} accounts, one metric, one log entry"


def deliver_events(run: Run) -> str:
    """Let two relays for each store deliver what the services published: the audit trail, and the seconds played."""
    relays = [relay for _ in range(2) for relay in run.container.relays().values()]
    with ThreadPoolExecutor(len(relays)) as pool:
        delivered = sum(done.delivered for done in pool.map(OutboxRelay.run_once, relays))
    end = time.monotonic() + _PATIENCE
    while any(_is_under_way(relay.backlog()) for relay in relays) and time.monotonic() < end:
        time.sleep(0.05)  # another process delivers them, or one of these relays found the other's lane taken
        delivered += sum(relay.run_once().delivered for relay in relays)
    return f"{delivered} events by {len(relays)} relays"


def _is_under_way(backlog: Backlog) -> bool:
    return backlog.waiting > backlog.failing + backlog.unhandled


STEPS: tuple[tuple[str, Callable[[Run], str]], ...] = (
    ("prepare the stores", prepare),
    ("found an organization", found_organization),
    ("register users", register_users),
    ("grant credits", grant_credits),
    ("begin projects", begin_projects),
    ("sign in", sign_in),
    ("transfer credits", transfer_credits),
    ("refuse an overdraft", refuse_overdraft),
    ("read with a cache", read_through_the_cache),
    ("record playback", record_playback),
    ("record usage", record_usage),
    ("deliver events", deliver_events),
)
