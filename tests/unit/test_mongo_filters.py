"""Predicates as MongoDB's filters, without a server."""

import re
from typing import Any

import pytest
from bson import ObjectId
from hypothesis import given
from hypothesis import strategies as st

from tristore.adapters.mongo.filters import to_filter, to_sort
from tristore.domain.errors import InvalidQuery
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
from tristore.domain.queries import SortKey

A_IS_1 = Compare(("a",), Comparator.EQ, 1)
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
        (Not(A_IS_1), {"$nor": [{"a": {"$eq": 1}}]}),
        (All((A_IS_1, IsNone(("b",)))), {"$and": [{"a": {"$eq": 1}}, {"b": {"$eq": None}}]}),
        (AnyOf((A_IS_1, EVERYTHING)), {"$or": [{"a": {"$eq": 1}}, {}]}),
    ],
)
def test_translation(predicate: Predicate, expected: dict[str, Any]) -> None:
    """Each predicate has its filter."""
    assert expected == to_filter(predicate)


@pytest.mark.parametrize("value", [{"$ne": None}, {"$gt": ""}, {"$where": "1"}, [{"$ne": 1}], re.compile("."), "$a"])
@pytest.mark.parametrize("path", [("a",), ("_id",)])
def test_value_never_becomes_an_operator(path: tuple[str, ...], value: object) -> None:
    """A value stands under an operator of ours, whatever it looks like."""
    assert {path[0]: {"$eq": value}} == to_filter(Compare(path, Comparator.EQ, value))


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
