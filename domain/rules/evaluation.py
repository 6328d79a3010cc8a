"""Evaluating a predicate on an object, by the rules that the stores follow.

What stands at a path, and what compares with what, is told as MongoDB tells it of the document that the object becomes.
"""

from collections.abc import Callable, Iterator, Mapping
from enum import Enum, auto
from operator import ge, gt, le, lt
from typing import Any, Final, cast

import attrs

from ..entities.bounds import Comparator
from ..entities.scalars import scalar_of
from .predicates import (
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
    TextTest,
)

Test = Callable[[object], bool]


class _Absence(Enum):
    MISSING = auto()


_MISSING: Final = _Absence.MISSING
_ORDER: Mapping[Comparator, Callable[[Any, Any], bool]] = {
    Comparator.LT: lt,
    Comparator.LE: le,
    Comparator.GT: gt,
    Comparator.GE: ge,
}


def holds(predicate: Predicate, subject: object) -> bool:
    """Tell whether a predicate is true of an object."""
    return _holds(predicate, lambda leaf: _leaf_holds(leaf, subject))


def _holds(predicate: Predicate, of_leaf: Callable[[Leaf], bool]) -> bool:
    match predicate:
        case All(parts):
            return all(_holds(part, of_leaf) for part in parts)
        case AnyOf(parts):
            return any(_holds(part, of_leaf) for part in parts)
        case Not(part):
            return not _holds(part, of_leaf)
        case Compare(path, Comparator.NE, value):
            return not of_leaf(Compare(path, Comparator.EQ, value))
        case _:
            return of_leaf(predicate)


def _leaf_holds(leaf: Leaf, subject: object) -> bool:
    """A leaf is true of an object if it is of something at its path."""
    items = not isinstance(leaf, Contains | Exists | Size | AnyItem)
    test = _test(leaf)
    return any(test(found) for found in _found(_plain(subject), leaf.path, items))


def _test(leaf: Leaf) -> Test:
    """What a leaf asks of one value; lists are taken apart before, not here."""
    match leaf:
        case Compare(_, Comparator.EQ, value):
            return _equals(value)
        case Compare(_, comparator, value):
            return _compares(_ORDER[comparator], value)
        case IsNone():
            return lambda found: found is None or found is _MISSING
        case OneOf(_, values):
            tests = [_equals(value) for value in values]
            return lambda found: any(test(found) for test in tests)
        case Exists():
            return lambda found: found is not _MISSING
        case Matches(_, pattern):
            find = pattern.finder()
            return lambda found: isinstance(found, str) and find(found) is not None
        case Contains() | Size() | AnyItem():
            return _list_test(leaf)
        case _:
            meets = str.startswith if leaf.test is TextTest.STARTS else str.endswith
            return lambda found: isinstance(found, str) and meets(found, leaf.text)


def _list_test(leaf: Contains | Size | AnyItem) -> Test:
    match leaf:
        case Size(_, least, most):
            return lambda found: (
                isinstance(found, list) and least <= len(found) and (most is None or len(found) <= most)
            )
        case Contains(_, value):
            test = _equals(value)
            return lambda found: isinstance(found, list) and any(test(_plain(item)) for item in found)
        case AnyItem(_, part):
            of_item = _fields_hold if leaf.is_about_fields else _item_holds
            return lambda found: isinstance(found, list) and any(of_item(part, _plain(item)) for item in found)


def _fields_hold(part: Predicate, item: object) -> bool:
    if isinstance(item, list):
        return holds(part, {str(position): value for position, value in enumerate(item)})
    return _has_fields(item) and holds(part, item)


def _item_holds(part: Predicate, item: object) -> bool:
    return _holds(part, lambda leaf: _test(leaf)(item))


def _found(found: object, path: Path, items: bool) -> Iterator[object]:
    """What a test meets: each value that the path leads to, and if `items`, those of a list there."""
    for depth, name in enumerate(path):
        if isinstance(found, list):
            yield from _through(found, path[depth:], items)
            return
        found = _plain(_step(found, name))
    if items and isinstance(found, list):
        yield from map(_plain, found)
    yield found


def _through(elements: list[object], path: Path, items: bool) -> Iterator[object]:
    """Follow the path into what has fields in a list, and into the item that it numbers, which is not taken apart."""
    for position, element in enumerate(map(_plain, elements)):
        if _has_fields(element):
            yield from _found(element, path, items)
        if path[0] == str(position):
            if len(path) == 1:
                yield element
            elif _has_fields(element) or isinstance(element, list):
                yield from _found(element, path[1:], items)


def _has_fields(value: object) -> bool:
    return isinstance(value, dict) or attrs.has(type(value))


def _step(subject: object, name: str) -> object:
    """The value of a key or a field; None in a field is left out of a document."""
    if isinstance(subject, dict):
        return cast("dict[str, object]", subject).get(name, _MISSING)
    value = getattr(subject, name, None) if attrs.has(type(subject)) else None
    return _MISSING if value is None else value


def _plain(value: object) -> object:
    """The value as it is stored: the value of an enum, a list for every collection."""
    if isinstance(value, Enum) and value is not _MISSING:
        return value.value
    return list(value) if isinstance(value, tuple | set | frozenset) else value


def _equals(value: object) -> Test:
    key = _key(value)
    return lambda found: key is not None and _key(found) == key


def _compares(order: Callable[[Any, Any], bool], value: object) -> Test:
    key = _key(value)

    def compares(found: object) -> bool:
        other = _key(found)
        return key is not None and other is not None and other[0] is key[0] and order(other[1], key[1])

    return compares


def _key(value: object) -> tuple[type, Any] | None:
    """The sort of a value, and what is compared with others of that sort; None for what a rule compares with nothing.

    NaN is that, and what is no scalar.
    """
    value = _plain(value)
    scalar = scalar_of(value)
    return None if scalar is None else scalar.compared(value)
