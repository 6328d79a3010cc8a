"""What a query selects, and distinct values: the in-memory backend against a real mongod, document by document."""

from collections.abc import Iterator
from typing import Any

import pytest
from bson import Decimal128, ObjectId
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sized import sized

from tristore import InvalidQuery
from tristore.adapters.backend import (
    EVERYTHING,
    Backend,
    BackendOptions,
    CollectionDeclaration,
    Delete,
    Path,
    Query,
    SortKey,
    WritePlan,
    backend_for,
)
from tristore.testing import MemoryBackend

OPTIONS = BackendOptions("projections", (CollectionDeclaration("things"),))
BY_ID = (SortKey(("_id",)),)

keys = st.sampled_from(["a", "b", "c"])
plain = st.none() | st.booleans() | st.integers(-2, 2) | st.sampled_from(["", "x", 1.5, 1.0, Decimal128("1"), b"x"])
values = st.recursive(plain, lambda below: st.lists(below, max_size=3) | st.dictionaries(keys, below, max_size=3))
documents = st.lists(st.dictionaries(keys, values, max_size=3), max_size=5)
paths = st.lists(keys, min_size=1, max_size=3).map(tuple)


def outermost(found: list[Path]) -> tuple[Path, ...]:
    """Of paths, those that are not below another one."""
    return tuple(path for path in dict.fromkeys(found) if not any(path[:depth] in found for depth in range(len(path))))


@pytest.fixture
def mongo(mongo_url: str) -> Iterator[Backend]:
    """A backend on a database of its own."""
    backend = backend_for(mongo_url).open(mongo_url, OPTIONS)
    yield backend
    backend.close()


def fill(backend: Backend, rows: list[dict[str, Any]]) -> None:
    """Put these documents in the place of all that are there."""
    found = backend.find("things", Query(), transaction=None, timeout=5.0).to_list()
    deletes = [Delete(one["_id"], None) for one in found]
    inserts = [{"_id": ObjectId(n.to_bytes(12, "big")), **row} for n, row in enumerate(rows)]
    backend.write(WritePlan("things", "version", deletes=deletes, inserts=inserts), transaction=None, timeout=5.0)


def both(mongo: Backend, ask: Any) -> tuple[Any, Any]:
    """The answers of both backends, with the order of keys and the types of values."""
    return repr(ask(mongo)), repr(ask(TWIN))


TWIN = MemoryBackend.open("memory://", OPTIONS)


@sized(100, soak=500)
def test_selected_paths(mongo: Backend, examples: int) -> None:
    """Both leave the same of each document: keys in its order, lists on the way item by item."""

    @settings(max_examples=examples, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(documents, st.lists(paths, max_size=3))
    def alike(rows: list[dict[str, Any]], selected: list[Path]) -> None:
        query = Query(sort=BY_ID, select=outermost(selected))
        for backend in (mongo, TWIN):
            fill(backend, rows)
        on_server, in_memory = both(
            mongo, lambda one: one.find("things", query, transaction=None, timeout=5.0).to_list()
        )

        assert on_server == in_memory

    alike()


@sized(100, soak=500)
def test_distinct_values(mongo: Backend, examples: int) -> None:
    """Both give the same different values in the same order, of whatever types, through lists and objects."""

    @settings(max_examples=examples, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(documents, paths)
    def alike(rows: list[dict[str, Any]], path: Path) -> None:
        for backend in (mongo, TWIN):
            fill(backend, rows)
        found = [
            backend.distinct("things", path, EVERYTHING, transaction=None, timeout=5.0) for backend in (mongo, TWIN)
        ]

        # of values that are equal, such as 1 and 1.0, each backend gives one; lists of lists share a place in the order
        assert [*map(_equal, found[0])] == [*map(_equal, found[1])] or _has_lists(found[0])
        assert len(found[0]) == len(found[1])

    alike()


def _equal(value: Any) -> Any:
    if isinstance(value, Decimal128):
        return _equal(value.to_decimal())
    if isinstance(value, dict):
        return "dict", [(key, _equal(item)) for key, item in value.items()]
    if isinstance(value, list):
        return "list", [*map(_equal, value)]
    return type(value) is bool, value


def _has_lists(values: list[Any]) -> bool:
    return any(isinstance(value, list) for value in values)


@pytest.mark.parametrize("path", [("$where",), ("",), ("a\0b",)])
def test_paths_that_are_none(mongo: Backend, path: Path) -> None:
    """A path that no document has, or that would be read as an operator, is refused by both."""
    for backend in (mongo, TWIN):
        with pytest.raises(InvalidQuery):
            backend.distinct("things", path, EVERYTHING, transaction=None, timeout=5.0)
        with pytest.raises(InvalidQuery):
            backend.find("things", Query(select=(path,)), transaction=None, timeout=5.0).to_list()
