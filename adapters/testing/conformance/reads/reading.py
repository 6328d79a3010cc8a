"""What reading from a backend answers, document by document."""

from copy import deepcopy
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest
from bson import Decimal128, Int64, ObjectId

from .....domain.entities.bounds import Comparator
from .....domain.errors import InvalidQuery
from .....domain.queries.query import Query, SortKey
from .....domain.rules.predicates import (
    EVERYTHING,
    All,
    AnyOf,
    Compare,
    Contains,
    IsNone,
    Not,
    OneOf,
    Predicate,
    Size,
    Text,
    TextTest,
)
from ....backend import Backend
from ..cases import TIMEOUT, ids, read, write
from ..offers import OfferedGuarantees

EQ, NE, LT, LE, GT, GE = Comparator
STARTS, ENDS = TextTest

VALUES: dict[int, Any] = {
    1: 5,
    2: 5.0,
    3: Int64(2**40),
    4: Decimal128("5"),
    5: True,
    6: "five",
    7: "a.b\n",
    8: None,
    10: [5, "five", None],
    11: [],
    12: [[5]],
    13: {"x": 1},
    14: [{"x": 1}, {"x": 2}, {}],
    15: datetime(2026, 1, 2, 3, 4, 5),
    16: ObjectId("0" * 24),
    17: UUID(int=7),
    18: b"raw",
    19: float("nan"),
    20: "",
    21: "a\0b",
    22: False,
    23: "É",
    24: -1,
    25: {"x": None},
    26: "a.b",
}
"""The value at ``v`` of the document with that id; 9 has none."""

V, VX = ("v",), ("v", "x")

PREDICATES: list[tuple[Predicate, list[int]]] = [
    (EVERYTHING, [*range(1, 27)]),
    (AnyOf(()), []),
    (Compare(("_id",), EQ, 3), [3]),
    (Compare(V, EQ, 5), [1, 2, 4, 10]),
    (Compare(V, NE, 5), [3, *range(5, 10), *range(11, 27)]),
    (Compare(V, LT, 5), [24]),
    (Compare(V, LE, 5), [1, 2, 4, 10, 24]),
    (Compare(V, GT, 5), [3]),
    (Compare(V, GE, 5), [1, 2, 3, 4, 10]),
    (Compare(V, EQ, True), [5]),
    (Compare(V, LT, True), [22]),
    (Compare(V, EQ, "five"), [6, 10]),
    (Compare(V, GT, "a"), [6, 7, 10, 21, 23, 26]),
    (Compare(V, LE, ""), [20]),
    (Compare(V, EQ, None), [8, 9, 10]),
    (Compare(V, NE, None), [*range(1, 8), *range(11, 27)]),
    (Compare(V, EQ, datetime(2026, 1, 2, 3, 4, 5)), [15]),
    (Compare(V, LT, datetime(2026, 1, 2, 3, 4, 6)), [15]),
    (Compare(V, EQ, ObjectId("0" * 24)), [16]),
    (Compare(V, EQ, UUID(int=7)), [17]),
    (Compare(V, EQ, b"raw"), [18]),
    (Compare(V, EQ, float("nan")), [19]),
    (Compare(V, EQ, {"$gt": ""}), []),
    (Compare(V, EQ, {"x": 1}), [13, 14]),
    (Compare(VX, EQ, 1), [13, 14]),
    (Compare(VX, GE, 2), [14]),
    (Compare(VX, EQ, None), [*range(1, 10), 14, *range(15, 27)]),
    (Compare(VX, NE, 1), [*range(1, 13), *range(15, 27)]),
    (IsNone(V), [8, 9, 10]),
    (Not(IsNone(V)), [*range(1, 8), *range(11, 27)]),
    (OneOf(V, ()), []),
    (OneOf(V, (5, "five")), [1, 2, 4, 6, 10]),
    (OneOf(V, (None, False)), [8, 9, 10, 22]),
    (Contains(V, 5), [10]),
    (Contains(V, None), [10]),
    (Contains(V, [5]), [12]),
    (Text(V, STARTS, "a.b"), [7, 26]),
    (Text(V, STARTS, ""), [6, 7, 10, 20, 21, 23, 26]),
    (Text(V, ENDS, "b"), [21, 26]),
    (Text(V, ENDS, ".b\n"), [7]),
    (Text(V, STARTS, "a\0"), [21]),
    (Text(V, STARTS, "é"), []),
    (Text(V, ENDS, "ive"), [6, 10]),
    (All((Compare(V, GE, 5), Compare(V, LE, 5))), [1, 2, 4, 10]),
    (AnyOf((Compare(V, EQ, "five"), IsNone(V))), [6, 8, 9, 10]),
    (Not(AnyOf((Compare(V, NE, 5), Compare(V, EQ, "five")))), [1, 2, 4]),
    (Not(All(())), []),
    (Not(Compare(V, GT, 5)), [1, 2, *range(4, 27)]),
]


