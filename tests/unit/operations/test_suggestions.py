"""Advice on indexes and on slow operations, from what a server says of them."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tristore.adapters.backend import ActualIndex, IndexUsage, Shape, SlowOperation
from tristore.adapters.mongo.translation.query_shapes import shape_of_command, shape_of_filter
from tristore.adapters.operations.upkeep.suggestions import advice_on, suggested
from tristore.operations import slow_shapes

NOW = datetime(2026, 1, 31)
WEEK = NOW - timedelta(days=7)


def used(name: str, uses: int = 1, /, **options: Any) -> IndexUsage:
    """An index over the keys that its name lists, used so often since a week."""
    keys = tuple((key.strip("-"), -1 if key.startswith("-") else 1) for key in name.split())
    return IndexUsage(ActualIndex("things", name, keys, options), uses, WEEK)


def advised(*usage: IndexUsage, most: int = 12) -> list[tuple[str, str]]:
    """Kind and subject of each advice."""
    return [(one.kind, one.subject) for one in advice_on(usage, NOW, most=most)]


def test_unused() -> None:
    """An index that nobody used is named with the time from when on that is known; one with other work to do is not."""
    found = advice_on([used("a", 0), used("b"), used("c", 0, unique=True), used("d", 0, expireAfterSeconds=5)], NOW)

    assert [("unused", "a")] == [(one.kind, one.subject) for one in found]
    assert "since 2026-01-24 00:00 UTC (7.0 days)" in found[0].reason


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("a", "a b", ["a"]),
        ("a", "-a b", ["a"]),
        ("a -b", "-a b c", ["a -b"]),
        ("a b", "a -b c", []),
        ("b", "a b", []),
        ("a", "a", []),
    ],
)
def test_redundant(first: str, second: str, expected: list[str]) -> None:
    """An index whose keys begin another one, in its order or exactly against it, is of no use beside it."""
    assert [("redundant", name) for name in expected] == advised(used(first), used(second))


@pytest.mark.parametrize("option", ["unique", "sparse", "partialFilterExpression", "expireAfterSeconds", "collation"])
def test_what_does_more_than_find_is_not_redundant(option: str) -> None:
    """An index that refuses, forgets, or holds fewer documents is not replaced by a longer one."""
    assert [] == advised(used("a", 1, **{option: {"x": 1}}), used("a b"))


@pytest.mark.parametrize("option", ["sparse", "partialFilterExpression", "hidden", "collation"])
def test_what_holds_less_replaces_nothing(option: str) -> None:
    """A longer index that holds fewer documents, or is hidden, serves less."""
    assert [] == advised(used("a"), used("a b", 1, **{option: {"x": 1}}))


def test_too_many() -> None:
    """More indexes than wanted are too many for the writes of one collection."""
    usage = [used(f"k{number}") for number in range(5)]

    assert ([("too many", "5 indexes")], []) == (advised(*usage, most=4), advised(*usage, most=5))


OPERATIONS = st.builds(
    SlowOperation,
    at=st.just(datetime(2026, 1, 31)),
    milliseconds=st.integers(0, 1_000),
    shape=st.sampled_from([shape_of_filter("find", "things", {key: 1}) for key in "abc"]),
    plan=st.sampled_from(["COLLSCAN", "IXSCAN { a: 1 }", ""]),
    keys=st.integers(0, 50),
    examined=st.integers(0, 50),
    returned=st.integers(0, 50),
)


@given(st.lists(OPERATIONS))
def test_groups_add_up(operations: list[SlowOperation]) -> None:
    """Groups leave nothing out and count nothing twice; those that took longest come first."""
    groups = slow_shapes(operations)

    assert len(operations) == sum(one.count for one in groups)
    assert sum(one.milliseconds for one in operations) == sum(one.total for one in groups)
    assert sorted((one.total for one in groups), reverse=True) == [one.total for one in groups]
    assert len({one.shape for one in operations}) == len(groups)
    assert all(one.worst <= one.total for one in groups)


SUGGESTIONS: list[tuple[dict[str, Any], list[tuple[str, int]], tuple[tuple[str, int], ...]]] = [
    ({"a": 1}, [], (("a", 1),)),
    ({"a": {"$gte": 1}}, [("b", -1)], (("b", -1), ("a", 1))),
    ({"a": {"$gte": 1}, "c": 5}, [("b", -1)], (("c", 1), ("b", -1), ("a", 1))),
    ({"a": {"$in": [1, 2]}, "b": {"x": 1}}, [("a", 1)], (("a", 1), ("b", 1))),
    ({"$and": [{"a": {"$eq": 1}}, {"$and": [{"b": {"$lt": 1}}]}]}, [], (("a", 1), ("b", 1))),
    ({"$or": [{"a": 1}, {"b": 1}]}, [], ()),
    ({"_id": 5}, [], ()),
    ({}, [("b", 1)], (("b", 1),)),
]


@pytest.mark.parametrize(("filter_", "order", "expected"), SUGGESTIONS)
def test_suggested_index(
    filter_: dict[str, Any], order: list[tuple[str, int]], expected: tuple[tuple[str, int], ...]
) -> None:
    """Equality first, then the order, then ranges; what only a branch asks suggests nothing."""
    assert expected == suggested(shape_of_filter("find", "things", filter_, order))


def test_shape_of_other_commands() -> None:
    """A pipeline has the shape of its first match and sort; a command that the profiler cut has none."""
    pipeline = [{"$match": {"a": 1}}, {"$sort": {"b": -1}}, {"$limit": 3}, {"$group": {"_id": "$c"}}]

    assert Shape(
        "aggregate", "things", "{a: ?} sort {b: -1} then $limit, $group", ("a",), (), (("b", -1),)
    ) == shape_of_command("aggregate", "things", {"pipeline": pipeline})
    assert "(too long for the profiler)" == shape_of_command("find", "things", {"$truncated": "{ find: 'secret"}).text
