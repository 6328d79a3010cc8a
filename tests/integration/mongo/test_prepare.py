"""Preparing a database: what each way of opening a store does about unique keys that are missing."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tristore import ConfigurationError, DuplicateKey

from ..core_store import Commands, CoreStore, OpenCore, RawDatabase, save, user

KEYS = ["users(email)", "users(username)", "organizations(slug)"]
PROCESSES, EACH = 8, 5

START = f"""
import sys
from tristore import open_store
from tristore.three_stores import CORE
from tristore.domain.core import CoreUnitOfWork, User

url, process = sys.argv[1:]
core_store = open_store(CoreUnitOfWork, url=url, documents=CORE, prepare="create")
print("ready", flush=True)
sys.stdin.readline()
for number in range({EACH}):
    with core_store.unit_of_work() as core:
        name = f"user{{process}}_{{number}}"
        core.users.add(User(email=f"{{name}}@example.org", username=name))
core_store.close()
"""


@pytest.fixture
def unprepared(open_core: OpenCore, mongo_url: str) -> CoreStore:
    """A store with the default preparation, on a database that does not exist."""
    return open_core(url=mongo_url, prepare="check")


def indexes(database: RawDatabase) -> dict[str, Any]:
    """The indexes of every collection."""
    return {name: database[name].index_information() for name in database.list_collection_names()}


def test_unprepared_database_is_refused(unprepared: CoreStore, empty_database: RawDatabase) -> None:
    """U18: by default the first operation names prepare() and every missing key, and nothing is written."""
    with pytest.raises(ConfigurationError, match=r"call store\.prepare\(\)") as writing:
        save(unprepared, user())
    with pytest.raises(ConfigurationError, match=r"prepare\(\)"), unprepared.reader() as core:
        core.users.count()

    assert [] == [key for key in KEYS if key not in str(writing.value)]
    assert [] == empty_database.list_collection_names()


def test_run_is_refused_once(unprepared: CoreStore, empty_database: RawDatabase) -> None:
    """U5: an unprepared database is no conflict: the function runs once."""
    calls = []

    def work(core: Any) -> None:
        calls.append(1)
        core.users.add(user())

    with pytest.raises(ConfigurationError):
        unprepared.run(work)

    assert ([1], []) == (calls, empty_database.list_collection_names())


def test_preparing_mends_it(unprepared: CoreStore) -> None:
    """U18: the store that was refused works once it is prepared, and its unique keys hold."""
    with pytest.raises(ConfigurationError):
        save(unprepared, user())
    unprepared.prepare()
    save(unprepared, user())

    with pytest.raises(DuplicateKey):
        save(unprepared, user())


def test_one_missing_key_is_named(unprepared: CoreStore, empty_database: RawDatabase) -> None:
    """U18: a key that somebody dropped is named, those that exist are not."""
    unprepared.prepare()
    empty_database["users"].drop_index("username_1")
    report = unprepared.check()

    assert (False, ("users(username)",)) == (report.ok, report.missing)


def test_create_makes_what_is_missing(open_core: OpenCore, mongo_url: str, empty_database: RawDatabase) -> None:
    """U18: with prepare="create" the first operation creates collections and indexes."""
    save(open_core(url=mongo_url, prepare="create"), user())
    found = indexes(empty_database)

    own = {name for name in found if not name.startswith("tristore_")}
    assert {"users", "organizations", "projects", "tokens", "sessions", "transfers"} == own
    assert {"email_1", "username_1"} == {name for name, index in found["users"].items() if index.get("unique")}


def test_off_trusts(open_core: OpenCore, commands: Commands, mongo_url: str, empty_database: RawDatabase) -> None:
    """U18: with prepare="off" nothing is looked at and nothing is created but by the write itself."""
    save(open_core(url=mongo_url, prepare="off"), user())

    assert ["insert", "commitTransaction"] == commands.names
    assert {"users": ["_id_"]} == {name: list(found) for name, found in indexes(empty_database).items()}


def test_check_is_made_once(open_core: OpenCore, commands: Commands) -> None:
    """U18: keys and migrations are looked at before the first operation of a process, not before each one."""
    store = open_core(prepare="check")
    for number in range(3):
        save(store, user(f"user{number}"))
    kept = list(commands.names)

    looks = ["listIndexes"] * len(set(map(str, commands.of("listIndexes"))))
    assert [*looks, "find", *["insert", "commitTransaction"] * 3] == kept
    assert ["tristore_migrations"] == [command["find"] for command in commands.of("find")]


def test_preparing_twice(open_core: OpenCore, commands: Commands, mongo_url: str, empty_database: RawDatabase) -> None:
    """U18: preparing again changes nothing, and sends nothing that could."""
    store = open_core(url=mongo_url)
    store.prepare()
    before = indexes(empty_database)
    commands.sent.clear()
    store.prepare()

    assert before == indexes(empty_database)
    assert {"buildInfo", "hello", "listIndexes"} == set(commands.names)


def test_eight_processes_at_once(mongo_url: str, empty_database: RawDatabase) -> None:
    """U18: eight processes open an empty database at the same moment and write: none meets a conflict."""
    arguments = [[sys.executable, "-W", "error", "-c", START, mongo_url, str(number)] for number in range(PROCESSES)]
    pipes: Any = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    processes = [subprocess.Popen(argument, **pipes) for argument in arguments]
    try:
        assert ["ready\n"] * PROCESSES == [process.stdout.readline() for process in processes if process.stdout]
        for process in processes:
            assert process.stdin is not None
            process.stdin.write("\n")
            process.stdin.flush()
        errors = [process.communicate(timeout=100)[1] for process in processes]
    finally:
        for process in processes:
            process.kill()
            process.wait()

    assert [""] * PROCESSES == errors
    assert PROCESSES * EACH == len(empty_database["users"].distinct("username"))


def test_eight_threads_at_once(open_core: OpenCore, mongo_url: str, empty_database: RawDatabase) -> None:
    """U18: eight threads of one store make their first operation together; it is prepared once for all."""
    store = open_core(url=mongo_url, prepare="create")
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: save(store, user(f"user{number}")), range(8)))

    assert 8 == empty_database["users"].count_documents({})
    assert store.check().ok


def test_duplicates(open_core: OpenCore, mongo_url: str, empty_database: RawDatabase) -> None:
    """U18: a unique key over duplicates names collection and field, not the values; the documents stay."""
    same = {"email": "ada@example.org"}
    empty_database["users"].insert_many([{**same, "username": "a"}, {**same, "username": "b"}])
    store = open_core(url=mongo_url, prepare="create")
    for attempt in (store.prepare, lambda: save(store, user("new"))):
        with pytest.raises(ConfigurationError, match=r"users: the unique index on email") as caught:
            attempt()
        assert "ada@" not in str(caught.value)

    assert 2 == empty_database["users"].count_documents({})
    empty_database["users"].delete_one({"username": "b"})
    store.prepare()
    assert store.check().ok


def test_check_before_and_after(unprepared: CoreStore) -> None:
    """check() says what is missing and what to do, and after prepare() that all is well, with a latency."""
    before = unprepared.check()
    unprepared.prepare()
    after = unprepared.check()

    assert (False, True) == (before.ok, set(KEYS) <= set(before.missing))
    assert "call prepare()" in before.details
    assert (True, ()) == (after.ok, after.missing)
    assert 0 < (after.latency or 0) < 1
    assert after.details.startswith("MongoDB ")


def test_memory_is_born_prepared(open_core: OpenCore) -> None:
    """An in-memory store needs no preparation, and preparing it is allowed."""
    store = open_core(url="memory://", prepare="check", settings={})
    save(store, user())
    store.prepare()

    assert store.check().ok
    with pytest.raises(DuplicateKey):
        save(store, user())
