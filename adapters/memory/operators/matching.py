"""Predicates as functions of a decoded document, by MongoDB's rules for null, types and lists."""

import math
from collections.abc import Callable
from operator import ge, gt, le, lt
from typing import Any, assert_never

from bson.dbref import DBRef
from bson.regex import Regex

from ....domain.entities.bounds import Comparator
from ....domain.errors import InvalidQuery
from ....domain.rules.patterns import Pattern, at_end, at_start
from ....domain.rules.predicates import (
    All,
    AnyItem,
    AnyOf,
    Compare,
    Contains,
    Exists,
    IsNone,
    Leaf,
    Matches,
    Not,
    OneOf,
    Path,
    Predicate,
    Size,
    Text,
    TextTest,
    dotted,
)
from ...backend import Document
from ...backend.checks.given_values import check_operand, check_path
from ..bson.paths import fields_of, values_at
from ..bson.value_order import MISSING, NAN, order_key, stored, stored_key

Matcher = Callable[[Document], bool]
Test = Callable[[object], bool]

_ORDER: dict[Comparator, Callable[[Any, Any], bool]] = {
    Comparator.LT: lt,
    Comparator.LE: le,
    Comparator.GT: gt,
    Comparator.GE: ge,
}
_ABOUT_WHOLE_VALUES = (Contains, Exists, Size, AnyItem)


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
    if isinstance(leaf, Compare) and leaf.comparator is Comparator.NE:
        return _not(_meets(leaf.path, _equals(leaf.path, leaf.value)))
    test = _test(leaf)
    return _meets_whole(leaf.path, test) if isinstance(leaf, _ABOUT_WHOLE_VALUES) else _meets(leaf.path, test)


def _test(leaf: Leaf) -> Test:
    """What a leaf asks of one value; lists are taken apart before, not here."""
    match leaf:
        case Compare():
            return _compares(leaf)
        case IsNone():
            return _is_null
        case OneOf(path, values):
            return _one_of(path, values)
        case Exists():
            return lambda found: found is not MISSING
        case Text(_, test, text):
            return _text(leaf.path, test, text)
        case Matches(_, pattern):
            return _matches(pattern)
        case Contains() | Size() | AnyItem():
            return _list_test(leaf)
    assert_never(leaf)


def _compares(leaf: Compare) -> Test:
    match leaf.comparator:
        case Comparator.EQ:
            return _equals(leaf.path, leaf.value)
        case Comparator.NE:
            return _opposite(_equals(leaf.path, leaf.value))
        case comparator:
            return _ordered(leaf.path, comparator, leaf.value)


def _list_test(leaf: Contains | Size | AnyItem) -> Test:
    match leaf:
        case Contains(path, value):
            test = _equals(path, value)
        case Size(_, least, most):
            end = math.inf if most is None else most
            return lambda found: type(found) is list and least <= len(found) <= end
        case AnyItem(_, part):
            test = _test_of_fields(matcher(part)) if leaf.is_about_fields else _test_of_item(part)
    return lambda found: type(found) is list and any(map(test, found))


def _test_of_fields(matches: Matcher) -> Test:
    """Of what has fields: an object, or a list, whose fields are its positions."""

    def test(item: object) -> bool:
        if type(item) is list:
            return matches({str(position): value for position, value in enumerate(item)})
        return isinstance(item, dict | DBRef) and matches(fields_of(item))

    return test


def _test_of_item(part: Predicate) -> Test:
    match part:
        case All(parts):
            every = [_test_of_item(one) for one in parts]
            return lambda item: all(test(item) for test in every)
        case AnyOf(parts):
            several = [_test_of_item(one) for one in parts]
            return lambda item: any(test(item) for test in several)
        case Not(one):
            return _opposite(_test_of_item(one))
        case _:
            return _test(part)


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


def _meets_whole(path: Path, test: Test) -> Matcher:
    """The test holds of a value at the path; a list there is one value."""
    return lambda document: any(map(test, values_at(document, path, items=False)))


def _opposite(test: Test) -> Test:
    return lambda found: not test(found)


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


def _text(path: Path, test: TextTest, text: str) -> Test:
    check_operand(path, text)
    if test is TextTest.STARTS:
        return _found_in(lambda found: found.startswith(text), at_start(text))
    return _found_in(lambda found: found.endswith(text), at_end(text))


def _found_in(meets: Callable[[str], bool], pattern: Pattern) -> Test:
    """Of text; and of the expression that a server is asked with, which to it matches itself."""
    same = Regex(pattern.pcre)
    return lambda found: meets(found) if type(found) is str else type(found) is Regex and found == same


def _matches(pattern: Pattern) -> Test:
    find = pattern.finder()
    return _found_in(lambda found: find(found) is not None, pattern)


def _operand(path: Path, value: object) -> object:
    check_operand(path, value)
    return stored(value)
