"""Work of the services that travels from store to store, and what must hold of it however its process ended.

The crash points run it in one process; `tests/integration/outbox/deliveries_process.py`, in processes that are killed.
"""

import math
from collections.abc import Mapping
from datetime import timedelta

from tristore import Clock, FixedClock, Id, open_stores
from tristore.domain.core import Organization, OrganizationId, Project, ProjectId, User, UserId
from tristore.services import AuditService, CreditService, MeteringService, PlaybackService
from tristore.three_stores import Prepare, Stores, make_relays

ANN, BOB = UserId(Id("0" * 23 + "a")), UserId(Id("0" * 23 + "b"))
ACME, APOLLO = OrganizationId(Id("0" * 23 + "c")), ProjectId(Id("0" * 23 + "d"))
AMOUNT, BEFORE = 30, 100
SECONDS = 2.5

AFTER_LEASE = timedelta(seconds=31)
"""By then the lanes of a relay that has died are free."""

AFTER_WAITS = timedelta(minutes=6)
"""By then whatever failed is due again."""

Books = tuple[int, int]
"""How often credits moved, and how many views there were."""


def open_at(urls: Mapping[str, str], clock: Clock, prepare: Prepare = "check") -> Stores:
    """Open the three stores at their URLs."""
    return open_stores(
        core=urls["core"],
        analytics=urls["analytics"],
        systemlogs=urls["systemlogs"],
        clock=clock,
        prepare=prepare,
    )


def settle_in(stores: Stores) -> None:
    """Two users with credits, and a project of an organization."""
    with stores.core.unit_of_work() as core:
        core.users.add(User(id=ANN, email="ann@example.org", username="ann", credits=BEFORE))
        core.users.add(User(id=BOB, email="bob@example.org", username="bob"))
        core.organizations.add(Organization(id=ACME, name="Acme", slug="acme"))
        core.projects.add(Project(id=APOLLO, organization_id=ACME, name="Apollo"))


def move_credits(stores: Stores) -> None:
    """A transfer in core, which systemlogs has to audit."""
    CreditService(stores.core).transfer(ANN, BOB, AMOUNT)


def play(stores: Stores, clock: Clock) -> None:
    """A view in analytics, which analytics has to count as usage of the organization that core names."""
    PlaybackService(stores.analytics, clock).record(APOLLO, ANN, duration_seconds=SECONDS)


def deliver(stores: Stores, clock: Clock) -> int:
    """Deliver from all three stores; return how many events arrived."""
    relays = make_relays(stores, AuditService(stores.systemlogs, clock), MeteringService(stores.core, stores.analytics))
    return sum(relay.run_once().delivered for relay in relays.values())


def backlog(stores: Stores, clock: Clock) -> int:
    """How many events have still to arrive."""
    relays = make_relays(stores, AuditService(stores.systemlogs, clock), MeteringService(stores.core, stores.analytics))
    left = [relay.backlog() for relay in relays.values()]
    return sum(one.waiting + one.parked for one in left)


def deliver_all(stores: Stores, clock: FixedClock) -> int:
    """Deliver as a process that was started anew, when the dead one has no leases any more; return what is left."""
    clock.advance(AFTER_LEASE)
    deliver(stores, clock)
    if backlog(stores, clock):
        clock.advance(AFTER_WAITS)
        deliver(stores, clock)
    return backlog(stores, clock)


def check_books(stores: Stores) -> Books:
    """Each deed that was done is audited once, each second that was played is counted once, and nothing else is."""
    with stores.core.reader() as core, stores.analytics.reader() as analytics, stores.systemlogs.reader() as logs:
        transfers, balances = core.transfers.find(), [core.users.get(id).credits for id in (ANN, BOB)]
        views, usage, entries = analytics.playback.find(), analytics.usage.find(), logs.audit.find()

    moved = AMOUNT * len(transfers)
    assert [BEFORE - moved, moved] == balances
    assert sorted(("credits.transferred", one.id) for one in transfers) == sorted(
        (entry.action, entry.subject_id) for entry in entries
    )
    assert [(ACME, math.ceil(view.duration_seconds)) for view in views] == [
        (one.organization_id, one.quantity) for one in usage
    ]
    return len(transfers), len(views)
