"""The in-memory backend's indexes: the same answers with fewer rows looked at."""

from contextlib import suppress
from datetime import datetime
from typing import Any

import pytest
from bson.dbref import DBRef
from bson.decimal128 import Decimal128
from bson.objectid import ObjectId
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sized import sized

from tristore import TristoreError
from tristore.adapters.backend import (
    EVERYTHING,
    All,
    AnyOf,
    BackendOptions,
    CollectionDeclaration,
    Comparator,
    Compare,
    Contains,
    Delete,
    IndexDeclaration,
    IsNone,
    KeyTaken,
    Not,
    OneOf,
    Path,
    Predicate,
    Query,
    SortKey,
    Text,
    TextTest,
    Transaction,
    Update,
    WritePlan,
)
from tristore.errors import WriteConflict
from tristore.testing import MemoryBackend

EQ, LT, GT, GE = Comparator.EQ, Comparator.LT, Comparator.GT, Comparator.GE
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
SOME = st.sampled_from([0, 1, 2])
ITEMS = st.lists(st.fixed_dictionaries({}, optional={"a": SOME, "b": SOME | st.lists(SOME, max_size=2)}), max_size=3)
CONTENTS = st.fixed_dictionaries({}, optional={"a": FEW | VALUES, "b": FEW | VALUES, "c": ITEMS | VALUES})
PATHS = st.sampled_from([("a",), ("b",), ("c",), ("c", "a"), ("c", "b"), ("_id",)])
OPERANDS = (SOME | FEW | VALUES).filter(lambda value: value is not None)
EQUALITIES = st.builds(Compare, PATHS, st.just(EQ), SOME)
LEAVES: st.SearchStrategy[Predicate] = st.one_of(
    EQUALITIES,
    st.builds(Compare, PATHS, st.sampled_from(Comparator), OPERANDS),
    st.builds(Compare, PATHS, st.just(EQ), st.none() | OPERANDS),
    st.builds(IsNone, PATHS),
    st.builds(OneOf, PATHS, st.lists(FEW | VALUES, max_size=3).map(tuple)),
    st.builds(Contains, PATHS, FEW | VALUES),
    st.builds(Text, PATHS, st.just(TextTest.STARTS), st.sampled_from(["", "a", "\uffff", "\U0010ffff"])),
)
BETWEEN = st.builds(lambda path, low, high: All((Compare(path, GT, low), Compare(path, LT, high))), PATHS, SOME, SOME)
PREDICATES = st.one_of(
    st.just(EVERYTHING),
    LEAVES,
    BETWEEN,
    st.just(BIG_A),
    st.builds(lambda one: All((BIG_A, one)), LEAVES),
    st.builds(All, st.lists(EQUALITIES, min_size=2, max_size=3).map(tuple)),
    st.builds(All, st.lists(LEAVES, max_size=3).map(tuple)),
    st.builds(lambda one, other: All((one, AnyOf((other, Not(one))))), LEAVES, LEAVES),
)
SORTS = st.lists(st.builds(SortKey, PATHS, st.booleans()), max_size=3, unique_by=lambda key: key.path).map(tuple)
QUERIES = st.builds(Query, PREDICATES, SORTS, st.integers(0, 3), st.none() | st.integers(1, 6))
IDS = st.integers(0, 25)
WRITES = st.one_of(
    st.builds(lambda id_, contents: {"_id": id_, "v": 1, **contents}, IDS, CONTENTS),
    st.builds(lambda id_, contents: {"_id": id_, "v": 1, **contents}, IDS, CONTENTS),
    st.builds(lambda id_, contents: Update(id_, 1, contents), IDS, CONTENTS),
    st.builds(lambda id_, keys: Update(id_, 1, {}, keys), IDS, st.lists(st.sampled_from("abc"), max_size=2)),
    st.builds(lambda id_: Delete(id_, 1), IDS),
)
LAW = settings(deadline=None, suppress_health_check=list(HealthCheck))


