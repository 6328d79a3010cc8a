"""How many commands are sent, and what they carry: every one costs a round trip."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from attrs import frozen

from tristore import InvalidQuery, contains, count, is_none, not_, one_of, some
from tristore.domain.analytics import Metric
from tristore.domain.core import Organization, User, UserRegistered, UserStatus
from tristore.errors import CommitUnknown
from tristore.operations import OutboxRelay
from tristore.services import CreditService
from tristore.three_stores import Stores

from ..core_store import Commands, CoreStore, OpenCore, Raw, open_transactions, save, user

TRANSACTION_FIELDS = {"txnNumber", "startTransaction", "autocommit"}

RULES: dict[str, Callable[[User], bool]] = {
    "compare": lambda u: u.credits >= 1,
    "not": lambda u: not_((u.credits < 1) | (u.username == "$where")),
    "one of": lambda u: one_of(u.status, [UserStatus.ACTIVE, UserStatus.INVITED]),
    "none": lambda u: is_none(u.last_login),
    "some": lambda u: some(u.nickname) != "$where: 1",
    "starts": lambda u: u.email.startswith("ada("),
    "ends": lambda u: u.email.endswith("$"),
    "contains": lambda u: contains(u.metadata["tags"], "$where"),
    "property": lambda u: u.is_active,
}


@pytest.fixture
def store(commands: Commands, open_core: OpenCore) -> CoreStore:
    """A store whose commands are counted; a page has all the time it needs before its count is asked for."""
    store = open_core()
    store.environment.side_by_side.head_start = 60.0
    return store


@pytest.fixture
def users(store: CoreStore, commands: Commands) -> list[User]:
    """A hundred stored users; what storing them sent does not count."""
    users = [user(f"user{number}", credits=100) for number in range(100)]
    save(store, *users)
    commands.sent.clear()
    return users


def organization(name: str) -> Organization:
    """An organization."""
    return Organization(name=name, slug=name)


def test_flush_of_a_hundred_edits(store: CoreStore, users: list[User], commands: Commands) -> None:
    """U11: a flush of a hundred edited entities is one update command, plus the commit."""
    with store.unit_of_work() as core:
        found = core.users.find()
        commands.sent.clear()
        for one in found:
            one.credits += 1
    (update,) = commands.of("update")

    assert ["update", "commitTransaction"] == commands.names
    assert len(users) == len(update["updates"])


def test_get_of_a_reader(store: CoreStore, users: list[User], commands: Commands) -> None:
    """A reader's get is one find and no transaction."""
    with store.reader() as core:
        core.users.get(users[0].id)

    assert ["find"] == commands.names
    assert not TRANSACTION_FIELDS & set(commands.of("find")[0])


def test_reads_of_a_reader(store: CoreStore, users: list[User], commands: Commands) -> None:
    """Each read is one command; a page that is not full knows the total without counting."""
    with store.reader() as core:
        core.users.find(lambda u: u.credits >= 1)
        core.users.first(lambda u: u.credits >= 1)
        core.users.exists()
        core.users.count()
        core.users.page(page=5, limit=22)
        assert len(users) == len(list(core.users.stream(sort="username")))

    assert ["find", "find", "find", "aggregate", "find", "find"] == commands.names


def test_delete_update_and_insert(store: CoreStore, commands: Commands) -> None:
    """U11: what changed in one collection is at most three commands: deletes, updates, inserts."""
    with store.unit_of_work() as core:
        for number in range(100):
            core.organizations.add(organization(f"old{number}"))
    commands.sent.clear()
    with store.unit_of_work() as core:
        for number, one in enumerate(core.organizations.find()):
            core.organizations.add(organization(f"new{number}"))
            if number % 2:
                core.organizations.remove(one)
            else:
                one.name = "other"

    assert ["find", "delete", "update", "insert", "commitTransaction"] == commands.names
    assert [50, 50, 100] == [
        len(commands.of("delete")[0]["deletes"]),
        len(commands.of("update")[0]["updates"]),
        len(commands.of("insert")[0]["documents"]),
    ]


