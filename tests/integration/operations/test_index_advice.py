"""Advice on indexes: which are unused, redundant, too many, and which queries want one."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from tristore import Index
from tristore.adapters.backend import ActualIndex, IndexUsage
from tristore.adapters.operations.upkeep.suggestions import advice_on
from tristore.operations import index_advice

from .upkeep import BillingStore, customers, on_billing, open_billing

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


@pytest.fixture
def store(mongo_url: str) -> Iterator[BillingStore]:
    """A prepared store with an index that another one makes redundant."""
    store = open_billing(mongo_url, customers(Index("status"), Index("status", "-credits")))
    store.prepare()
    yield store
    store.close()


def test_advice_on_a_server(store: BillingStore) -> None:
    """The server's counts and indexes give the advice; what is used is no longer unused."""
    before = {(one.kind, one.subject) for one in index_advice(store)}
    with store.reader() as reader:
        for _ in range(3):
            reader.customers.find(lambda c: c.credits >= 5, sort=("status", "-credits"), limit=5)
    after = {(one.kind, one.subject) for one in index_advice(store)}

    assert {("redundant", "status_1"), ("unused", "status_1"), ("unused", "status_1_credits_-1")} <= before
    assert ("unused", "status_1_credits_-1") not in after
    assert ("too many", "5 indexes") in {(one.kind, one.subject) for one in index_advice(store, most=4)}


def test_the_command(mongo_url: str) -> None:
    """The command prints advice on indexes and on named queries that scan, in 100 columns."""
    with_scans = open_billing(mongo_url)
    with_scans.prepare()
    with_scans.close()
    result = on_billing("indexes", "advise", url=mongo_url)
    words = " ".join(result.stdout.replace("\u2502", " ").split())

    assert 0 == result.exit_code
    assert "CustomerRepository" in words
    assert "scan" in words
    assert "credits" in words
    assert max(map(len, result.stdout.splitlines())) <= 100
