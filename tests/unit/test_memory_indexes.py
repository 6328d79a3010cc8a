"""The in-memory backend's indexes: the same answers with fewer rows looked at."""

from datetime import datetime
from typing import Any

import pytest
from bson.dbref import DBRef
from bson.decimal128 import Decimal128
from bson.objectid import ObjectId
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tristore.adapters.backend import (
    BackendOptions,
    CollectionDeclaration,
    Delete,
    Document,
    IndexDeclaration,
    Transaction,
    Update,
    WritePlan,
)
from tristore.adapters.memory import MemoryBackend
from tristore.domain.errors import ConfigurationError, InvalidQuery, ValidationError
from tristore.domain.predicates import (
    EVERYTHING,
    All,
    AnyOf,
    Comparator,
    Compare,
    Contains,
    IsNone,
    Not,
    OneOf,
    Predicate,
    Text,
    TextTest,
)
from tristore.domain.queries import Query, SortKey

EQ, LT, LE, GT, GE = Comparator.EQ, Comparator.LT, Comparator.LE, Comparator.GT, Comparator.GE
BIG_A = Compare(("a",), GE, 1)


def index(*keys: str, **options: Any) -> IndexDeclaration:
    return IndexDeclaration(tuple((key.strip("-"), -1 if key.startswith("-") else 1) for key in keys), **options)


INDEXES = (
    index("a"),
    index("a", "-b"),
    index("b", "a", "_id"),
    index("c"),
    index("c.a", "c.b"),
    index("a", "c", sparse=True),
    index("b", "c.a", partial=BIG_A),
)

SCALARS = st.sampled_from(
    [
        *(None, 0, 1, 1.0, 2, -1, 2**53 + 1, 2.0**53, float("nan"), float("inf"), True, False),
        *(Decimal128("1"), Decimal128("1.5"), Decimal128("NaN"), "", "a", "ab", "b", "\uffff", "\U0010ffff"),
        *(b"a", datetime(2026, 1, 1), ObjectId("0" * 24), DBRef("a", 1)),
    ]
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
    max_leaves=5,
)
FEW = st.sampled_from([None, 0, 1, 1.0, 2, "a", "ab"])
CONTENTS = st.dictionaries(st.sampled_from("abc"), FEW | VALUES, max_size=3)
PATHS = st.sampled_from([("a",), ("b",), ("c",), ("c", "a"), ("c", "b"), ("_id",)])
OPERANDS = (FEW | VALUES).filter(lambda value: value is not None)
LEAVES: st.SearchStrategy[Predicate] = st.one_of(
    st.builds(Compare, PATHS, st.sampled_from(Comparator), OPERANDS),
    st.builds(Compare, PATHS, st.just(EQ), st.none() | OPERANDS),
    st.builds(IsNone, PATHS),
    st.builds(OneOf, PATHS, st.lists(FEW | VALUES, max_size=3).map(tuple)),
    st.builds(Contains, PATHS, FEW | VALUES),
    st.builds(Text, PATHS, st.just(TextTest.STARTS), st.sampled_from(["", "a", "\uffff", "\U0010ffff"])),
    st.just(BIG_A),
)
PREDICATES = st.one_of(
    st.just(EVERYTHING),
    LEAVES,
    st.builds(All, st.lists(LEAVES, max_size=3).map(tuple)),
    st.builds(lambda one, other: All((one, AnyOf((other, Not(one))))), LEAVES, LEAVES),
)
SORTS = st.lists(st.builds(SortKey, PATHS, st.booleans()), max_size=3, unique_by=lambda key: key.path).map(tuple)
QUERIES = st.builds(Query, PREDICATES, SORTS, st.integers(0, 3), st.none() | st.integers(1, 6))
IDS = st.integers(0, 25)
WRITES = st.one_of(
    st.builds(lambda id_, contents: {"_id": id_, "v": 1, **contents}, IDS, CONTENTS),
    st.builds(lambda id_, contents: Update(id_, 1, contents), IDS, CONTENTS),
    st.builds(lambda id_, keys: Update(id_, 1, {}, keys), IDS, st.lists(st.sampled_from("abc"), max_size=2)),
    st.builds(lambda id_: Delete(id_, 1), IDS),
)


