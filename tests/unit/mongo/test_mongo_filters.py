"""Predicates as MongoDB's filters, without a server."""

import re
from typing import Any
from uuid import UUID

import pytest
from bson import ObjectId, encode
from bson.regex import Regex
from hypothesis import given
from hypothesis import strategies as st

from tristore import InvalidQuery
from tristore.adapters.backend import (
    CODEC_OPTIONS,
    EVERYTHING,
    All,
    AnyItem,
    AnyOf,
    Comparator,
    Compare,
    Contains,
    Exists,
    IsNone,
    Matches,
    Not,
    OneOf,
    Predicate,
    Size,
    SortKey,
    Text,
    TextTest,
)
from tristore.adapters.mongo.translation.filters import to_filter, to_sort
from tristore.domain.rules.patterns import pattern_of

A_IS_1 = Compare(("a",), Comparator.EQ, 1)
ITEM_IS_1 = Compare((), Comparator.EQ, 1)
ID = ObjectId()


@pytest.mark.parametrize(
    ("predicate", "expected"),
    [
        (EVERYTHING, {}),
        (AnyOf(()), {"_id": {"$in": []}}),
        (A_IS_1, {"a": {"$eq": 1}}),
        (Compare(("a", "b"), Comparator.NE, 1), {"a.b": {"$ne": 1}}),
        (Compare(("a",), Comparator.LT, 1), {"a": {"$lt": 1}}),
        (Compare(("a",), Comparator.LE, 1), {"a": {"$lte": 1}}),
        (Compare(("a",), Comparator.GT, 1), {"a": {"$gt": 1}}),
        (Compare(("a",), Comparator.GE, 1), {"a": {"$gte": 1}}),
        (Compare(("_id",), Comparator.EQ, ID), {"_id": ID}),
        (Compare(("_id",), Comparator.EQ, "text"), {"_id": {"$eq": "text"}}),
        (Compare(("_id",), Comparator.GT, ID), {"_id": {"$gt": ID}}),
        (IsNone(("a",)), {"a": {"$eq": None}}),
        (OneOf(("a",), (1, 2)), {"a": {"$in": [1, 2]}}),
        (Contains(("a",), 1), {"a": {"$elemMatch": {"$eq": 1}}}),
        (Text(("a",), TextTest.STARTS, "x.y"), {"a": {"$regex": r"^x\.y"}}),
        (Text(("a",), TextTest.ENDS, "\0"), {"a": {"$regex": r"\x00\z"}}),
        (Matches(("a",), pattern_of(r"^x\Z")), {"a": {"$regex": r"^x\z"}}),
        (Exists(("a", "b")), {"a.b": {"$exists": True}}),
        (Size(("a",)), {"a": {"$type": "array"}}),
        (Size(("a",), 2, 2), {"a": {"$size": 2}}),
        (Size(("a",), 0, 1), {"$or": [{"a": {"$size": 0}}, {"a": {"$size": 1}}]}),
        (AnyItem(("a",), A_IS_1), {"a": {"$elemMatch": {"a": {"$eq": 1}}}}),
        (AnyItem(("a",), Not(A_IS_1)), {"a": {"$elemMatch": {"$nor": [{"a": {"$eq": 1}}]}}}),
        (AnyItem(("a",), ITEM_IS_1), {"a": {"$elemMatch": {"$eq": 1}}}),
        (AnyItem(("a",), Not(ITEM_IS_1)), {"a": {"$elemMatch": {"$not": {"$eq": 1}}}}),
        (AnyItem(("a",), All((ITEM_IS_1, Size((), 1, 1)))), {"a": {"$elemMatch": {"$eq": 1, "$size": 1}}}),
        (AnyItem(("a",), Text((), TextTest.STARTS, "x")), {"a": {"$elemMatch": {"$in": [Regex("^x")]}}}),
        (AnyItem(("a",), EVERYTHING), {"a": {"$elemMatch": {"$nin": []}}}),
        (AnyItem(("a",), AnyOf(())), {"a": {"$elemMatch": {"$in": []}}}),
        (Not(A_IS_1), {"$nor": [{"a": {"$eq": 1}}]}),
        (All((A_IS_1, IsNone(("b",)))), {"$and": [{"a": {"$eq": 1}}, {"b": {"$eq": None}}]}),
        (AnyOf((A_IS_1, EVERYTHING)), {"$or": [{"a": {"$eq": 1}}, {}]}),
    ],
)
def test_translation(predicate: Predicate, expected: dict[str, Any]) -> None:
    """Each predicate has its filter."""
    assert expected == to_filter(predicate)


def test_operators_that_stand_twice() -> None:
    """What must hold of one item at once, by the same operator, is a document that has it twice, UUIDs included."""
    part = All((Not(ITEM_IS_1), Not(Compare((), Comparator.EQ, UUID(int=1)))))
    document = to_filter(AnyItem(("a",), part))["a"]["$elemMatch"]
    twice = encode({"x": document}, codec_options=CODEC_OPTIONS)

    assert 2 == twice.count(b"$not")
    assert twice.index(UUID(int=1).bytes) > twice.rindex(b"$not")


def test_a_size_that_no_list_has() -> None:
    """A range of sizes without a size in it meets nothing."""
    assert {"_id": {"$in": []}} == to_filter(Size(("a",), 1, 0))


@pytest.mark.parametrize("value", [{"$ne": None}, {"$gt": ""}, {"$where": "1"}, [{"$ne": 1}], "$a"])
@pytest.mark.parametrize("path", [("a",), ("_id",)])
def test_value_never_becomes_an_operator(path: tuple[str, ...], value: object) -> None:
    """A value stands under an operator of ours, whatever it looks like."""
    assert {path[0]: {"$eq": value}} == to_filter(Compare(path, Comparator.EQ, value))


@pytest.mark.parametrize("value", [re.compile("."), Regex(".")])
def test_an_expression_is_no_value(value: object) -> None:
    """Where a server would match by it, a rule compares with no expression."""
    for rule in (Compare(("a",), Comparator.EQ, value), OneOf(("a",), (1, value))):
        with pytest.raises(InvalidQuery):
            to_filter(rule)


@pytest.mark.parametrize("path", [(), ("",), ("$where",), ("$or", "a"), ("a\0",)])
def test_key_that_would_be_an_operator(path: tuple[str, ...]) -> None:
    """A path that would be read as an operator is refused, in filters and in orders."""
    with pytest.raises(InvalidQuery):
        to_filter(IsNone(path))
    with pytest.raises(InvalidQuery):
        to_sort([SortKey(path)])


def test_order() -> None:
    """An order keeps its weight and its directions."""
    assert [("a.b", -1), ("c", 1)] == to_sort([SortKey(("a", "b"), descending=True), SortKey(("c",))])


@given(st.text())
def test_text_is_literal(text: str) -> None:
    """The pattern made of a text matches that text, and needs no NUL to say so."""
    pattern = to_filter(Text(("a",), TextTest.STARTS, text))["a"]["$regex"]

    assert "\0" not in pattern
    assert re.match(pattern, text + "x")
