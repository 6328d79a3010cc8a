"""Preparing a database: from many processes at once, over indexes of others, over duplicates."""

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from pymongo import MongoClient

from tristore import ConfigurationError, Unavailable
from tristore.adapters.backend import Backend, BackendOptions, CollectionDeclaration, IndexDeclaration, backend_for
from tristore.errors import DeadlineExceeded

EMAIL = IndexDeclaration((("email", 1),), unique=True)
AGE = IndexDeclaration((("age", -1), ("name", 1)))
NICK = IndexDeclaration((("nick", 1),), unique=True, sparse=True)
PEOPLE = (CollectionDeclaration("people", (EMAIL, AGE, NICK)), CollectionDeclaration("places"))

PREPARE = """
import sys
from tristore.adapters.backend import BackendOptions, CollectionDeclaration, IndexDeclaration, backend_for

indexes = tuple(IndexDeclaration(((name, 1),), unique=True) for name in "abc")
declared = [CollectionDeclaration(f"c{n}", indexes) for n in range(5)]
backend = backend_for(sys.argv[1]).open(sys.argv[1], BackendOptions("core", ()))
sys.stdin.readline()
backend.prepare(declared, timeout=60)
assert not backend.missing(declared, timeout=5)
backend.close()
"""


@pytest.fixture
def backend(mongo_url: str) -> Iterator[Backend]:
    """A backend on an empty database, which meets fail points."""
    backend = backend_for(mongo_url).open(mongo_url, BackendOptions("under-test", (), {"heartbeatFrequencyMS": 500}))
    yield backend
    backend.close()


@pytest.fixture
def people(mongo_url: str, raw: MongoClient[dict[str, Any]]) -> Any:
    """The collection, through a bare client."""
    return raw.get_database(mongo_url.rpartition("/")[2].partition("?")[0])["people"]


def test_eight_processes_at_once(mongo_url: str) -> None:
    """U18: eight processes may prepare an empty database at the same moment."""
    processes = [subprocess.Popen([sys.executable, "-c", PREPARE, mongo_url], stdin=subprocess.PIPE) for _ in range(8)]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write(b"\n")
        process.stdin.close()

    assert [0] * 8 == [process.wait(timeout=100) for process in processes]


def test_indexes_that_are_made(backend: Backend, people: Any) -> None:
    """U18: the declared collections and indexes are made with their names and options, and made once."""
    for _ in range(2):
        backend.prepare(PEOPLE, timeout=10.0)
    found = people.index_information()

    assert {"_id_", "email_1", "age_-1_name_1", "nick_1"} == set(found)
    assert {"email_1", "nick_1"} == {name for name in found if found[name].get("unique")}
    assert {"nick_1"} == {name for name in found if found[name].get("sparse")}
    assert {"people", "places"} == set(people.database.list_collection_names())


def test_same_index_under_another_name(backend: Backend, people: Any) -> None:
    """An index that another program made under its own name is as good as ours."""
    people.create_index([("email", 1)], unique=True, name="theirs")
    backend.prepare(PEOPLE, timeout=10.0)

    assert {"_id_", "theirs", "age_-1_name_1", "nick_1"} == set(people.index_information())


@pytest.mark.parametrize(
    ("keys", "options"),
    [
        ([("email", 1)], {}),
        ([("email", 1)], {"unique": True, "sparse": True}),
        ([("email", 1)], {"unique": True, "partialFilterExpression": {"a": 1}}),
        ([("other", 1)], {"name": "email_1"}),
    ],
)
def test_index_that_differs(backend: Backend, people: Any, keys: Any, options: dict[str, Any]) -> None:
    """An index that differs from its declaration is an error that names it; it counts as missing."""
    people.create_index(keys, **options)

    assert ("people", EMAIL) in backend.missing(PEOPLE, timeout=5.0)
    with pytest.raises(ConfigurationError, match=r"people: an index on email.*drop it"):
        backend.prepare(PEOPLE, timeout=10.0)


def test_other_direction_refuses_the_same(backend: Backend, people: Any) -> None:
    """A unique index in another direction refuses the same documents, so nothing is missing."""
    people.create_index([("email", -1)], unique=True)

    assert [("people", NICK)] == list(backend.missing(PEOPLE, timeout=5.0))


def test_missing_collection(backend: Backend) -> None:
    """Of a collection that does not exist every unique key is missing, in the order of the declaration."""
    assert [("people", EMAIL), ("people", NICK)] == list(backend.missing(PEOPLE, timeout=5.0))


def test_duplicates_are_not_shown(backend: Backend, people: Any) -> None:
    """Duplicates stop the preparation with an error that names collection and fields, not the values."""
    people.insert_many([{"email": "ada@example.org"}, {"email": "ada@example.org"}])
    with pytest.raises(ConfigurationError, match=r"people: the unique index on email") as caught:
        backend.prepare(PEOPLE, timeout=10.0)

    assert "ada@" not in str(caught.value)


@pytest.mark.parametrize("fault", [{"errorCode": 10107}, {"errorCode": 11602}, {"closeConnection": True}], ids=str)
@pytest.mark.parametrize("command", ["create", "createIndexes", "listIndexes"])
def test_primary_that_changes(backend: Backend, failpoint: Any, command: str, fault: dict[str, Any]) -> None:
    """A change of the primary in the middle is survived: the driver would not repeat these commands."""
    with failpoint([command], times=2, **fault):
        backend.prepare(PEOPLE, timeout=20.0)

    assert [] == list(backend.missing(PEOPLE, timeout=5.0))


def test_preparing_ends_in_time(backend: Backend, failpoint: Any) -> None:
    """A server that never lets an index be made is an error when the time is over."""
    never = failpoint(["createIndexes"], times=None, closeConnection=True)
    with never, pytest.raises((Unavailable, DeadlineExceeded)):
        backend.prepare(PEOPLE, timeout=3.0)