def opened(*indexes: IndexDeclaration) -> MemoryBackend:
    return MemoryBackend.open("memory://", BackendOptions("test", (CollectionDeclaration("c", indexes),)))


def write(backend: MemoryBackend, *operations: Any, transaction: Transaction | None = None) -> str:
    plan = WritePlan(
        "c",
        "v",
        [one for one in operations if isinstance(one, Delete)],
        [one for one in operations if isinstance(one, Update)],
        [one for one in operations if isinstance(one, dict)],
    )
    try:
        return repr(backend.write(plan, transaction=transaction, timeout=1))
    except Exception as error:  # noqa: BLE001 - two backends must raise the same
        return type(error).__name__


def answer(backend: MemoryBackend, query: Query, transaction: Transaction | None = None) -> object:
    try:
        documents = backend.find("c", query, transaction=transaction, timeout=1).to_list()
        count = backend.count("c", query.predicate, limit=query.limit, transaction=transaction, timeout=1)
    except InvalidQuery as error:
        return str(error)
    return [document["_id"] for document in documents], count


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_an_index_changes_no_answer(data: st.DataObject) -> None:
    """Of documents with values of every type, an index changes neither what is found, nor the order, nor the count."""
    chosen = data.draw(st.lists(st.sampled_from(INDEXES), min_size=1, max_size=4, unique_by=str))
    plain, indexed = opened(), opened(*chosen)
    parallel = 0
    for step in data.draw(st.lists(st.lists(WRITES, min_size=1, max_size=8), min_size=1, max_size=4)):
        for operation in step:
            if write(indexed, operation) == "ValidationError":
                parallel += 1  # two lists have no place in one index
            else:
                write(plain, operation)
        for query in data.draw(st.lists(QUERIES, max_size=6)):
            assert answer(plain, query) == answer(indexed, query), query


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_an_index_follows_a_transaction(data: st.DataObject) -> None:
    """A transaction finds its own writes through an index, others do not, and afterwards both agree."""
    indexes = INDEXES[:4]
    plain, indexed = opened(), opened(*indexes)
    seed = [{"_id": number, "v": 1, "a": number % 3, "b": number % 2} for number in range(0, 20, 2)]
    backends = (plain, indexed)
    for backend in backends:
        write(backend, *seed)
    answer(indexed, Query(sort=(SortKey(("a",)), SortKey(("b",), True)), limit=3))
    open_now = [[backend.begin() for backend in backends] for _ in range(2)]
    flat = st.dictionaries(st.sampled_from("ab"), FEW, max_size=2)
    writes = st.one_of(
        st.builds(lambda id_, contents: {"_id": id_, "v": 1, **contents}, IDS, flat),
        st.builds(lambda id_, contents: Update(id_, 1, contents), IDS, flat),
        st.builds(lambda id_: Delete(id_, 1), IDS),
    )
    steps = st.lists(st.tuples(st.sampled_from([0, 1]), writes | QUERIES), max_size=25)
    for which, what in data.draw(steps):
        pair = open_now[which]
        if isinstance(what, Query):
            answers = [_or_over(backend, what, pair[side]) for side, backend in enumerate(backends)]
        else:
            answers = [write(backend, what, transaction=pair[side]) for side, backend in enumerate(backends)]

        assert answers[0] == answers[1], what
    for pair in open_now:
        for side, backend in enumerate(backends):
            try:
                backend.commit(pair[side], timeout=1)
            except Exception as error:  # noqa: BLE001, PERF203 - a conflict ended it on both
                assert "WriteConflict" == type(error).__name__
    for query in data.draw(st.lists(QUERIES, min_size=3, max_size=6)):
        assert answer(plain, query) == answer(indexed, query), query


def _or_over(backend: MemoryBackend, query: Query, transaction: Transaction) -> object:
    try:
        return answer(backend, query, transaction)
    except Exception as error:  # noqa: BLE001 - the transaction is over
        return type(error).__name__