def test_two_collections(store: CoreStore, users: list[User], commands: Commands) -> None:
    """U11: each collection is one bulk write, in the order in which the unit names them."""
    with store.unit_of_work() as core:
        for number in range(5):
            core.organizations.add(organization(f"new{number}"))
        for one in core.users.find():
            one.credits = 0

    assert ["find", "update", "insert", "commitTransaction"] == commands.names
    assert ["users", "organizations"] == [commands.of("update")[0]["update"], commands.of("insert")[0]["insert"]]


def test_untouched_unit(store: CoreStore, commands: Commands) -> None:
    """U2: a unit in which nothing is done sends nothing, however it ends."""
    with store.unit_of_work():
        pass
    with store.unit_of_work() as core:
        core.rollback()

    assert [] == commands.names


def test_unit_that_changes_nothing(store: CoreStore, users: list[User], commands: Commands) -> None:
    """U8: a unit that only reads writes nothing; U7: what it knows it does not ask for again."""
    with store.unit_of_work() as core:
        core.users.get(users[0].id)
        core.users.get(users[0].id)

    assert ["find", "commitTransaction"] == commands.names


def test_rolled_back_unit(store: CoreStore, users: list[User], commands: Commands) -> None:
    """U2: a rollback sends the abort, and none of the edits."""
    with store.unit_of_work() as core:
        core.users.get(users[0].id).credits = 0
        core.rollback()

    assert ["find", "abortTransaction"] == commands.names


def test_concerns(store: CoreStore, users: list[User], commands: Commands) -> None:
    """U2: the first command of a unit opens a snapshot, and the commit asks for the majority."""
    with store.unit_of_work() as core:
        core.users.get(users[0].id).credits = 0
    (_, find), (_, update), (_, commit) = commands.sent

    assert ("snapshot", True, False) == (find["readConcern"]["level"], find["startTransaction"], find["autocommit"])
    assert {"w": "majority"} == commit["writeConcern"]
    assert not {"readConcern", "writeConcern", "startTransaction"} & set(update)
    assert 1 == len({(command["lsid"]["id"], command["txnNumber"]) for _, command in commands.sent})


def test_write_concern_without_transactions(open_core: OpenCore, commands: Commands) -> None:
    """U19: without a transaction the writes themselves ask for the majority."""
    save(open_core(transactions="off"), user())

    assert [{"w": "majority"}] == [command["writeConcern"] for command in commands.of("insert")]


def test_every_command_has_a_deadline(open_core: OpenCore, commands: Commands) -> None:
    """Every command of reads, writes and commits tells the server how long it may take."""
    store = open_core(operation_timeout=3.0)
    save(store, *(user(f"user{number}") for number in range(300)))
    with store.reader() as core:
        core.users.count()
        core.users.exists()
        list(core.users.stream())
    with store.unit_of_work() as core:
        for one in core.users.find():
            core.users.remove(one)
        core.flush()

    # A getMore has its time from the find that opened the cursor.
    unbounded = [name for name, command in commands.sent if not 0 < command.get("maxTimeMS", 0) <= 3_000]
    assert {"find", "insert", "delete", "aggregate", "commitTransaction"} <= set(commands.names)
    assert [] == [name for name in unbounded if name != "getMore"]


@frozen
class Tally:
    """How many users have a status."""

    status: UserStatus
    users: int


def test_rollup_is_one_command(store: CoreStore, users: list[User], commands: Commands) -> None:
    """The server adds up: one command with a deadline, and no names of results on the way."""
    with store.reader() as core:
        rows = core.users.rollup(
            Tally, by=lambda u: {"status": u.status}, values=lambda u: {"users": count()}, sort="-users", limit=5
        )

    ((name, command),) = commands.sent
    assert ([Tally(UserStatus.ACTIVE, 100)], "aggregate") == ([*rows], name)
    assert 0 < command["maxTimeMS"] <= 10_000
    assert [
        {"$group": {"_id": {"k0": {"$ifNull": ["$status", None]}}, "v0": {"$sum": 1}}},
        {"$set": {"o0": {"v": "$v0"}}},
        {"$sort": {"o0": -1, "_id": 1}},
        {"$limit": 5},
    ] == command["pipeline"]


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_nothing_that_runs_in_the_server(
    store: CoreStore, users: list[User], commands: Commands, rule: Callable[[User], bool]
) -> None:
    """No query has an operator that runs code in the server, and no value becomes an operator."""
    with store.unit_of_work() as core:
        core.users.find(rule)
        core.users.count(rule)
    operators = {key for _, command in commands.sent for key in keys(command) if key.startswith("$")}

    assert ["find", "aggregate", "commitTransaction"] == commands.names
    assert not {"$where", "$expr", "$function", "$accumulator"} & operators


