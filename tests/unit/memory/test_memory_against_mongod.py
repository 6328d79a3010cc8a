"""The in-memory backend against a real mongod: what matches, in which order, and who wins."""

import os
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest
from bson.binary import Binary
from bson.code import Code
from bson.datetime_ms import DatetimeMS
from bson.decimal128 import Decimal128
from bson.objectid import ObjectId
from bson.regex import Regex
from bson.timestamp import Timestamp
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pymongo import MongoClient
from pymongo.collection import Collection
from pymongo.errors import OperationFailure
from sized import sized

from tristore import InvalidQuery
from tristore.adapters.backend import (
    CODEC_OPTIONS,
    All,
    AnyOf,
    Backend,
    BackendOptions,
    CollectionDeclaration,
    Comparator,
    Compare,
    Contains,
    Delete,
    Document,
    IndexDeclaration,
    IsNone,
    KeyTaken,
    Not,
    OneOf,
    Predicate,
    Query,
    SortKey,
    Text,
    TextTest,
    Transaction,
    Update,
    WritePlan,
)
from tristore.adapters.mongo.backend import MongoBackend
from tristore.adapters.mongo.translation.filters import to_filter, to_sort
from tristore.errors import DeadlineExceeded, WriteConflict
from tristore.testing import MemoryBackend, MongoServer

DATABASE = f"twin_{os.getpid()}"
NUMBERS = (
    CollectionDeclaration(
        "numbers",
        (IndexDeclaration((("u", 1),), unique=True), IndexDeclaration((("s", 1),), unique=True, sparse=True)),
    ),
)
SCALARS = st.sampled_from(
    [
        *(0, 1, -1, 2, 2**31, 2**53, 2**53 + 1, 2**63 - 1, -(2**63), True, False),
        *(0.0, -0.0, 1.0, 0.1, -1.5, 2.0**53, 2.0**63, 1e300, 5e-324, float("nan"), float("inf"), -float("inf")),
        *map(Decimal128, ["0", "-0", "1", "1.00", "0.1", "1E+300", "NaN", "Infinity", "-Infinity", "2.5"]),
        Decimal128("0.1000000000000000055511151231257827"),
        Decimal128("9007199254740993"),
        *("", "a", "ab", "b", "A", "a\n", "\0", "é", "\U0001f600", "\uffff", "a.b", "$a"),
        *(b"", b"a", b"ab", b"b", Binary(b"a", 5), Binary(b"a", 2), Binary(b"abcde", 2), Binary(b"ab", 128)),
        *(UUID(int=0), UUID(int=2**100), Binary(b"\0" * 16, 3), b"\0" * 16),
        *(ObjectId("0" * 24), ObjectId("f" * 24), ObjectId("65a000000000000000000000")),
        *(datetime(1970, 1, 1), datetime(2024, 5, 6, 7, 8, 9, 123000), datetime(1, 1, 1), datetime(1969, 12, 31)),
        *(DatetimeMS(2**55), DatetimeMS(-(2**55)), Timestamp(1, 1), Timestamp(1, 2), Timestamp(2**32 - 1, 0)),
    ]
)
NAMES = st.sampled_from(["a", "b", "c", "0", "1"])
VALUES = st.recursive(
    st.none() | SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=6,
)
STORED = VALUES | st.sampled_from(
    [Code("a"), Code("a", {"x": 1}), Code("b", {}), Regex("a"), Regex("a", "i"), [Regex("b")]]
)
DOCUMENTS = st.lists(st.dictionaries(st.sampled_from(["a", "b"]), STORED, max_size=2), min_size=1, max_size=12)
PATHS = st.lists(NAMES, min_size=1, max_size=3).map(lambda names: ("ab"[len(names) % 2], *names[1:])) | (
    st.sampled_from([("a",), ("b",), ("a", "b"), ("a", "0"), ("a", "b", "c"), ("a", "0", "b")])
)
OPERANDS = VALUES.filter(lambda value: value is not None)
LEAVES: st.SearchStrategy[Predicate] = st.one_of(
    st.builds(Compare, PATHS, st.sampled_from(Comparator), OPERANDS),
    st.builds(Compare, PATHS, st.sampled_from([Comparator.EQ, Comparator.NE]), st.none()),
    st.builds(IsNone, PATHS),
    st.builds(OneOf, PATHS, st.lists(VALUES, max_size=3).map(tuple)),
    st.builds(Contains, PATHS, VALUES),
    st.builds(Text, PATHS, st.sampled_from(TextTest), st.sampled_from(["a", "b", "\n", "a.", "\0", "é", "$", "\\"])),
)
PREDICATES = st.recursive(
    LEAVES,
    lambda inner: (
        st.builds(All, st.lists(inner, max_size=3).map(tuple))
        | st.builds(AnyOf, st.lists(inner, max_size=3).map(tuple))
        | st.builds(Not, inner)
    ),
    max_leaves=4,
)
SORTS = st.lists(st.builds(SortKey, PATHS, st.booleans()), min_size=1, max_size=2, unique_by=lambda key: key.path)
THOROUGH = settings(
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)


