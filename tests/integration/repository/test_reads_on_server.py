"""What reads cost on a real server: commands, what they carry, what stays open."""

import itertools
import threading
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest
from attrs import define
from bson import ObjectId
from listening import Listen
from pymongo import monitoring
from sized import sized

from tristore import TristoreError, new_id
from tristore.domain.core import OrganizationId, Project, User

from ..core_store import Commands, CoreStore, OpenCore, Raw, RawDatabase, eventually, open_cursors, save, user


@define
class Name:
    """A view of a user."""

    username: str


@pytest.fixture
def store(commands: Commands, open_core: OpenCore) -> CoreStore:
    """A store whose commands are counted; a page has all the time it needs before its count is asked for."""
    store = open_core()
    store.environment.side_by_side.head_start = 60.0
    return store


@pytest.fixture
def users(store: CoreStore, commands: Commands) -> list[User]:
    """A hundred stored users; what storing them sent does not count."""
    users = [user(f"user{number:03}", credits=number // 7) for number in range(100)]
    save(store, *users)
    commands.sent.clear()
    return users


def test_populate_is_one_query_for_each_kind(store: CoreStore, users: list[User], commands: Commands) -> None:
    """The owners of twenty projects cost one query, as their organizations do."""
    organization_id = OrganizationId(new_id())
    with store.unit_of_work() as core:
        for number, one in enumerate(users[:20]):
            core.projects.add(Project.begin(organization_id=organization_id, name=f"p{number}", owner_id=one.id))
    commands.sent.clear()
    with store.reader() as core:
        projects = core.projects.page(limit=20, sort="name", total=False)
        owners = core.users.populate(projects, lambda project: project.owner_id)
        organizations = core.organizations.populate(projects, lambda project: project.organization_id)

    assert (20, 20, 0) == (len(projects), len(owners), len(organizations))
    assert ["find", "find", "find"] == commands.names
    assert ["projects", "users", "organizations"] == [command["find"] for command in commands.of("find")]


def test_get_many_asks_once(store: CoreStore, users: list[User], commands: Commands) -> None:
    """Entities by their ids cost one query; a unit asks only for those that it does not know."""
    ids = [one.id for one in users]
    with store.reader() as core:
        core.users.get_many(ids)
        core.users.get_many([])
    with store.unit_of_work() as core:
        core.users.find(lambda u: u.username < "user090")
        core.users.get_many(ids)
        core.users.get_many(ids)
    first, _, rest = commands.of("find")

    assert ["find", "find", "find", "commitTransaction"] == commands.names
    assert [100, 10] == [len(part["filter"]["_id"]["$in"]) for part in (first, rest)]


def test_views_read_what_they_have(store: CoreStore, users: list[User], commands: Commands) -> None:
    """The server sends the selected fields, the id and the schema version, and a page its sort keys."""
    marks = {"schemaVersion": 1, "schemaCompatible": 1}
    with store.reader() as core:
        core.users.find(limit=1, select=Name)
        core.users.page(limit=1, sort=("metadata.a", "credits"), select=Name, total=False)
        core.users.find(limit=1)
    first, second, whole = commands.of("find")

    assert {"_id": 1, "username": 1, **marks} == first["projection"]
    assert {"_id": 1, "username": 1, "metadata.a": 1, "credits": 1, **marks} == second["projection"]
    assert "projection" not in whole


def test_pages_cost(store: CoreStore, users: list[User], commands: Commands) -> None:
    """A page from a cursor is one query, one by number is counted if it does not tell the total by itself."""
    expected: list[str] = []
    for open_it in (store.reader, lambda: store.reader(snapshot=True), store.unit_of_work):
        with open_it() as core:
            core.users.count()  # a snapshot begins with a read of its own
            commands.sent.clear()
            page = core.users.page(sort="-credits", limit=60)
            core.users.page(sort="-credits", limit=60, page=2)
            core.users.page(sort="-credits", limit=100)
            core.users.page(sort="-credits", limit=10, total=False)
            after = core.users.page(sort="-credits", limit=60, after=page.next_cursor)
            core.users.page(sort="-credits", limit=60, before=after.prev_cursor)
            assert commands.names == ["find", "aggregate", "find", "find", "find", "find", "find"]
            expected += [one.username for one in (*page, *after)]

    assert 300 == len(expected)


def test_page_that_was_lost_costs_one_more(store: CoreStore, users: list[User], commands: Commands) -> None:
    """Where the entity of the cursor is gone, one more query tells whether there is a page before."""
    with store.unit_of_work() as core:
        page = core.users.page(sort="username", limit=10)
        core.users.remove(page.items[-1])
    commands.sent.clear()
    with store.reader() as core:
        after = core.users.page(sort="username", limit=10, after=page.next_cursor)

    assert (["find", "find"], True) == (commands.names, after.has_prev)


class Overlaps(monitoring.CommandListener):
    """Notes what begins and ends, in order."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        self.seen.append(f"{event.command_name} begins")

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        self.seen.append(f"{event.command_name} ends")

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        self.seen.append(f"{event.command_name} fails")


@pytest.fixture
def overlaps(listen: Listen) -> Overlaps:
    """What the stores that are opened from now on send, and when it ends."""
    overlaps = Overlaps()
    listen(overlaps)
    return overlaps


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("reader", ["find begins", "aggregate begins", "aggregate ends", "find ends"]),
        ("snapshot", ["find begins", "find ends", "aggregate begins", "aggregate ends"]),
        ("unit", ["find begins", "find ends", "aggregate begins", "aggregate ends"]),
    ],
)
def test_page_and_count_side_by_side(
    overlaps: Overlaps, open_core: OpenCore, failpoint: Any, kind: str, expected: list[str]
) -> None:
    """Outside a transaction a slow page is counted while it is read; inside one, and on a snapshot, afterwards."""
    store = open_core()
    save(store, *(user(f"user{number}") for number in range(5)))
    opened = store.unit_of_work() if kind == "unit" else store.reader(snapshot=kind == "snapshot")
    with opened as core:
        core.users.count()
        overlaps.seen.clear()
        with failpoint(["find"], blockConnection=True, blockTimeMS=1_000):
            page = core.users.page(limit=2)
        seen = [*overlaps.seen]

    assert (expected, 5) == (seen, page.total_count)


def test_error_of_a_count_beside_its_page(open_core: OpenCore, failpoint: Any) -> None:
    """An error of either of the two reaches the caller, and the next page is read."""
    store = open_core(operation_timeout=5.0)
    store.environment.side_by_side.head_start = 0.0
    save(store, *(user(f"user{number}") for number in range(5)))
    with store.reader() as core:
        for command in ("find", "aggregate"):
            with failpoint([command], times=3, errorCode=2), pytest.raises(TristoreError):
                core.users.page(limit=2)
        assert 5 == core.users.page(limit=2).total_count


def test_threads_end_with_the_store(open_core: OpenCore) -> None:
    """The threads that read pages are few, end with the store, and come back with the next need."""
    store = open_core()
    save(store, *(user(f"user{number}") for number in range(5)))
    before = page_threads()

    def read() -> None:
        with store.reader() as core:
            assert 5 == core.users.page(limit=2).total_count

    callers = [threading.Thread(target=read) for _ in range(12)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()

    assert 1 <= len(page_threads() - before) <= 4
    store.close()
    assert set() == page_threads() - before
    read()


def page_threads() -> set[threading.Thread]:
    """The threads that read pages."""
    return {one for one in threading.enumerate() if one.name.startswith("tristore-page")}


def plan(raw: Raw, database: RawDatabase, find: dict[str, Any]) -> dict[str, Any]:
    """What the server did to answer a find."""
    asked = {key: find[key] for key in ("find", "filter", "sort", "limit")}
    explained: dict[str, Any] = database.command({"explain": asked, "verbosity": "executionStats"})
    return explained


def stages(node: dict[str, Any]) -> Iterator[str]:
    """The stages of a plan."""
    yield node["stage"]
    for inner in (*node.get("inputStages", ()), *([node["inputStage"]] if "inputStage" in node else ())):
        yield from stages(inner)


@pytest.mark.parametrize("sort", ["credits", "-credits", ("credits", "-username"), ("-credits", "username")])
def test_a_page_begins_at_its_place_in_an_index(
    commands: Commands, open_core: OpenCore, raw: Raw, database: RawDatabase, sort: Any
) -> None:
    """A deep page examines about as many keys of an index as it has items, and sorts nothing."""
    store = open_core()
    save(store, *(user(f"user{number:03}", credits=number // 3) for number in range(900)))
    keys = [sort] if isinstance(sort, str) else [*sort]
    index = [(key.removeprefix("-"), -1 if key.startswith("-") else 1) for key in keys] + [("_id", 1)]
    database["users"].create_index(index, name="of_the_test")
    try:
        with store.reader() as core:
            page = core.users.page(sort=sort, limit=20, page=20, total=False)
            commands.sent.clear()
            core.users.page(sort=sort, limit=20, after=page.next_cursor)
            core.users.page(sort=sort, limit=20, before=page.prev_cursor)
        for find in commands.of("find"):
            found = plan(raw, database, find)

            assert "SORT" not in [*stages(found["queryPlanner"]["winningPlan"])]
            assert found["executionStats"]["totalKeysExamined"] <= 20 + 10
    finally:
        database["users"].drop_index("of_the_test")


@pytest.mark.parametrize("select", [None, Name])
@pytest.mark.parametrize("end", ["close", "break", "error", "leave"])
def test_stream_that_is_closed_early(store: CoreStore, raw: Raw, end: str, select: Any) -> None:
    """A reader's stream that is left in its middle leaves no cursor on the server."""
    save(store, *(user(f"user{number}") for number in range(900)))
    with store.reader() as core:
        stream: Any = core.users.stream(select=select) if select else core.users.stream()
        next(stream)
        assert 1 == open_cursors(raw)
        if end == "close":
            stream.close()
        elif end == "break":
            for _ in stream:
                break
            del stream
        elif end == "error":
            with pytest.raises(ZeroDivisionError):
                _divide_by_zero(stream)
            del stream
        assert end == "leave" or eventually(lambda: open_cursors(raw) == 0)

    assert eventually(lambda: open_cursors(raw) == 0)


def _divide_by_zero(stream: Iterator[Any]) -> None:
    for _ in stream:
        raise ZeroDivisionError


@sized(15_000, soak=100_000, name="all_of_them")
def test_stream_in_constant_memory(
    store: CoreStore, commands: Commands, database: RawDatabase, all_of_them: int
) -> None:
    """Tens of thousands of entities pass through in the memory of a few hundred."""
    save(store, user("template"))
    template = database["users"].find_one()
    assert template is not None
    for start in range(0, all_of_them, 5_000):
        database["users"].insert_many(
            [
                {**template, "_id": ObjectId(), "username": f"user{n}", "email": f"user{n}@example.org"}
                for n in range(start, start + 5_000)
            ]
        )
    peaks = {}
    for most in (1_000, all_of_them):
        tracemalloc.start()
        with store.reader() as core:
            read = sum(1 for _ in itertools.islice(core.users.stream(), most))
            commands.sent.clear()
        peaks[most] = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert most == read

    print(f"\npeak of a stream: {peaks[1_000]:,} bytes for 1,000 entities, {peaks[all_of_them]:,} for {all_of_them:,}")
    assert peaks[all_of_them] < 2 * peaks[1_000]


def test_distinct_is_one_command(store: CoreStore, users: list[User], commands: Commands) -> None:
    """Different values cost one command, which is bounded in time and runs inside the transaction of a unit."""
    with store.unit_of_work() as core:
        assert [*range(15)] == core.users.distinct(lambda u: u.credits)
    (aggregate,) = commands.of("aggregate")

    assert ["aggregate", "commitTransaction"] == commands.names
    assert 0 < aggregate["maxTimeMS"] <= 10_000
    assert {"startTransaction", "autocommit"} <= set(aggregate)
