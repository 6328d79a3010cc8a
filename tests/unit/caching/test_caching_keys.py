"""Keys: equal for the same question, different for every other."""

import re
from itertools import combinations
from typing import Any

import pytest
from bson import Decimal128, Int64, ObjectId

from tristore.adapters.backend import All, AnyOf, Comparator, Compare, Contains, IsNone, Not, OneOf, Query, SortKey
from tristore.adapters.caching.reads.keys import KeyMaker, Scope, digest, name_of
from tristore.domain.repository.caching import CacheOptions

A, B = Compare(("a",), Comparator.EQ, 1), Compare(("b",), Comparator.EQ, 1)
QUESTIONS: list[Any] = [
    Query(A),
    Query(B),
    Query(Compare(("a",), Comparator.GE, 1)),
    Query(Compare(("a",), Comparator.EQ, 1.0)),
    Query(Compare(("a",), Comparator.EQ, True)),
    Query(Compare(("a",), Comparator.EQ, "1")),
    Query(Compare(("a",), Comparator.EQ, Decimal128("1"))),
    Query(Compare(("a",), Comparator.EQ, {"x": 1, "y": 2})),
    Query(Compare(("a",), Comparator.EQ, {"y": 2, "x": 1})),
    Query(Compare(("a", "b"), Comparator.EQ, 1)),
    Query(Compare(("a.b",), Comparator.EQ, 1)),
    Query(Contains(("a",), 1)),
    Query(OneOf(("a",), (1,))),
    Query(OneOf(("a",), (1, 2))),
    Query(IsNone(("a",))),
    Query(Not(A)),
    Query(All((A, B))),
    Query(AnyOf((A, B))),
    Query(A, sort=(SortKey(("a",)),)),
    Query(A, sort=(SortKey(("a",), descending=True),)),
    Query(A, skip=1),
    Query(A, limit=1),
]


def test_questions_are_told_apart() -> None:
    """C5: types, values, the order of keys in a document, operators, order and bounds make another key."""
    for one, other in combinations(QUESTIONS, 2):
        assert digest("find", one) != digest("find", other), (one, other)
    assert digest("find", QUESTIONS[0]) != digest("count", QUESTIONS[0])


def test_the_same_question_has_the_same_key() -> None:
    """C5: what is built anew is the same question."""
    assert digest("find", Query(All((A, B)))) == digest("find", Query(All((A, B))))


def test_ids_are_told_apart() -> None:
    """C1: 1, "1", an ObjectId and its text are four ids."""
    id = ObjectId()

    assert 4 == len({name_of(one) for one in (1, "1", id, str(id))})


@pytest.mark.parametrize(
    "forms",
    [
        (1, 1.0, Int64(1), Decimal128("1"), Decimal128("1.0")),
        (0, 0.0, -0.0, Decimal128("-0")),
        (0.5, Decimal128("0.5"), Decimal128("5E-1")),
        (1e20, Decimal128("1E+20"), Decimal128("100000000000000000000")),
        (2**62, Int64(2**62), float(2**62)),
        (float("nan"), Decimal128("NaN")),
        (float("inf"), Decimal128("Infinity")),
        (Decimal128("0.1"), Decimal128("0.10")),
        ({"a": [1, {"b": 2}]}, {"a": [1.0, {"b": Int64(2)}]}),
    ],
    ids=str,
)
def test_numbers_of_one_value_are_one_id(forms: tuple[Any, ...]) -> None:
    """C10: a store takes them for one id, so that writing one of them makes what is kept of the others old."""
    assert 1 == len({name_of(one) for one in forms})


@pytest.mark.parametrize(
    "others",
    [(1, True), (0, False), (0.1, Decimal128("0.1")), (2**53, 2**53 + 1), (float("inf"), float("-inf")), (1, "1")],
    ids=str,
)
def test_ids_of_other_values_are_others(others: tuple[Any, Any]) -> None:
    """C1: what a store tells apart has names of its own."""
    assert 2 == len({name_of(one) for one in others})


def test_options_share_nothing() -> None:
    """C5: an entity and a query, two times to live, and two names of a read have keys of their own."""
    scope = Scope("app", "core", "db", "users", "1")
    makers = [KeyMaker(scope, CacheOptions(ttl=ttl, key=name)) for ttl in (5, 50) for name in (None, "a", "b")]

    assert 2 * len(makers) == len({make("d", ["t"]) for one in makers for make in (one.entity, one.query)})


def test_a_name_is_never_a_hash() -> None:
    """C5: a store that is called as the hash of another one's long name shares nothing with it."""
    hashed = Scope("x" * 300, "", "", "").everything.split("|")[1]

    assert Scope("x" * 300, "", "", "").everything != Scope(hashed, "", "", "").everything


@pytest.mark.parametrize("name", ["users", "a b|c", "ü", "x" * 300, "other/users"])
def test_keys_are_plain(name: str) -> None:
    """C5: ASCII without blanks, below 200 characters, whatever store and collection are called."""
    scope = Scope(name, name, name, name, "12345678")
    keys = KeyMaker(scope, CacheOptions(ttl=0.000012345678, key=name[:200]))
    key = keys.query(digest("find", QUESTIONS[0]), ["0" * 16, "f" * 16])

    assert re.fullmatch(r"[!-~]{1,199}", key)
    assert re.fullmatch(r"[!-~]{1,199}", scope.entity("0" * 32))


def test_collections_and_stores_share_nothing() -> None:
    """C1: one question in two stores, databases, collections, applications or forms of documents has two keys."""
    scopes = [
        Scope("app", "core", "db", "users", "1"),
        Scope("other", "core", "db", "users", "1"),
        Scope("app", "logs", "db", "users", "1"),
        Scope("app", "core", "db2", "users", "1"),
        Scope("app", "core", "db", "projects", "1"),
        Scope("app", "core", "db", "users", "2"),
    ]

    assert len(scopes) == len({KeyMaker(scope, CacheOptions()).query("d", ["t"]) for scope in scopes})
    assert 4 == len({scope.everything for scope in scopes})  # what core commits, logs over the same data must see
