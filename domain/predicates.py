"""Predicates: what a specification says, as data.

A backend translates them; `holds` evaluates them on an entity. Paths are attribute names and dictionary keys from the
entity inwards; the adapters rewrite paths and values into those of the stored document (`map_predicate`), so
the same classes describe both.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from enum import Enum
from operator import eq, ge, gt, le, lt
from typing import Any

from attrs import evolve, frozen

from .clock import to_milliseconds

Path = tuple[str, ...]


def dotted(path: Path) -> str:
    """A path as text."""
    return ".".join(path)


class Comparator(Enum):
    """How a value is compared."""

    EQ = "=="
    NE = "!="
    LT = "<"
    LE = "<="
    GT = ">"
    GE = ">="


class TextTest(Enum):
    """How text is compared with a part of itself."""

    STARTS = "startswith"
    ENDS = "endswith"


@frozen
class Compare:
    """The value at `path` compares with `value`; a list there compares if one of its items does."""

    path: Path
    comparator: Comparator
    value: Any


@frozen
class IsNone:
    """There is nothing, or None, at `path`."""

    path: Path


@frozen
class OneOf:
    """The value at `path` equals one of `values`."""

    path: Path
    values: tuple[Any, ...]


@frozen
class Contains:
    """The list at `path` has an item that equals `value`."""

    path: Path
    value: Any


@frozen
class Text:
    """The text at `path` starts or ends with `text`, letter case included."""

    path: Path
    test: TextTest
    text: str


@frozen
class All:
    """Every part holds; with no parts, always."""

    parts: "tuple[Predicate, ...]"


@frozen
class AnyOf:
    """At least one part holds; with no parts, never."""

    parts: "tuple[Predicate, ...]"


@frozen
class Not:
    """The part does not hold."""

    part: "Predicate"


Leaf = Compare | IsNone | OneOf | Contains | Text
Predicate = Leaf | All | AnyOf | Not

EVERYTHING = All(())


def map_predicate(predicate: Predicate, leaf: Callable[[Leaf], Predicate]) -> Predicate:
    """Rebuild a predicate with each of its leaves replaced."""
    match predicate:
        case All(parts) | AnyOf(parts):
            return evolve(predicate, parts=tuple(map_predicate(part, leaf) for part in parts))
        case Not(part):
            return Not(map_predicate(part, leaf))
        case _:
            return leaf(predicate)


def holds(predicate: Predicate, subject: object) -> bool:
    """Tell whether a predicate is true of an object, by the rules that the stores follow."""
    match predicate:
        case All(parts):
            return all(holds(part, subject) for part in parts)
        case AnyOf(parts):
            return any(holds(part, subject) for part in parts)
        case Not(part):
            return not holds(part, subject)
        case Compare(path, Comparator.NE, value):
            return not _leaf_holds(Compare(path, Comparator.EQ, value), subject)
        case _:
            return _leaf_holds(predicate, subject)


def _leaf_holds(leaf: Leaf, subject: object) -> bool:
    match leaf:
        case Compare(path, Comparator.EQ, value):
            return any(_equal(found, value) for found in _values(subject, path))
        case Compare(path, comparator, value):
            order = _ORDER[comparator]
            return any(_ordered(order, found, value) for found in _values(subject, path))
        case IsNone(path):
            return any(found is None for found in _values(subject, path))
        case OneOf(path, values):
            found_values = list(_values(subject, path))
            return any(_equal(found, value) for found in found_values for value in values)
        case Contains(path, value):
            return any(_equal(item, value) for found in _reach(subject, path) for item in _items(found))
        case Text(path, test, text):
            meets = str.startswith if test is TextTest.STARTS else str.endswith
            return any(isinstance(found, str) and meets(found, text) for found in _values(subject, path))


_ORDER: Mapping[Comparator, Callable[[Any, Any], bool]] = {
    Comparator.LT: lt,
    Comparator.LE: le,
    Comparator.GT: gt,
    Comparator.GE: ge,
}
_NUMBERS = (int, float, Decimal)
_COLLECTIONS = (list, tuple, set, frozenset)


def _values(subject: object, path: Path) -> Iterator[object]:
    """What is at the path: the value itself, and the items where it is a list."""
    for found in _reach(subject, path):
        yield found
        yield from _items(found)


def _items(found: object) -> Iterator[object]:
    if isinstance(found, _COLLECTIONS):
        yield from map(_plain, found)


def _reach(subject: object, path: Path) -> Iterator[object]:
    if not path:
        yield _plain(subject)
    elif isinstance(subject, _COLLECTIONS):
        for item in subject:
            if not isinstance(item, _COLLECTIONS) and _has(item, path[0]):
                yield from _reach(_step(item, path[0]), path[1:])
    else:
        yield from _reach(_step(subject, path[0]), path[1:])


def _has(subject: object, name: str) -> bool:
    return name in subject if isinstance(subject, dict) else hasattr(subject, name)


def _step(subject: object, name: str) -> object:
    if isinstance(subject, dict):
        return subject.get(name)
    return getattr(subject, name, None)


def _plain(value: object) -> object:
    """The value as it is stored: the value of an enum, a datetime in whole milliseconds."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return to_milliseconds(value)
    return value


def _equal(found: object, value: object) -> bool:
    value = _plain(value)
    return _same_bracket(found, value) and eq(found, value)


def _ordered(order: Callable[[Any, Any], bool], found: object, value: object) -> bool:
    value = _plain(value)
    if isinstance(found, bytes) and isinstance(value, bytes):
        return order((len(found), found), (len(value), value))  # BSON compares the length first
    return _same_bracket(found, value) and order(found, value)


def _same_bracket(found: object, value: object) -> bool:
    """Tell whether two values are of one sort, so that they can be compared at all; NaN compares with nothing."""
    if isinstance(found, Decimal) and found.is_nan():
        return False
    if isinstance(found, bool) or isinstance(value, bool):
        return isinstance(found, bool) and isinstance(value, bool)
    if isinstance(found, _NUMBERS):
        return isinstance(value, _NUMBERS)
    return isinstance(found, type(value)) or isinstance(value, type(found))
