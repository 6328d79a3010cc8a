"""C23: what other programs write reaches cached reads through a change stream, and nothing stale is read without it."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from bson import ObjectId
from conftest import Failpoint

from tristore import CacheSettings, ConfigurationError, NotFound, open_store
from tristore.domain.core import CoreUnitOfWork, User
from tristore.testing import MongoCluster, MongoServer
from tristore.three_stores import CORE

from ..core_store import NAME, CoreStore, Raw, RawDatabase, connections, database_name, eventually, save, user
from .cached_load import cached, cached_count, credit, hits, until

SOON = 5.0
"""Seconds in which a busy machine has told of a write."""

WATCHED = CacheSettings(watch=True)
THREAD = "tristore-cache-watch"


def opened(url: str, **options: Any) -> CoreStore:
    """A store whose cache follows the change stream, on a database of its own."""
    given = {"cache": WATCHED, "prepare": "create", **options}
    return open_store(
        CoreUnitOfWork, url=url, documents=CORE, name=NAME, settings={"heartbeatFrequencyMS": 500}, **given
    )


@pytest.fixture
def store(mongo_url: str) -> Iterator[CoreStore]:
    """A store that watches."""
    store = opened(mongo_url)
    yield store
    store.close()


@pytest.fixture
def others(mongo_url: str, raw: Raw) -> RawDatabase:
    """The database as another program writes it."""
    return raw[database_name(mongo_url)]


@pytest.fixture
def two(store: CoreStore) -> tuple[User, User]:
    """Two users, both of them cached, once the stream has told of their own commit."""
    ada, bob = user("ada"), user("bob")
    save(store, ada, bob)

    def both_hit() -> bool:
        before = hits(store)
        return [cached(store, one.id) for one in (ada, bob)] == [0, 0] and hits(store) == before + 2

    assert until(lambda: both_hit() and both_hit(), SOON)
    return ada, bob


def gone(store: CoreStore, id: Any) -> bool:
    """Whether a cached read finds no user."""
    try:
        cached(store, id)
    except NotFound:
        return True
    return False


def bypasses(store: CoreStore) -> int:
    """How many reads went past the cache for want of the stream."""
    return sum(number for counted, number in store.cache_stats() if counted.reason == "change stream lost")


Write = Callable[[RawDatabase, Any], object]
WRITES: dict[str, Write] = {
    "update": lambda users, id: users["users"].update_one({"_id": id}, {"$set": {"credits": 7}}),
    "replace": lambda users, id: users["users"].replace_one(
        {"_id": id}, {**(users["users"].find_one({"_id": id}) or {}), "credits": 7}
    ),
}


@pytest.mark.parametrize("write", WRITES)
def test_a_changed_document(store: CoreStore, others: RawDatabase, two: tuple[User, User], write: str) -> None:
    """C23: its own entry and the queries are out of date, and nobody else's entry."""
    ada, bob = two
    assert [0, 0] == [cached_count(store, 7), cached_count(store, 7)]
    WRITES[write](others, ObjectId(ada.id))
    assert until(lambda: cached(store, ada.id) == 7 and cached_count(store, 7) == 1, SOON)
    before = hits(store)
    assert (0, before + 1) == (cached(store, bob.id), hits(store))


def test_a_deleted_document(store: CoreStore, others: RawDatabase, two: tuple[User, User]) -> None:
    """C14, C23: it is no longer found, and the other one's entry stays."""
    ada, bob = two
    others["users"].delete_one({"_id": ObjectId(ada.id)})
    assert until(lambda: gone(store, ada.id), SOON)
    before = hits(store)
    assert (0, before + 1) == (cached(store, bob.id), hits(store))


def test_an_inserted_document(store: CoreStore, others: RawDatabase, two: tuple[User, User]) -> None:
    """C14, C23: it is found where a cached read has said that there is none."""
    ada, bob = two
    document: dict[str, Any] = others["users"].find_one({"_id": ObjectId(ada.id)}) or {}
    new = ObjectId()
    assert gone(store, str(new))
    others["users"].insert_one({**document, "_id": new, "email": "new@example.org", "username": "new", "credits": 9})
    assert until(lambda: not gone(store, str(new)) and cached(store, str(new)) == 9, SOON)
    before = hits(store)
    assert (0, before + 1) == (cached(store, bob.id), hits(store))


@pytest.mark.parametrize("end", ["drop", "rename away", "drop database"])
def test_a_collection_that_goes(
    store: CoreStore, others: RawDatabase, raw: Raw, two: tuple[User, User], end: str
) -> None:
    """C23: everything that was cached of it is out of date."""
    if end == "drop":
        others["users"].drop()
    elif end == "rename away":
        others["users"].rename("old_users")
    else:
        raw.drop_database(others.name)
    assert until(lambda: all(gone(store, one.id) for one in two), SOON)