@pytest.fixture(scope="module")
def real(tristore_mongod: MongoServer) -> Iterator[Collection[Document]]:
    with MongoClient[Document](tristore_mongod.url) as client:
        yield client[DATABASE].get_collection("c", CODEC_OPTIONS)
        client.drop_database(DATABASE)


def twins(real: Collection[Document], contents: list[Document]) -> MemoryBackend:
    """Store the same documents in the server and in memory."""
    documents = [{"_id": number, **content} for number, content in enumerate(contents)]
    real.delete_many({})
    real.insert_many(documents)
    memory = MemoryBackend.open("memory://", BackendOptions("twin", ()))
    memory.write(WritePlan("c", "version", inserts=documents), transaction=None, timeout=1)
    return memory


def in_memory(memory: MemoryBackend, query: Query) -> list[Any] | str:
    try:
        return [found["_id"] for found in memory.find("c", query, transaction=None, timeout=1)]
    except InvalidQuery:
        return "refused"


@sized(60, soak=300)
def test_the_same_documents_match(real: Collection[Document], examples: int) -> None:
    """Of documents of all types of values, both backends find the same."""

    @settings(THOROUGH, max_examples=examples)
    @given(DOCUMENTS, st.lists(PREDICATES, min_size=5, max_size=15))
    def law(contents: list[Document], predicates: list[Predicate]) -> None:
        memory = twins(real, contents)

        for predicate in predicates:
            expected = sorted(found["_id"] for found in real.find(to_filter(predicate), ["_id"]))
            actual = in_memory(memory, Query(predicate))

            assert expected == actual, predicate

    law()


@sized(60, soak=300)
def test_the_same_order(real: Collection[Document], examples: int) -> None:
    """Documents of all types of values have the same order, and a limit cuts the same stretch."""

    @settings(THOROUGH, max_examples=examples)
    @given(DOCUMENTS, st.lists(SORTS, min_size=5, max_size=15), st.none() | st.integers(1, 5), st.integers(0, 3))
    def law(contents: list[Document], sorts: list[list[SortKey]], limit: int | None, skip: int) -> None:
        memory = twins(real, contents)

        for sort in sorts:
            keys = (*sort, SortKey(("_id",)))
            try:
                cursor = real.find({}, ["_id"], sort=to_sort(keys), skip=skip, limit=limit or 0)
                expected: list[Any] | str = [found["_id"] for found in cursor]
            except OperationFailure:
                expected = "refused"
            actual = in_memory(memory, Query(sort=keys, skip=skip, limit=limit))

            if actual == "refused" and {"0", "1"} & {name for key in sort for name in key.path}:
                continue  # the twin does not number the items of a list in an order
            assert expected == actual, sort

    law()


@sized(60, soak=300)
def test_the_same_values_come_back(real: Collection[Document], examples: int) -> None:
    """A document comes back from memory as it does from the server, types and key order included."""

    @settings(THOROUGH, max_examples=examples)
    @given(DOCUMENTS)
    def law(contents: list[Document]) -> None:
        memory = twins(real, contents)

        expected = list(real.find(sort=[("_id", 1)]))
        actual = memory.find("c", Query(), transaction=None, timeout=1).to_list()

        assert repr(expected) == repr(actual)

    law()