def opened(*indexes: IndexDeclaration) -> MemoryBackend:
    return MemoryBackend.open("memory://", BackendOptions("test", (CollectionDeclaration("c", indexes),)))


def write(backend: MemoryBackend, *operations: Any, transaction: Transaction | None = None) -> str:
    """Write, and tell what came of it."""
    plan = WritePlan(
        "c",
        "v",
        [one for one in operations if isinstance(one, Delete)],
        [one for one in operations if isinstance(one, Update)],
        [one for one in operations if isinstance(one, dict)],
    )
    try:
        return repr(backend.write(plan, transaction=transaction, timeout=1))
    except (KeyTaken, TristoreError) as error:
        return type(error).__name__


def answer(backend: MemoryBackend, query: Query, transaction: Transaction | None = None) -> object:
    """The ids that a query finds, and how many there are."""
    try:
        documents = backend.find("c", query, transaction=transaction, timeout=1).to_list()
        count = backend.count("c", query.predicate, limit=query.limit, transaction=transaction, timeout=1)
    except TristoreError as error:
        return f"{type(error).__name__} {error}"
    return [document["_id"] for document in documents], count


@sized(50, soak=300)
def test_an_index_changes_no_answer(examples: int) -> None:
    """Of documents with values of every type, an index changes neither what is found, nor the order, nor the count."""

    @settings(LAW, max_examples=examples)
    @given(
        st.lists(st.sampled_from(INDEXES), min_size=1, max_size=4, unique_by=str),
        st.lists(st.tuples(st.lists(WRITES, max_size=12), st.lists(QUERIES, min_size=1, max_size=8)), max_size=3),
    )
    def law(chosen: list[IndexDeclaration], steps: list[tuple[list[Any], list[Query]]]) -> None:
        plain, indexed = opened(), opened(*chosen)
        for writes, queries in steps:
            for operation in writes:
                if write(indexed, operation) != "ValidationError":  # two lists have no place in one index
                    write(plain, operation)
            for query in queries:
                assert answer(plain, query) == answer(indexed, query), query

    law()


OF_LISTS = (index("c.a", "c.b"), index("c.b", "b"), index("b", "c.a", "_id"))
LISTS = st.fixed_dictionaries({"c": ITEMS, "b": SOME | st.lists(SOME, max_size=2)})
IN_LISTS: tuple[Path, ...] = (("c", "a"), ("c", "b"))
OF_ITEMS: tuple[Predicate, ...] = (
    *(All((Compare(("c", "a"), EQ, a), Compare(("c", "b"), EQ, b))) for a in range(3) for b in range(3)),
    *(All((Compare(path, GT, low), Compare(path, LT, low + 1))) for path in IN_LISTS for low in range(2)),
    *(All((Compare(("b",), EQ, b), Compare(("c", "a"), GE, 1))) for b in range(3)),
    *(All((Compare(("c", "a"), EQ, a), Compare(("c", "b"), GE, 1))) for a in range(3)),
    *(Compare(path, EQ, 1) for path in IN_LISTS),
)
LIST_SORTS = ((), *((SortKey(path, down),) for path in (*IN_LISTS, ("b",)) for down in (False, True)))


@sized(20, soak=120)
def test_an_index_over_lists_changes_no_answer(examples: int) -> None:
    """Different items of one list may meet the parts of a rule, and a list stands in several places of an index."""

    @settings(LAW, max_examples=examples)
    @given(st.sampled_from(OF_LISTS), st.lists(LISTS, min_size=2, max_size=8))
    def law(chosen: IndexDeclaration, contents: list[dict[str, Any]]) -> None:
        plain, indexed = opened(), opened(chosen)
        for number, content in enumerate(contents):
            document = {"_id": number, "v": 1, **content}
            if write(indexed, document) != "ValidationError":
                write(plain, document)
        for predicate in OF_ITEMS:
            for sort in LIST_SORTS:
                query = Query(predicate, sort, limit=2)

                assert answer(plain, query) == answer(indexed, query), query

    law()


