"""What a backend refuses of what it is given, before anything is done with it."""

from datetime import datetime
from decimal import Decimal
from enum import IntEnum, StrEnum
from typing import Any
from uuid import UUID

import pytest
from bson import Decimal128, ObjectId, Regex
from bson.binary import Binary

from ....domain.entities.bounds import Comparator
from ....domain.errors import InvalidQuery, TooLarge, ValidationError
from ....domain.queries.query import Query, SortKey
from ....domain.rules.predicates import EVERYTHING, AnyItem, Compare, Contains, Not, OneOf, Predicate, Text, TextTest
from ...backend import Backend, Delete, Modify, Replace, Update, WritePlan
from .cases import TIMEOUT, commit, ids, open_transaction, read, write
from .offers import OfferedGuarantees

UNSTORABLE: dict[str, Any] = {
    "a foreign object": object(),
    "a long integer": 2**63,
    "a lone surrogate": "\ud800",
    "a key that is no text": {1: 2},
    "a key with NUL": {"a\0b": 1},
    "a key that is a lone surrogate": {"\udfff": 1},
    "a Decimal of Python's": Decimal(1),
    "a set": {1, 2},
    "bytes marked as a UUID": Binary(b"abc", 4),
    "one deep in a list": [{"x": [0, Binary(b"", 4)]}],
    "an expression with NUL": Regex("a\0"),
}
NEVER_IDS: list[Any] = [[1], Regex("a"), {"$gt": ""}, {"a": {"$gt": ""}}]
NO_PATHS: list[tuple[str, ...]] = [(), ("",), ("a", ""), ("", "a"), ("a", "", "b"), ("$a",), ("a\0",), ("\ud800",)]
NO_NUMBERS: tuple[Any, ...] = ("a", True, None, [1], {}, datetime(2026, 1, 1))
REFUSED_CHANGES: list[Modify] = [
    Modify({}),
    *(Modify({key: 7}) for key in ("_id", "_id.x", "", "a.", ".a", "a..b", "$a", "a.$", "\ud800")),
    *(Modify({}, (key,)) for key in ("_id", "_id.x", "", "a..b", "$a")),
    *(Modify({}, (), {key: 1}) for key in ("_id", "", "a..b", "$a")),
    *(Modify({}, (), {"n": by}) for by in NO_NUMBERS),
    Modify({"a": 1, "a.b": 2}),
    Modify({"a": 1}, ("a",)),
    Modify({"a": 1}, (), {"a.b.c": 1}),
]
FOUND = (
    {"_id": 1, "v": {"$gt": ""}},
    {"_id": 2, "v": "x"},
    {"_id": 3, "v": {"$x": 1, "b": 2}},
    {"_id": 4, "v": [{"$gt": ""}, 5]},
    {"_id": 5, "v": 5},
)
V = ("v",)
OPERATORS_AS_VALUES: list[tuple[Predicate, list[int]]] = [
    (OneOf(V, ({"$gt": ""},)), [1, 4]),
    (OneOf(V, ("x", {"$x": 1, "b": 2})), [2, 3]),
    (Not(OneOf(V, ({"$gt": ""}, 5))), [2, 3]),
    (AnyItem(V, OneOf((), ({"$gt": ""}, 7))), [4]),
    (Contains(V, {"$gt": ""}), [4]),
    (Compare(V, Comparator.EQ, {"$gt": ""}), [1, 4]),
]


class _Text(str):
    __slots__ = ()


class _Long(int):
    pass


class _Double(float):
    pass


class _Moment(datetime):
    pass


class _Uuid(UUID):
    pass


class _Dictionary(dict[str, Any]):
    pass


class _List(list[Any]):
    pass


class _Letter(StrEnum):
    A = "a"


class _Number(IntEnum):
    ONE = 1