KEYS = st.sampled_from([0, 1, 2])
UNIQUE_VALUES = st.fixed_dictionaries({}, optional={"u": KEYS, "s": KEYS, "x": st.integers(0, 1)})
UPDATES = st.builds(
    Update,
    KEYS,
    st.sampled_from([1, 1, 1, 2]),
    UNIQUE_VALUES.filter(bool),
    st.sampled_from([(), ("s",), ("y",)]),
).filter(lambda update: not set(update.unset) & set(update.set))
OPERATIONS = st.one_of(
    st.builds(Delete, KEYS, st.just(1)),
    UPDATES,
    UPDATES,
    st.builds(lambda id_, values: {"_id": id_, "version": 1, **values}, KEYS, UNIQUE_VALUES),
)
ACTORS = st.sampled_from(["first", "second"])
STEPS = st.one_of(
    st.tuples(ACTORS, st.lists(OPERATIONS, min_size=1, max_size=2)),
    st.tuples(ACTORS, st.lists(OPERATIONS, min_size=1, max_size=2)),
    st.tuples(st.just("plain"), st.lists(OPERATIONS, min_size=1, max_size=1)),
    st.tuples(ACTORS, st.sampled_from(["read", "commit", "abort"])),
)


class Side:
    """One backend with the transactions that are open on it."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self.open: dict[str, Transaction] = {}

    def outcome(self, actor: str, what: Any, timeout: float) -> object:
        """Carry out one step and tell what came of it."""
        transaction = None
        if actor != "plain":
            transaction = self.open.get(actor) or self.open.setdefault(actor, self.backend.begin())
        try:
            return self._step(actor, what, transaction, timeout)
        except KeyTaken as taken:
            return "taken", taken.keys, taken.position, taken.done
        except (WriteConflict, DeadlineExceeded) as error:
            return type(error).__name__

    def _step(self, actor: str, what: Any, transaction: Transaction | None, timeout: float) -> object:
        if what == "read":
            return self.contents(transaction)
        if transaction is not None and isinstance(what, str):
            self.open.pop(actor)
            if what == "abort":
                return self.backend.abort(transaction)
            return self.backend.commit(transaction, timeout=timeout)
        plan = WritePlan(
            "numbers",
            "version",
            [one for one in what if isinstance(one, Delete)],
            [one for one in what if isinstance(one, Update)],
            [one for one in what if isinstance(one, dict)],
        )
        return self.backend.write(plan, transaction=transaction, timeout=timeout)

    def contents(self, transaction: Transaction | None = None) -> str:
        """All that is stored, order and types of the keys included."""
        query = Query(sort=(SortKey(("_id",)),))
        return repr(self.backend.find("numbers", query, transaction=transaction, timeout=5).to_list())

    def abort_all(self) -> None:
        while self.open:
            self.backend.abort(self.open.popitem()[1])


@pytest.fixture(scope="module")
def on_server(tristore_mongod: MongoServer) -> Iterator[MongoBackend]:
    backend = MongoBackend.open(tristore_mongod.url_for(DATABASE), BackendOptions("twin", NUMBERS))
    backend.prepare(NUMBERS, timeout=30)
    yield backend
    backend.close()


@sized(60, soak=300)
def test_the_same_writer_wins(on_server: MongoBackend, real: Collection[Document], examples: int) -> None:
    """Two transactions and a plain writer meet the same snapshots, conflicts and unique keys (T2, T4, T6, T22)."""

    @settings(THOROUGH, max_examples=examples)
    @given(st.lists(STEPS, min_size=4, max_size=14))
    def law(steps: list[tuple[str, Any]]) -> None:
        real.database["numbers"].delete_many({})
        memory = Side(MemoryBackend.open("memory://", BackendOptions("twin", NUMBERS)))
        mongo = Side(on_server)
        waits = 0
        try:
            for actor, what in [("plain", [{"_id": 0, "version": 1, "u": 0}]), *steps]:
                actual = memory.outcome(actor, what, timeout=0)
                if actual == "DeadlineExceeded":
                    waits += 1
                    if waits > 1:
                        continue  # waiting costs time, and it was compared once
                expected = mongo.outcome(actor, what, timeout=0.15 if waits and actual == "DeadlineExceeded" else 5)

                assert expected == actual, (actor, what)
        finally:
            memory.abort_all()
            mongo.abort_all()

        assert mongo.contents() == memory.contents()

    law()
