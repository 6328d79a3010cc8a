"""Predicates as functions of a decoded document, by MongoDB's rules for null, types and lists."""

from collections.abc import Callable
from operator import ge, gt, le, lt
from typing import Any

from bson.code import Code
from bson.max_key import MaxKey
from bson.min_key import MinKey
from bson.regex import Regex

from ...domain.errors import InvalidQuery
from ...domain.predicates import (
    All,
    AnyOf,
    Comparator,
    Compare,
    Contains,
    IsNone,
    Leaf,
    Not,
    OneOf,
    Path,
    Predicate,
    TextTest,
    dotted,
)
from ..backend import Document
from .paths import check_path, values_at
from .values import MISSING, NAN, order_key, stored, stored_key

Matcher = Callable[[Document], bool]
Test = Callable[[object], bool]

_ORDER: dict[Comparator, Callable[[Any, Any], bool]] = {
    Comparator.LT: lt,
    Comparator.LE: le,
    Comparator.GT: gt,
    Comparator.GE: ge,
}

INCOMPARABLE = (Regex, Code, MinKey, MaxKey)
"""Types of values that a store can hold, and that no query compares with."""


def matcher(predicate: Predicate) -> Matcher:
    """Compile a predicate of document paths and BSON values.

    Raises:
        InvalidQuery: for a value that a store cannot compare.
    """
    match predicate:
        case All(parts):
            return _all([matcher(part) for part in parts])
        case AnyOf(parts):
            return _any([matcher(part) for part in parts])
        case Not(part):
            return _not(matcher(part))
        case _:
            check_path(predicate.path)
            return _leaf(predicate)


def _leaf(leaf: Leaf) -> Matcher:
    match leaf:
        case Compare(path, Comparator.NE, value):
            return _not(_meets(path, _equals(path, value)))
        case Compare(path, Comparator.EQ, value):
            return _meets(path, _equals(path, value))
        case Compare(path, comparator, value):
            return _meets(path, _ordered(path, comparator, value))
        case IsNone(path):
            return _meets(path, _is_null)
        case OneOf(path, values):
            return _meets(path, _one_of(path, values))
        case Contains(path, value):
            return _has_item(path, _equals(path, value))
        case _:
            return _meets(leaf.path, _text(leaf.test, leaf.text))


def _all(parts: list[Matcher]) -> Matcher:
    if len(parts) == 1:
        return parts[0]
    return lambda document: all(part(document) for part in parts)


def _any(parts: list[Matcher]) -> Matcher:
    return lambda document: any(part(document) for part in parts)


def _not(part: Matcher) -> Matcher:
    return lambda document: not part(document)


def _meets(path: Path, test: Test) -> Matcher:
    """The test holds of a value at the path, of an item of a list there, or of the list."""
    if len(path) > 1:
        return lambda document: any(map(test, values_at(document, path)))
    name = path[0]

    def meets(document: Document) -> bool:
        found = document.get(name, MISSING)
        return test(found) or (type(found) is list and any(map(test, found)))

    return meets


def _has_item(path: Path, test: Test) -> Matcher:
    return lambda document: any(
        type(found) is list and any(map(test, found)) for found in values_at(document, path, items=False)
    )


def _is_null(found: object) -> bool:
    return found is None or found is MISSING


def _equals(path: Path, value: object) -> Test:
    value = _operand(path, value)
    key, kind = order_key(value), type(value)
    if kind in {str, int, bool} or (kind is float and key[0] != NAN):
        return lambda found: found == value if type(found) is kind else order_key(found) == key
    return lambda found: order_key(found) == key


def _ordered(path: Path, comparator: Comparator, value: object) -> Test:
    """Only values of one sort compare; NaN is as large as NaN, and neither more nor less than any number."""
    value = _operand(path, value)
    if value is None:
        raise InvalidQuery(f"{dotted(path)} cannot be more or less than None: ask is_none()")
    compare, kind = _ORDER[comparator], type(value)
    rank, content = order_key(value)

    def ordered(found: object) -> bool:
        if type(found) is kind and rank != NAN and kind in {int, float, str}:
            return compare(found, value)
        found_rank, found_content = order_key(found)
        return found_rank == rank and compare(found_content, content)

    return ordered


def _one_of(path: Path, values: tuple[object, ...]) -> Test:
    keys = frozenset(stored_key(_operand(path, value)) for value in values)
    return lambda found: stored_key(found) in keys


def _text(test: TextTest, text: str) -> Test:
    if test is TextTest.STARTS:
        return lambda found: type(found) is str and found.startswith(text)
    return lambda found: type(found) is str and found.endswith(text)


def _operand(path: Path, value: object) -> object:
    if isinstance(value, INCOMPARABLE):
        raise InvalidQuery(f"{dotted(path)} cannot be compared with a {type(value).__name__}")
    return stored(value)
