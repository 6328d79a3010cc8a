"""Writes by programs that know no cache: the change stream of the database tells of them."""

import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any
from uuid import uuid4

import pytest
from contracts.caching_base import DOCUMENTS, Thing, Things, ThingStore, bypasses, number_of, outcomes, read, save

from tristore import CacheSettings, ConfigurationError, NotFound, open_store
from tristore.adapters.testing.server import MongoServer

from .core_store import Raw, RawDatabase, database_name, eventually

WATCHING = CacheSettings(watch=True)
THREAD = "tristore-cache-watch"


@pytest.fixture
def name() -> str:
    """The name of the store, which is that of its client."""
    return f"watching{uuid4().hex[:6]}"


@pytest.fixture
def store(mongo_url: str, name: str) -> Iterator[ThingStore]:
    """A store with two things, which follows the change stream."""
    opened = open_store(Things, url=mongo_url, documents=DOCUMENTS, cache=WATCHING, prepare="create", name=name)
    with closing(opened):
        save(opened, Thing(id="a", number=1), Thing(id="b", number=2))
        assert [1, 2] == [number_of(opened, id_) for id_ in ("a", "b")]  # from now on it is followed
        yield opened


@pytest.fixture
def database(mongo_url: str, raw: Raw) -> RawDatabase:
    """The database, through a client that knows no cache."""
    return raw[database_name(mongo_url)]


def numbers(store: ThingStore) -> list[int]:
    """All numbers, through the cache."""
    return [thing.number for thing in read(store, lambda things: things.find(sort="number"))]


def is_gone(store: ThingStore, id_: str) -> bool:
    """Whether a thing is not there, through the cache."""
    try:
        number_of(store, id_)
    except NotFound:
        return True
    return False


WRITES: dict[str, tuple[Callable[[RawDatabase], object], list[int]]] = {
    "insert": (
        lambda database: database.things.insert_one({**_document(database), "_id": "c", "number": 3}),
        [1, 2, 3],
    ),
    "update": (lambda database: database.things.update_one({"_id": "a"}, {"$set": {"number": 9}}), [2, 9]),
    "replace": (lambda database: database.things.replace_one({"_id": "a"}, _document(database, number=7)), [2, 7]),
    "delete": (lambda database: database.things.delete_one({"_id": "a"}), [2]),
    "several at once": (lambda database: database.things.update_many({}, {"$inc": {"number": 5}}), [6, 7]),
    "drop": (lambda database: database.things.drop(), []),
    "rename": (lambda database: database.things.rename("elsewhere"), []),
}


def _document(database: RawDatabase, **changes: Any) -> dict[str, Any]:
    found = database.things.find_one({"_id": "a"})
    assert found is not None
    return {**found, **changes}


@pytest.mark.parametrize("kind", WRITES)
def test_what_others_write_is_seen(store: ThingStore, database: RawDatabase, kind: str) -> None:
    """C23: a write by a bare client shows in cached queries and entities a moment later."""
    write, expected = WRITES[kind]
    assert [1, 2] == numbers(store)

    write(database)

    assert eventually(lambda: numbers(store) == expected)
    there = {thing["_id"]: thing["number"] for thing in database.things.find()}
    assert {id_: None for id_ in "abc" if id_ not in there} == {id_: None for id_ in "abc" if is_gone(store, id_)}
    assert there == {id_: number_of(store, id_) for id_ in there}


def test_what_others_did_not_write_stays_kept(store: ThingStore, database: RawDatabase) -> None:
    """C23: a write to one entity leaves the others where they are."""
    database.things.update_one({"_id": "a"}, {"$set": {"number": 9}})
    assert eventually(lambda: number_of(store, "a") == 9)
    before = outcomes(store, "hit", "miss")

    assert 2 == number_of(store, "b")
    assert [before[0] + 1, before[1]] == outcomes(store, "hit", "miss")


def test_a_stream_that_is_lost(store: ThingStore, database: RawDatabase, raw: Raw, name: str) -> None:
    """C23: while the stream is lost reads go past the cache; once it is back everything is read anew, then kept."""
    raw.admin.command(
        "configureFailPoint",
        "failCommand",
        mode="alwaysOn",
        data={"failCommands": ["getMore", "aggregate"], "errorCode": 136, "appName": f"tristore/{name}"},
    )
    try:
        assert eventually(
            lambda: ("get", "change stream lost") in (number_of(store, "b"), bypasses(store.cache_stats()))[1]
        )
        database.things.update_one({"_id": "a"}, {"$set": {"number": 9}})
        assert 9 == number_of(store, "a")
    finally:
        raw.admin.command("configureFailPoint", "failCommand", mode="off")
    database.things.update_one({"_id": "a"}, {"$set": {"number": 10}})

    assert 10 == number_of(store, "a")
    before = outcomes(store, "hit")[0]
    assert eventually(lambda: number_of(store, "a") == 10 and outcomes(store, "hit")[0] > before)


def test_nobody_follows_after_the_end(store: ThingStore) -> None:
    """C23: the thread that follows the stream ends with its store."""
    assert any(thread.name == THREAD for thread in threading.enumerate())
    store.close()

    assert not any(thread.name == THREAD for thread in threading.enumerate())


def test_the_guarantee_is_told(store: ThingStore) -> None:
    """C24: the report of a store that follows its change stream says so."""
    assert store.check().details.endswith(
        "what other processes write is seen some milliseconds later, by a change stream"
    )


def test_a_standalone_server_has_no_streams(standalone: MongoServer) -> None:
    """C23: what cannot be followed is refused at the first cached read, in words that say what to do."""
    url = standalone.url_for("watching")
    with (
        closing(
            open_store(Things, url=url, documents=DOCUMENTS, cache=WATCHING, transactions="off", prepare="off")
        ) as store,
        pytest.raises(ConfigurationError, match="change stream"),
    ):
        numbers(store)


def test_memory_has_no_streams() -> None:
    """C23: the in-memory store, which nobody else writes, has none to follow."""
    with pytest.raises(ConfigurationError, match="no change streams for its cache to follow: leave watch out"):
        open_store(Things, url="memory://", documents=DOCUMENTS, cache=WATCHING)
