"""The words of a rule that Python's own operators cannot say."""

from collections.abc import Callable, Collection
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import TypeVar, cast

from ..entities.bounds import Comparator
from ..entities.scalars import Kind
from ..errors import InvalidQuery
from .capture import (
    EntityStandIn,
    FieldStandIn,
    SizeStandIn,
    answer_of,
    missing,
    place_of,
    present,
    stand_in,
)
from .conditions import Condition, Place, both
from .operands import comparable
from .patterns import LONGEST_PATTERN, in_any_case, pattern_of
from .predicates import EVERYTHING, AnyItem, Compare, Contains, Exists, Matches, Not, OneOf, Predicate

T = TypeVar("T")
Bound = TypeVar("Bound", int, float, Decimal, str, bytes, datetime, date, time, timedelta)

_Several = list[T] | set[T] | frozenset[T] | tuple[T, ...]


def some(value: T | None) -> T:
    """An optional field that must be there: ``some(u.last_login) >= cutoff`` is false where it is None."""
    return cast("T", present(_asked(value, "some")))


def is_none(value: object) -> bool:
    """Ask whether an optional field is None; use it where Python would say ``is None``."""
    asked = _asked(value, "is_none")
    return _bool(place_of(asked).guarded(missing(asked)))


def exists(value: object) -> bool:
    """Ask whether a key of a dictionary is there, even with None; of a field, whether it is not None."""
    asked = _asked(value, "exists")
    place = place_of(asked)
    return _bool(place.condition(Exists(place.path) if place.is_key else Not(missing(asked))))


def between(value: Bound | None, low: Bound, high: Bound) -> bool:
    """Ask whether a field lies between two values, both included: ``low <= value <= high``."""
    field = _field(value, "between")
    ends = (Comparator.GE, low), (Comparator.LE, high)
    least, most = (Compare(field.path, order, comparable(field.type, end, field.path)) for order, end in ends)
    return _bool(field.place.condition(both(least, most)))


def one_of(value: T | None, options: list[T] | set[T] | frozenset[T] | tuple[T, ...]) -> bool:
    """Ask whether a field has one of the values; use it where Python would say ``in``."""
    field = _field(value, "one_of")
    return _bool(field.place.condition(_choice(field, options, "one_of")))


def not_one_of(value: T | None, options: list[T] | set[T] | frozenset[T] | tuple[T, ...]) -> bool:
    """Ask whether a field has none of the values; None is none of them, unless it is asked through `some`."""
    field = _field(value, "not_one_of")
    return _bool(field.place.guarded(Not(_choice(field, options, "not_one_of"))))


def contains(collection: list[T] | set[T] | frozenset[T] | tuple[T, ...] | None, value: T) -> bool:
    """Ask whether a list field has an item; use it where Python would say ``value in field``."""
    field = _list(collection, "contains")
    return _bool(field.place.condition(_item(field, value)))


def contains_all(
    collection: list[T] | set[T] | frozenset[T] | tuple[T, ...] | None,
    values: list[T] | set[T] | frozenset[T] | tuple[T, ...],
) -> bool:
    """Ask whether a list field has each of the values as an item; with no values, everything has."""
    field = _list(collection, "contains_all")
    wanted: Predicate = EVERYTHING
    for value in _options(field, values, "contains_all"):
        wanted = both(wanted, _item(field, value))
    return _bool(field.place.condition(wanted))


def any_of(
    collection: list[T] | set[T] | frozenset[T] | tuple[T, ...] | None,
    rule: Callable[[T], bool],
) -> bool:
    """Ask whether one item of a list obeys a rule as a whole: ``any_of(o.lines, lambda l: (l.kind == "x") & l.open)``.

    The rule asks about the item alone, and is written in the same language; it may ask `any_of` again.

    Raises:
        InvalidQuery: if the rule cannot be captured, or asks about the entity.
    """
    field = _list(collection, "any_of")
    item = stand_in(field.type.item or field.type, Place(scope=object(), is_key=True))
    part = answer_of(rule, item, f"the items of {field.place.name}")
    return _bool(field.place.condition(AnyItem(field.path, part)))


def size(collection: Collection[object] | None) -> int:
    """The number of items of a list field, to be compared with a whole number; what is no list has none, not 0."""
    return cast("int", SizeStandIn(_list(collection, "size").place))


def matches(value: str | None, pattern: str) -> bool:
    """Ask whether a regular expression is found anywhere in text, as `re.search` looks for it.

    Classes such as ``\\d`` and ``\\w`` are those of ASCII. Letter case counts unless the pattern has ``(?i)``.

    Raises:
        InvalidQuery: for a pattern above 200 characters, or with nested quantifiers, references back, look-around, or
            anything else that a server would not read in the same way.
    """
    field = _field(value, "matches")
    field.part(pattern, "matches", LONGEST_PATTERN)
    return _bool(field.place.condition(Matches(field.path, pattern_of(pattern))))


def icontains(value: str | None, text: str) -> bool:
    """Ask whether text contains a part, each letter of it in upper or lower case."""
    field = _field(value, "icontains")
    return _bool(field.place.condition(Matches(field.path, in_any_case(field.part(text, "icontains")))))


def _bool(condition: Condition) -> bool:
    return cast("bool", condition)


def _asked(value: object, word: str) -> EntityStandIn | FieldStandIn:
    if not isinstance(value, EntityStandIn | FieldStandIn):
        raise InvalidQuery(f"{word}() asks about a field of the entity, not about {type(value).__name__}")
    return value


def _field(value: object, word: str) -> FieldStandIn:
    asked = _asked(value, word)
    if not isinstance(asked, FieldStandIn):
        raise InvalidQuery(f"{word}() of {place_of(asked).name} is asked of one of its fields")
    return asked


def _list(value: object, word: str) -> FieldStandIn:
    field = _field(value, word)
    if field.type.kind not in {Kind.SEQUENCE, Kind.FREE}:
        raise InvalidQuery(f"{field.place.name} is {field.type}: {word}() asks about a list")
    return field


def _item(field: FieldStandIn, value: object) -> Predicate:
    return Contains(field.path, comparable(field.type.item or field.type, value, field.path))


def _choice(field: FieldStandIn, options: object, word: str) -> Predicate:
    values = _options(field, options, word)
    return OneOf(field.path, tuple(comparable(field.type, option, field.path) for option in values))


def _options(field: FieldStandIn, options: object, word: str) -> "_Several[object]":
    if isinstance(options, str) or not isinstance(options, list | set | frozenset | tuple):
        raise InvalidQuery(f"{word}({field.place.name}, ...) takes a list, set or tuple of values")
    return options