FLAT = st.fixed_dictionaries({}, optional={"a": FEW, "b": FEW})
FLAT_WRITES = st.one_of(
    st.builds(lambda id_, contents: {"_id": id_, "v": 1, **contents}, IDS, FLAT),
    st.builds(lambda id_, contents: Update(id_, 1, contents), IDS, FLAT),
    st.builds(lambda id_: Delete(id_, 1), IDS),
)


@sized(60, soak=300)
def test_an_index_follows_a_transaction(examples: int) -> None:
    """A transaction finds its own writes through an index, others do not, and after the commits everybody does."""

    @settings(LAW, max_examples=examples)
    @given(
        st.lists(st.tuples(st.sampled_from([0, 1]), FLAT_WRITES | QUERIES), max_size=25),
        st.lists(QUERIES, min_size=3, max_size=6),
    )
    def law(steps: list[tuple[int, Any]], queries: list[Query]) -> None:
        backends = opened(), opened(*INDEXES[:4])
        for backend in backends:
            write(backend, *({"_id": number, "v": 1, "a": number % 3, "b": number % 2} for number in range(0, 20, 2)))
            answer(backend, Query(sort=(SortKey(("a",)), SortKey(("b",), True)), limit=3))
        pairs = [[backend.begin() for backend in backends] for _ in range(2)]
        for which, what in steps:
            answers = [_step(backend, what, pairs[which][side]) for side, backend in enumerate(backends)]

            assert answers[0] == answers[1], what
        for pair in pairs:
            for backend, transaction in zip(backends, pair, strict=True):
                with suppress(WriteConflict):  # an error ended it on both
                    backend.commit(transaction, timeout=1)
        for query in queries:
            assert answer(backends[0], query) == answer(backends[1], query), query

    law()


def _step(backend: MemoryBackend, what: Any, transaction: Transaction) -> object:
    if isinstance(what, Query):
        return answer(backend, what, transaction)
    return write(backend, what, transaction=transaction)


def rows_in(backend: MemoryBackend, count: int) -> None:
    """So many documents: n rises, m has ten values, t is a list, d falls."""
    for start in range(0, count, 500):
        documents = (
            {"_id": ObjectId(f"{n:024x}"), "v": 1, "n": n, "m": n % 10, "t": [n % 7, n % 11], "d": f"{count - n:06}"}
            for n in range(start, start + 500)
        )
        write(backend, *documents)


COUNT = 3_000
M3 = Compare(("m",), EQ, 3)
UP_N, DOWN_N, DOWN_M = SortKey(("n",)), SortKey(("n",), True), SortKey(("m",), True)
UP_ID = SortKey(("_id",))


@pytest.fixture(scope="module")
def large() -> MemoryBackend:
    """3,000 documents with indexes over every field."""
    backend = opened(index("n"), index("m", "-n"), index("t", "n"), index("d", unique=True), index("u", sparse=True))
    rows_in(backend, COUNT)
    return backend


@pytest.mark.parametrize(
    ("query", "way", "examined"),
    [
        (Query(Compare(("n",), EQ, 1_234)), "n_1", 1),
        (Query(Compare(("d",), EQ, "000007")), "d_1", 1),
        (Query(Compare(("_id",), EQ, ObjectId(f"{5:024x}"))), "_id", 1),
        (Query(Compare(("_id",), GT, ObjectId(f"{5:024x}")), (UP_ID,), limit=20), "_id_1", 20),
        (Query(All((Compare(("n",), GE, 100), Compare(("n",), LT, 150)))), "n_1", 50),
        (Query(OneOf(("n",), (1, 5, 9_999))), "n_1", 2),
        (Query(Text(("d",), TextTest.STARTS, "0001")), "d_1", 100),
        (Query(Contains(("t",), 6)), "t_1_n_1", 662),
        (Query(All((M3, Compare(("n",), GE, 2_900)))), "m_1_n_-1", 10),
        (Query(sort=(DOWN_N,), limit=20), "n_1", 20),
        (Query(sort=(DOWN_N, UP_ID), skip=40, limit=20), "n_1", 60),
        (Query(sort=(DOWN_M, UP_N), limit=20), "m_1_n_-1", 20),
        (Query(sort=(SortKey(("m",)), DOWN_N), limit=20), "m_1_n_-1", 20),
        (Query(M3, (DOWN_N, UP_ID), limit=20), "m_1_n_-1", 20),
        (Query(M3, (UP_N,), limit=20), "m_1_n_-1", 20),
        (Query(Compare(("v",), EQ, 1), (DOWN_N,), limit=20), "n_1", 20),
        (Query(limit=20), "age", 20),
        (Query(sort=(SortKey(("_id",), True),), limit=20), "_id", 20),
        (Query(M3, sort=(SortKey(("d",)),), limit=5), "d_1", 50),
    ],
    ids=str,
)
def test_a_query_looks_at_few_rows(large: MemoryBackend, query: Query, way: str, examined: int) -> None:
    """Equality, ranges, prefixes and sorted pages on a declared index look at the rows that they need, not at all."""
    found = large.explain("c", query)

    assert way == found.way
    assert found.returned <= found.examined <= examined
    assert not found.sorts or found.examined < 700