SUBCLASSES: list[tuple[Any, Any]] = [
    (_Text("a"), "a"),
    (_Letter.A, "a"),
    (_Long(3), 3),
    (_Number.ONE, 1),
    (_Double(1.5), 1.5),
    (_Moment(2026, 1, 2), datetime(2026, 1, 2)),
    (_Uuid(int=7), UUID(int=7)),
    (_Dictionary(a=1), {"a": 1}),
    (_List([1]), [1]),
    ((1, 2), [1, 2]),
]
VERSIONED = {"_id": 1, "version": 1}


class GivenContract(OfferedGuarantees):
    """What callers may give: it is looked at before anything is done."""

    @pytest.mark.parametrize("value", UNSTORABLE.values(), ids=UNSTORABLE)
    def test_nothing_of_a_plan_is_done(self, backend: Backend, value: Any) -> None:
        """A plan with a value that no document can hold is refused as a whole, and the key is named."""
        write(backend, VERSIONED)
        for updates in ([], [Update(1, 1, {"version": 2})]):
            with pytest.raises(ValidationError) as caught:
                write(backend, {"_id": 2}, {"_id": 3, "a": value}, {"_id": 4}, updates=updates)
            assert "a" == caught.value.problems[0].field.partition(".")[0]
        for update in (Update(1, 1, {"a": value}), Replace(1, 1, {"_id": 1, "a": value})):
            with pytest.raises(ValidationError):
                write(backend, updates=[update])
        with pytest.raises(ValidationError):
            backend.update_where("things", EVERYTHING, Modify({"a": value}), transaction=None, timeout=TIMEOUT)

        assert [VERSIONED] == read(backend)

    @pytest.mark.parametrize("value", UNSTORABLE.values(), ids=UNSTORABLE)
    def test_in_no_order_the_others_are_carried_out(self, backend: Backend, value: Any) -> None:
        """Of a plan in no order only the operation with such a value is refused, by its position."""
        write(backend, VERSIONED)
        plan = WritePlan(
            "things",
            "version",
            updates=[Update(1, 1, {"a": value}), Update(1, 1, {"version": 2})],
            inserts=[{"_id": 2, "a": value}, {"_id": 1}, {"_id": 3}],
        )
        result = backend.write_many(plan, timeout=TIMEOUT)

        assert ([0, 2, 3], 1, 1) == (sorted(result.errors), result.matched, result.inserted)
        assert isinstance(result.errors[2], ValidationError)
        assert [{"_id": 1, "version": 2}, {"_id": 3}] == read(backend)

    def test_a_document_that_is_too_large(self, backend: Backend) -> None:
        """It is seen before anything of its plan is done; in no order it is refused alone."""
        write(backend, VERSIONED)
        large = {"_id": 3, "a": "x" * 17 * 2**20}
        for updates in ([], [Update(1, 1, {"version": 2})]):
            with pytest.raises(TooLarge):
                write(backend, {"_id": 2}, large, updates=updates)
        result = backend.write_many(WritePlan("things", "version", inserts=[large, {"_id": 4}]), timeout=TIMEOUT)

        assert [0] == list(result.errors)
        assert [VERSIONED, {"_id": 4}] == read(backend)

    def test_a_transaction_goes_on(self, transactional: Backend) -> None:
        """What is wrong in itself does not end a transaction, which has the writes from before and after."""
        with open_transaction(transactional) as transaction:
            write(transactional, {"_id": 1}, transaction=transaction)
            for wrong in ({"_id": 2, "a": object()}, {"a": 1}, {"_id": [1]}):
                with pytest.raises(ValidationError):
                    write(transactional, {"_id": 5}, wrong, transaction=transaction)
            with pytest.raises(TooLarge):
                write(transactional, {"_id": 2, "a": "x" * 17 * 2**20}, transaction=transaction)
            with pytest.raises(ValidationError):
                transactional.update_where(
                    "things", EVERYTHING, Modify({"_id": 7}), transaction=transaction, timeout=TIMEOUT
                )
            with pytest.raises(InvalidQuery):
                read(transactional, Compare(("",), Comparator.EQ, 1), transaction=transaction)
            write(transactional, {"_id": 3}, transaction=transaction)
            commit(transactional, transaction)

        assert [1, 3] == ids(read(transactional))

    @pytest.mark.parametrize("never", NEVER_IDS, ids=repr)
    def test_what_is_no_id(self, backend: Backend, never: Any) -> None:
        """A list, an expression, or a document of operators is no id: nothing is stored, met or removed by it."""
        write(backend, VERSIONED)
        with pytest.raises(ValidationError):
            write(backend, {"_id": never})
        for plan in ({"deletes": [Delete(never, 1)]}, {"updates": [Update(never, 1, {"a": 1})]}):
            with pytest.raises(ValidationError):
                write(backend, **plan)

        assert [VERSIONED] == read(backend)

    @pytest.mark.parametrize("id_", [None, b"x", {"a": 1}, 1.5, UUID(int=7), ObjectId("0" * 24), datetime(2026, 1, 1)])
    def test_ids_of_every_type(self, backend: Backend, id_: Any) -> None:
        """Any other value is an id, by which a document is found, changed and removed."""
        write(backend, {"_id": id_, "version": 1})
        changed = write(backend, updates=[Update(id_, 1, {"version": 2})])
        found = read(backend, Compare(("_id",), Comparator.EQ, id_))
        removed = write(backend, deletes=[Delete(id_, 2)])

        assert (1, [{"_id": id_, "version": 2}], 1) == (changed.matched, found, removed.deleted)

    def test_the_id_never_changes(self, backend: Backend) -> None:
        """An update, a replacement or a change of all that would set another id, or take it away, is refused."""
        write(backend, VERSIONED)
        for update in (
            Update(1, 1, {"_id": 2}),
            Update(1, 1, {"a": 1}, ("_id",)),
            Replace(1, 1, {"_id": 2}),
            Replace(1, 1, {"_id": 1.0}),
        ):
            with pytest.raises(ValidationError, match="_id"):
                write(backend, updates=[update])

        assert [VERSIONED] == read(backend)

    @pytest.mark.parametrize("change", REFUSED_CHANGES, ids=repr)
    def test_changes_that_no_document_can_undergo(self, backend: Backend, change: Modify) -> None:
        """The id, empty parts, operators, a key twice, sums of what is no number are refused, whatever matches."""
        write(backend, {"_id": 1, "n": 1})
        for rule in (EVERYTHING, Compare(("n",), Comparator.EQ, 9)):
            with pytest.raises(ValidationError):
                backend.update_where("things", rule, change, transaction=None, timeout=TIMEOUT)

        assert [{"_id": 1, "n": 1}] == read(backend)

    @pytest.mark.parametrize("key", ["", "a.b", "$a", "a\0", "\ud800", "_id"])
    def test_keys_that_no_update_changes(self, backend: Backend, key: str) -> None:
        """An update names top-level keys, each to be set or to be taken away."""
        write(backend, VERSIONED)
        for update in (Update(1, 1, {key: 2}), Update(1, 1, {}, (key,)), Update(9, 1, {key: 2})):
            with pytest.raises(ValidationError):
                write(backend, updates=[update])
        with pytest.raises(ValidationError):
            write(backend, updates=[Update(1, 1, {"a": 1}, ("a",))])

        assert [VERSIONED] == read(backend)

    @pytest.mark.parametrize("path", NO_PATHS, ids=ascii)
    def test_paths_of_no_key(self, backend: Backend, path: tuple[str, ...]) -> None:
        """An empty path or part, an operator, NUL and a lone surrogate are refused in rules, orders and selections."""
        write(backend, VERSIONED)
        for query in (
            Query(Compare(path, Comparator.EQ, 1)),
            Query(EVERYTHING, (SortKey(path),)),
            Query(EVERYTHING, select=(path,)),
        ):
            with pytest.raises(InvalidQuery):
                backend.find("things", query, transaction=None, timeout=TIMEOUT).to_list()
        with pytest.raises(InvalidQuery):
            backend.distinct("things", path, EVERYTHING, transaction=None, timeout=TIMEOUT)

    @pytest.mark.parametrize("value", [*UNSTORABLE.values(), Regex("x")], ids=[*UNSTORABLE, "an expression"])
    def test_values_that_nothing_is_compared_with(self, backend: Backend, value: Any) -> None:
        """What no document can hold, and what a server takes for more than a value, is refused in every comparison."""
        write(backend, {"_id": 1, "v": "x"})
        rules: list[Predicate] = [
            *(Compare(path, Comparator.EQ, value) for path in (V, ("_id",))),
            *(OneOf(path, (1, value)) for path in (V, ("_id",))),
            Compare(V, Comparator.GT, value),
            Contains(V, value),
            AnyItem(V, OneOf((), (value,))),
        ]
        if isinstance(value, str):
            rules.append(Text(V, TextTest.STARTS, value))
        for rule in rules:
            with pytest.raises(InvalidQuery):
                read(backend, rule)
            with pytest.raises(InvalidQuery):
                backend.remove_where("things", rule, transaction=None, timeout=TIMEOUT)

        assert [1] == ids(read(backend))

    def test_nothing_is_more_than_none(self, backend: Backend) -> None:
        """None has no place in an order of values."""
        with pytest.raises(InvalidQuery):
            read(backend, Compare(V, Comparator.LT, None))

    @pytest.mark.parametrize(("rule", "expected"), OPERATORS_AS_VALUES)
    def test_a_document_of_operators_is_a_value(self, backend: Backend, rule: Predicate, expected: list[int]) -> None:
        """A document whose keys begin with $ is compared as a value, one among others too."""
        write(backend, *FOUND)

        assert expected == ids(read(backend, rule))

    @pytest.mark.parametrize(("value", "plain"), SUBCLASSES, ids=lambda value: type(value).__name__)
    def test_subclasses_of_stored_types(self, backend: Backend, value: Any, plain: Any) -> None:
        """An object of a subclass is the value that it is, stored, asked for, as an id, in lists and in changes."""
        write(backend, {"_id": 1, "v": value, "list": [value], "version": 1})
        write(backend, updates=[Update(1, 1, {"w": value, "version": 2})])
        backend.update_where("things", EVERYTHING, Modify({"x.y": value}), transaction=None, timeout=TIMEOUT)
        (found,) = read(backend)

        assert [plain, [plain], plain, {"y": plain}] == [found[key] for key in ("v", "list", "w", "x")]
        assert type(plain) is type(found["v"])
        for rule in (Compare(V, Comparator.EQ, value), OneOf(V, (value, None)), Contains(("list",), value)):
            assert [1] == ids(read(backend, rule))

    @pytest.mark.parametrize(
        ("keys", "expected"),
        [
            (["10", "9", "1", "a", "01", "2", "-1", "B"], ["-1", "01", "1", "2", "9", "10", "B", "a"]),
            (["b", "a", "é"], ["a", "b", "é"]),
        ],
    )
    def test_the_order_of_new_keys(self, backend: Backend, keys: list[str], expected: list[str]) -> None:
        """New keys follow those that are there: numbers by their value, all else in alphabetical order."""
        write(backend, VERSIONED)
        write(backend, updates=[Update(1, 1, dict.fromkeys(keys, 0))])
        change = Modify({f"in.{key}": Decimal128("1") for key in keys})
        backend.update_where("things", EVERYTHING, change, transaction=None, timeout=TIMEOUT)
        (found,) = read(backend)

        assert ["_id", "version", *expected, "in"] == list(found)
        assert expected == list(found["in"])
