"""Keys: equal for the same question, different for every other."""

import re
from itertools import combinations
from typing import Any

import pytest
from bson import Decimal128, ObjectId

from tristore.adapters.caching.keys import Scope, digest, name_of
from tristore.domain.predicates import All, AnyOf, Comparator, Compare, Contains, IsNone, Not, OneOf
from tristore.domain.queries import Query, SortKey

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


@pytest.mark.parametrize("name", ["users", "a b|c", "ü", "x" * 300, "other/users"])
def test_keys_are_plain(name: str) -> None:
    """C5: ASCII without blanks, below 250 characters, whatever store and collection are called."""
    scope = Scope(name, name, name, name, "12345678")
    key = scope.key("q", ["0" * 16, "f" * 16], digest("find", QUESTIONS[0]), label=name)

    assert re.fullmatch(r"[!-~]{1,250}", key)
    assert re.fullmatch(r"[!-~]{1,250}", scope.entity("0" * 32))


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

    assert len(scopes) == len({scope.key("q", ["t"], "d") for scope in scopes})
    assert 5 == len({scope.everything for scope in scopes})
