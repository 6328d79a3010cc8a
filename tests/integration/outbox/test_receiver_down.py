"""A store that is down while events wait for it: commits go on, the backlog shows, and all arrives afterwards."""

from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from contracts.outbox.delivered_once import AFTER_WAITS, open_at

from tristore import FixedClock
from tristore.domain.core import User
from tristore.operations import Backlog
from tristore.services import AuditService, MeteringService
from tristore.testing import MongoCluster, MongoServer
from tristore.three_stores import Stores, make_relays

from ..core_store import Raw

pytestmark = pytest.mark.soak

COMMITS = 100


@pytest.fixture
def other_server() -> Iterator[MongoCluster]:
    """A server of its own, that can be killed."""
    with MongoCluster(members=1) as server:
        yield server


@pytest.fixture
def clock() -> FixedClock:
    """A clock that only the test moves."""
    return FixedClock(datetime.now(UTC))


@pytest.fixture
def stores(tristore_mongod: MongoServer, other_server: MongoCluster, raw: Raw, clock: FixedClock) -> Iterator[Stores]:
    """The stores: systemlogs stands on the server of its own."""
    names = {store: f"down_{store}_{uuid4().hex[:8]}" for store in ("core", "analytics")}
    urls = {store: tristore_mongod.url_for(name) for store, name in names.items()}
    quickly = "&serverSelectionTimeoutMS=500&heartbeatFrequencyMS=500"
    urls["systemlogs"] = other_server.url_for("down_systemlogs") + quickly
    with open_at(urls, clock) as stores:
        stores.prepare()
        yield stores
    for name in names.values():
        raw.drop_database(name)


def test_what_is_committed_while_a_store_is_down_arrives_when_it_is_back(
    stores: Stores, other_server: MongoCluster, clock: FixedClock
) -> None:
    """X1, X6: a hundred units commit while the receiver is dead; nothing is parked, and each is audited once later."""
    audit = AuditService(stores.systemlogs, clock)
    users = [User.register(email=f"u{number}@example.org", username=f"user{number}") for number in range(COMMITS)]

    def deliver() -> tuple[int, Backlog]:
        relay = make_relays(stores, audit, MeteringService(stores.core, stores.analytics))["core"]
        return relay.run_once().delivered, relay.backlog()

    def register(new: User) -> None:
        stores.core.run(lambda core: core.users.add(new))

    (node,) = other_server.nodes
    other_server.kill(node)
    for one in users:
        register(one)
    down, left = deliver()
    other_server.restart(node)
    other_server.wait_until_whole()
    clock.advance(AFTER_WAITS)
    back, nothing = deliver()

    assert (0, COMMITS, 1, 0) == (down, left.waiting, left.failing, left.parked)
    assert left.oldest is not None
    assert (COMMITS, 0, 0) == (back, nothing.waiting, nothing.parked)
    with stores.systemlogs.reader() as systemlogs:
        assert sorted(one.id for one in users) == sorted(one.subject_id for one in systemlogs.audit.find())