@pytest.mark.parametrize("elsewhere", [False, True], ids=["of the same database", "of another database"])
def test_a_collection_that_takes_its_place(
    store: CoreStore, others: RawDatabase, raw: Raw, two: tuple[User, User], elsewhere: bool
) -> None:
    """C23: a collection renamed to be this one, as whoever loads data anew does, shows what it holds."""
    ada, _ = two
    database = raw[f"{others.name}_new"] if elsewhere else others
    document: dict[str, Any] = others["users"].find_one({"_id": ObjectId(ada.id)}) or {}
    database["new_users"].insert_one({**document, "credits": 5})
    raw.admin.command(
        {"renameCollection": f"{database.name}.new_users", "to": f"{others.name}.users", "dropTarget": True}
    )
    assert until(lambda: cached(store, ada.id) == 5, SOON)
    if elsewhere:
        raw.drop_database(database.name)


def test_a_killed_cursor(store: CoreStore, others: RawDatabase, raw: Raw, two: tuple[User, User]) -> None:
    """C23: a stream that can go on where it was tells of what was written meanwhile."""
    ada, _ = two
    idle = [{"$currentOp": {"idleCursors": True, "allUsers": True}}, {"$match": {"cursor.tailable": True}}]
    killed = [one["cursor"]["cursorId"] for one in raw.admin.aggregate(idle)]
    raw.admin.command({"killCursors": "$cmd.aggregate", "cursors": killed})
    others["users"].update_one({"_id": ObjectId(ada.id)}, {"$set": {"credits": 7}})
    assert until(lambda: cached(store, ada.id) == 7, SOON)
    before = hits(store)
    assert until(lambda: cached(store, ada.id) == 7 and hits(store) > before, SOON)


def test_a_lost_stream(
    store: CoreStore,
    others: RawDatabase,
    two: tuple[User, User],
    failpoint: Failpoint,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """C22, C23: without it reads go past the cache; once it is back all that was cached before is out of date."""
    caplog.set_level(logging.WARNING, "tristore.cache")
    ada, bob = two
    check = store.check().details
    with failpoint(["getMore", "aggregate"], times=None, errorCode=286):
        assert until(lambda: cached(store, ada.id) == 0 and bypasses(store) > 0, SOON)
        others["users"].update_one({"_id": ObjectId(ada.id)}, {"$set": {"credits": 7}})
        assert 7 == cached(store, ada.id)
        assert "cache: bypassed, because the change stream is lost" in store.check().details
        time.sleep(1.5)  # in which it is tried again, in vain, and not logged again
    misses = store.cache_stats().total("miss")
    assert until(lambda: cached(store, bob.id) == 0 and store.cache_stats().total("miss") > misses, SOON)
    assert 7 == cached(store, ada.id)
    before = hits(store)
    assert until(lambda: cached(store, ada.id) == 7 and hits(store) > before, SOON)
    lost, back = [record.getMessage() for record in caplog.records]
    assert lost.startswith("store under-test: its change stream was lost (")
    assert lost.endswith("); reads go past the cache")
    assert "store under-test: its change stream is back; all that was cached is out of date" == back
    assert check == store.check().details.replace("bypassed", "")
    assert check.endswith("by a change stream")


def test_a_silent_stream(store: CoreStore, others: RawDatabase, two: tuple[User, User], failpoint: Failpoint) -> None:
    """C23: one that hangs counts as lost before it fails: what was written meanwhile is not hidden for that long."""
    ada, _ = two
    with failpoint(["getMore"], times=None, blockConnection=True, blockTimeMS=6_000):
        time.sleep(1)
        others["users"].update_one({"_id": ObjectId(ada.id)}, {"$set": {"credits": 7}})
        assert until(lambda: cached(store, ada.id) == 7, 4)
        assert bypasses(store) > 0


def test_a_server_started_again() -> None:
    """C23: reads go past the cache from its death until the stream is back; then the cache is used again."""
    with MongoCluster(members=1) as cluster:
        store = opened(cluster.url_for("watched"))
        ada = user()
        save(store, ada)
        assert until(lambda: cached(store, ada.id) == 0 and hits(store) > 0, SOON)
        (node,) = cluster.nodes
        cluster.restart(node)
        credit(store, ada.id)
        assert 1 == cached(store, ada.id)
        before = hits(store)
        assert until(lambda: cached(store, ada.id) == 1 and hits(store) > before)
        store.close()


def test_refused_on_a_standalone_server(standalone: MongoServer) -> None:
    """C23: the start is refused, with what to do; check() says the same, and a cached read that comes before."""
    store = opened(standalone.url_for("watched"), transactions="off")
    with pytest.raises(ConfigurationError, match="has no change streams"):
        store.open()
    ada = user()
    save(store, ada)
    with pytest.raises(ConfigurationError, match="has no change stream"):
        cached(store, ada.id)
    report = store.check()
    assert not report.ok
    assert "has no change streams for the cache to follow" in report.details
    store.close()
    assert not [thread for thread in threading.enumerate() if thread.name == THREAD]


def test_refused_in_memory() -> None:
    """C23: a backend without change streams is refused when the store is opened."""
    with pytest.raises(ConfigurationError, match="has no change streams for its cache to follow: leave watch out"):
        opened("memory://")


def test_it_ends_with_the_store(store: CoreStore, raw: Raw) -> None:
    """C23: a store that is closed leaves no thread, no cursor and no connection."""
    store.open()
    assert 1 == sum(thread.name == THREAD for thread in threading.enumerate())
    store.close()
    assert 0 == sum(thread.name == THREAD for thread in threading.enumerate())
    assert eventually(lambda: connections(raw) == 0)