@pytest.mark.parametrize(
    ("query", "way", "sorts"),
    [
        (Query(Compare(("v",), EQ, 2)), "age", False),
        (Query(sort=(SortKey(("t",)),), limit=5), "all", True),
        (Query(sort=(SortKey(("u",)),), limit=5), "all", True),
        (Query(Compare(("u",), EQ, None), limit=5000), "age", False),
        (Query(sort=(SortKey(("v",)),), limit=5), "all", True),
    ],
    ids=str,
)
def test_an_index_that_would_change_the_answer_is_not_used(
    large: MemoryBackend, query: Query, way: str, sorts: bool
) -> None:
    """An index over lists gives no order, and a sparse one finds nothing that is missing: all rows are looked at."""
    found = large.explain("c", query)

    assert (way, sorts, COUNT) == (found.way, found.sorts, found.examined)


def test_large_plans_and_single_writes_agree(large: MemoryBackend) -> None:
    """However the rows were written, the orders are the same, before and after many changes."""
    plain, indexed = opened(), opened(index("n"), index("m", "-n"), index("_id", "m"))
    queries = [
        Query(M3, (DOWN_N,), limit=7),
        Query(sort=(DOWN_M, UP_N, UP_ID), limit=40),
        Query(Compare(("n",), GT, 700), (UP_ID,), skip=3, limit=9),
        Query(limit=9),
    ]
    for backend in (plain, indexed):
        rows_in(backend, 1_500)
    for round_ in range(3):
        for backend in (plain, indexed):
            for n in range(round_ * 37, 1_500, 11):
                write(backend, Update(ObjectId(f"{n:024x}"), 1, {"m": (n * 7) % 10, "n": n - round_}))
            for n in range(round_, 1_500, 101):
                write(backend, Delete(ObjectId(f"{n:024x}"), 1), {"_id": n, "v": 1, "n": n, "m": 3})
        for query in queries:
            assert answer(plain, query) == answer(indexed, query), query


def test_counting_everything_looks_at_nothing(large: MemoryBackend) -> None:
    """A count without a rule is known; with a limit it stops there."""
    counts = [large.count("c", EVERYTHING, limit=limit, transaction=None, timeout=1) for limit in (None, 7, 10_000)]

    assert [COUNT, 7, COUNT] == counts


def test_a_cursor_keeps_to_the_moment_of_its_find() -> None:
    """What a transaction writes while it reads a cursor does not come in."""
    backend = opened(index("n"))
    rows_in(backend, 500)
    transaction = backend.begin()
    for query in (Query(), Query(sort=(UP_N,), limit=400), Query(Compare(("n",), GE, 0))):
        cursor = iter(backend.find("c", query, transaction=transaction, timeout=1))
        first = next(cursor)
        write(backend, Delete(first["_id"], 1), {"v": 1, "n": 5, "_id": str(query)}, transaction=transaction)
        left = sum(1 for _ in cursor)

        assert (query.limit or 500) - 1 == left