class ReadingContract(OfferedGuarantees):
    """Reading: predicates, orders, bounds, cursors."""

    @pytest.fixture
    def values(self, backend: Backend) -> Backend:
        """The backend with one document for each value."""
        documents: list[dict[str, Any]] = [{"_id": id_, "v": value} for id_, value in VALUES.items()]
        write(backend, *documents, {"_id": 9})
        return backend

    @pytest.mark.parametrize(("predicate", "expected"), PREDICATES, ids=str)
    def test_predicates(self, values: Backend, predicate: Predicate, expected: list[int]) -> None:
        """A predicate meets the documents that MongoDB's rules say, whatever their values are."""
        found = ids(read(values, predicate))
        counted = values.count("things", predicate, limit=None, transaction=None, timeout=TIMEOUT)

        assert (expected, len(expected)) == (found, counted)

    @pytest.mark.parametrize(
        ("least", "most", "expected"),
        [(0, None, [0, 1, 2, 3]), (1, None, [1, 2, 3]), (3, None, [3]), (4, None, []), (1, 2, [1, 2])],
    )
    def test_sizes_of_lists(self, backend: Backend, least: int, most: int | None, expected: list[int]) -> None:
        """A size has two bounds, each for itself; what is no list has none, items with numbered keys change nothing."""
        write(backend, *({"_id": n, "v": [{"2": 0}] * n} for n in range(4)), {"_id": 4, "v": {"2": 0}}, {"_id": 5})

        assert expected == ids(read(backend, Size(("v",), least, most), SortKey(("_id",))))

    def test_ascending_order_of_all_types(self, values: Backend) -> None:
        """Values of different types have an order, arrays sort by their least item, equal values by the next key."""
        found = ids(read(values, EVERYTHING, SortKey(V), SortKey(("_id",))))

        assert [11, 8, 9, 10, 19, 24, 1, 2, 4, 3, 20, 21, 26, 7, 6, 23, 14, 25, 13, 12, 18, 17, 16, 22, 5, 15] == found

    def test_descending_order_of_all_types(self, values: Backend) -> None:
        """In descending order an array sorts by its greatest item."""
        found = ids(read(values, EVERYTHING, SortKey(V, descending=True), SortKey(("_id",), descending=True)))

        assert [15, 5, 22, 16, 17, 18, 12, 14, 13, 25, 23, 10, 6, 7, 26, 21, 20, 3, 4, 2, 1, 24, 19, 9, 8, 11] == found

    def test_order_by_nested_key(self, values: Backend) -> None:
        """A nested key that is missing sorts like null."""
        found = ids(read(values, Not(IsNone(VX)), SortKey(VX), SortKey(("_id",))))

        assert [10, 11, 12, 13] == found

    def test_order_of_several_keys(self, backend: Backend) -> None:
        """Each key of an order has its own direction."""
        write(backend, *({"_id": n, "a": n % 2, "b": n} for n in range(4)))

        found = ids(read(backend, EVERYTHING, SortKey(("a",)), SortKey(("b",), descending=True)))

        assert [2, 0, 3, 1] == found

    @pytest.mark.parametrize(
        ("skip", "limit", "expected"),
        [(0, None, [0, 1, 2, 3, 4]), (0, 1, [0]), (3, 1, [3]), (1, 3, [1, 2, 3]), (4, 9, [4]), (9, 2, [])],
    )
    def test_skip_and_limit(self, backend: Backend, skip: int, limit: int | None, expected: list[int]) -> None:
        """Skip leaves out from the start of the order, limit bounds what follows."""
        write(backend, *({"_id": n} for n in range(5)))

        assert expected == ids(read(backend, skip=skip, limit=limit))

    @pytest.mark.parametrize(("limit", "expected"), [(None, 5), (1, 1), (3, 3), (9, 5)])
    def test_count_with_limit(self, backend: Backend, limit: int | None, expected: int) -> None:
        """A count stops at its limit."""
        write(backend, *({"_id": n} for n in range(5)))

        assert expected == backend.count("things", EVERYTHING, limit=limit, transaction=None, timeout=TIMEOUT)

    def test_missing_collection(self, backend: Backend) -> None:
        """A collection that nobody created is empty."""
        counted = backend.count("nothing", EVERYTHING, limit=1, transaction=None, timeout=TIMEOUT)

        assert ([], 0) == (read(backend, of="nothing"), counted)

    def test_many_documents_by_iteration(self, backend: Backend) -> None:
        """A cursor yields every document, however many batches it takes."""
        write(backend, *({"_id": n, "v": "x" * 100} for n in range(2_500)))

        cursor = backend.find("things", Query(sort=(SortKey(("_id",)),)), transaction=None, timeout=TIMEOUT)

        assert list(range(2_500)) == [document["_id"] for document in cursor]

    def test_list_of_what_is_left(self, backend: Backend) -> None:
        """Closing a cursor twice is allowed, and what was read is read once."""
        write(backend, *({"_id": n} for n in range(3)))
        cursor = backend.find("things", Query(), transaction=None, timeout=TIMEOUT)

        first, second = cursor.to_list(), cursor.to_list()
        cursor.close()
        cursor.close()

        assert (3, 0) == (len(first), len(second))

    def test_documents_belong_to_the_caller(self, backend: Backend) -> None:
        """Changing a document that was read, or one that was written, changes nothing stored."""
        given: dict[str, Any] = {"_id": 1, "list": [1], "dict": {"a": 1}, "deep": [{"x": [[1]]}]}
        stored = deepcopy(given)
        write(backend, given)
        given["list"].append(2)
        for rule in (EVERYTHING, Compare(("dict", "a"), EQ, 1), Compare(("_id",), EQ, 1)):
            streamed = backend.find("things", Query(rule), transaction=None, timeout=TIMEOUT)
            for found in (*read(backend, rule), *streamed, *read(backend, rule)):
                assert stored == found
                found["dict"]["a"] = 2
                found["list"].append(2)
                found["deep"][0]["x"][0].append(2)
                found["more"] = True

        assert [stored] == read(backend)

    @pytest.mark.parametrize("path", [("$where",), ("",), ("a\0b",)])
    def test_key_that_would_be_an_operator(self, backend: Backend, path: tuple[str, ...]) -> None:
        """A path that no document has, or that would be read as an operator, is refused."""
        with pytest.raises(InvalidQuery):
            read(backend, Compare(path, EQ, "return true"))