def test_operator_as_a_value(store: CoreStore, users: list[User], commands: Commands) -> None:
    """An operator that is given as a value is refused before anything is sent."""
    with pytest.raises(InvalidQuery, match="secret"), store.reader() as core:
        core.users.find(lambda u: u.metadata["secret"] == {"$ne": None})

    assert [] == commands.names


def keys(value: Any) -> Iterator[str]:
    """Every key of a command, except in what is compared with: there it is data."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key
            if key != "$eq":
                yield from keys(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from keys(inner)


def test_transfer_of_credits(store: CoreStore, users: list[User], commands: Commands) -> None:
    """A transfer costs one find and one update of both users, one insert, and the commit."""
    CreditService(store).transfer(users[0].id, users[1].id, 10)

    assert ["find", "update", "insert", "commitTransaction"] == commands.names
    assert 2 == len(commands.of("update")[0]["updates"])


def test_snapshot_reader(store: CoreStore, users: list[User], commands: Commands, raw: Raw) -> None:
    """A snapshot reader shows one moment with a read concern; it opens no transaction."""
    with store.reader(snapshot=True) as core:
        before = core.users.count()
        save(store, user("later"))
        commands.sent.clear()
        assert (before, 0) == (len(core.users.find()), open_transactions(raw))
        found = commands.of("find")[0]

    assert ("snapshot", True) == (found["readConcern"]["level"], "atClusterTime" in found["readConcern"])
    assert not TRANSACTION_FIELDS & set(found)
    assert ["find"] == commands.names


def test_units_of_two_databases(commands: Commands, mongo_stores: Stores) -> None:
    """U1: units of two stores are two transactions: one commits although the other rolls back."""
    metric = Metric(name="load", value=1.0, occurred_at=datetime.now(UTC))
    with mongo_stores.core.unit_of_work() as core:
        core.users.add(user())
        with mongo_stores.analytics.unit_of_work() as analytics:
            analytics.metrics.add(metric)
        core.flush()
        core.rollback()
    with mongo_stores.core.reader() as core, mongo_stores.analytics.reader() as analytics:
        found = (core.users.count(), analytics.metrics.count())

    assert (0, 1) == found
    sessions = {command["lsid"]["id"] for name, command in commands.sent if "autocommit" in command}
    assert 2 == len(sessions)


def test_receipts_and_lanes_are_authoritative(core_url: str, open_core: OpenCore, commands: Commands) -> None:
    """U6, X4: what decides is read from a majority and written to one, whatever the URL says."""
    options = "readPreference=secondaryPreferred&readConcernLevel=local&w=1"
    store = open_core(url=f"{core_url}{'&' if '?' in core_url else '?'}{options}", publishes=[UserRegistered])
    with pytest.raises(CommitUnknown):
        store.resolve("nobody")
    with store.reader() as core:
        core.users.find()
    relay = OutboxRelay(store)
    relay.on(UserRegistered, "log", lambda event, delivery: None)
    ada = user()
    ada.record(UserRegistered(user_id=ada.id, email=ada.email))
    save(store, ada)

    assert 1 == relay.run_once().delivered
    finds = {one["find"]: one for one in commands.of("find") if one["readConcern"]["level"] != "snapshot"}
    lanes = [one for one in (*commands.of("insert"), *commands.of("update")) if "tristore_lanes" in one.values()]
    alone = [one for one in lanes if "autocommit" not in one]
    assert ("secondaryPreferred", "local") == _read_from(finds["users"])
    assert [("primary", "majority")] * 2 == [_read_from(finds[name]) for name in ("tristore_units", "tristore_lanes")]
    assert {"majority"} == {one["writeConcern"]["w"] for one in alone}


def _read_from(command: dict[str, Any]) -> tuple[str, str]:
    preference = command.get("$readPreference", {"mode": "primary"})
    return preference["mode"], command["readConcern"]["level"]
