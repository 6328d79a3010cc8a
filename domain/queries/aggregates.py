"""The words of a rollup: what is written in its ``by`` and ``values``."""

from datetime import datetime, timedelta
from decimal import Decimal
from itertools import chain
from typing import Any, Literal, TypeVar, cast, get_args

from ..entities.plain_values import Scalar
from ..entities.scalars import FREE, SCALARS, Kind, listed
from ..entities.schema import FieldType
from ..errors import InvalidQuery
from ..rules.capture import EntityStandIn, FieldStandIn
from ..rules.conditions import Captured
from ..rules.predicates import dotted
from .rollups import Bucket, Function, TimeUnit
from .time_zones import UTC_NAME, check_zone

T = TypeVar("T")
Number = TypeVar("Number", int, float, Decimal, timedelta)

UnitName = Literal["year", "quarter", "month", "week", "day", "hour", "minute"]

_WHOLES = frozenset({Kind.SEQUENCE, Kind.NESTED, Kind.DICT})


class BucketStandIn(Captured):
    """Stands in for the beginning of a stretch of time."""

    __hash__ = Captured._refuse
    __slots__ = ("bucket", "field")

    def __init__(self, field: FieldStandIn, bucket: Bucket) -> None:
        self.field = field
        self.bucket = bucket


class FigureStandIn(Captured):
    """Stands in for a figure."""

    __hash__ = Captured._refuse
    __slots__ = ("field", "function")

    def __init__(self, function: Function, field: FieldStandIn | None = None) -> None:
        self.function = function
        self.field = field


def bucket(moment: datetime | None, unit: UnitName, zone: str = UTC_NAME) -> datetime:
    """The stretch of time in which a date lies, in ``by``: its beginning, in UTC.

    Args:
        moment: a field.
        unit: how long the stretches are; weeks begin on Monday.
        zone: the time zone whose calendar counts, such as ``Europe/Berlin``.

    Raises:
        InvalidQuery: if the field is no datetime, or there is no such unit or zone.
    """
    field = single(moment, "bucket")
    if field.type.kind not in {Kind.DATETIME, Kind.FREE}:
        raise InvalidQuery(f"{dotted(field.path)} is {field.type}: bucket() takes a datetime")
    if unit not in get_args(UnitName):
        raise InvalidQuery(f"a bucket is one of {', '.join(get_args(UnitName))}, not {unit!r}")
    return cast("datetime", BucketStandIn(field, Bucket(TimeUnit(unit), check_zone(zone))))


def count() -> int:
    """How many entities a group has, in ``values``."""
    return cast("int", FigureStandIn(Function.COUNT))


def total(number: Number | None) -> Number:
    """The sum of a field, in ``values``: 0, or no time, where no entity of the group has a value there."""
    return cast("Number", FigureStandIn(Function.TOTAL, _added_up(number, Function.TOTAL)))


def average(number: float | Decimal | None) -> float | Decimal:
    """The mean of a field, in ``values``, Decimal of a Decimal; None where no entity of the group has a number."""
    return cast("float", FigureStandIn(Function.AVERAGE, _added_up(number, Function.AVERAGE)))


def smallest(value: T | None) -> T:
    """The smallest value of a field, in ``values``: None where no entity of the group has one."""
    return cast("T", FigureStandIn(Function.SMALLEST, _ordered(value, "smallest")))


def largest(value: T | None) -> T:
    """The largest value of a field, in ``values``: None where no entity of the group has one."""
    return cast("T", FigureStandIn(Function.LARGEST, _ordered(value, "largest")))


def distinct_count(value: object) -> int:
    """How many different values a field has in a group, in ``values``; None is not counted."""
    return cast("int", FigureStandIn(Function.DISTINCT_COUNT, single(value, "distinct_count")))


def single(value: object, word: str) -> FieldStandIn:
    """Return what stands in for a field that holds one value.

    Raises:
        InvalidQuery: if it is no field, or one that holds several.
    """
    if isinstance(value, EntityStandIn):
        raise InvalidQuery(f"{word}() takes a field that holds one value: name a field of what is nested")
    if not isinstance(value, FieldStandIn):
        raise InvalidQuery(f"{word}() takes a field of the entity, not {type(value).__name__}")
    if value.type.kind in _WHOLES:
        raise InvalidQuery(f"{dotted(value.path)} is {value.type}: {word}() takes a field that holds one value")
    return value


def results_of(declared: FieldType, function: Function) -> tuple[type[Any], ...]:
    """The classes in which a total or an average of values of a type can be given; none if there is none."""
    rows = FREE if declared.kind is Kind.FREE else (declared.scalar,)
    return tuple(dict.fromkeys(chain.from_iterable(_results(row, function) for row in rows if row is not None)))


def _results(row: Scalar, function: Function) -> tuple[type[Any], ...]:
    return row.totals if function is Function.TOTAL else row.averages


def _added_up(value: object, function: Function) -> FieldStandIn:
    word = function.value
    field = single(value, word)
    if not results_of(field.type, function):
        if results_of(field.type, Function.TOTAL):
            raise InvalidQuery(
                f"{dotted(field.path)} is {field.type}, and the mean may lie between two of them: divide total() by "
                "count()"
            )
        known = listed((row for row in SCALARS.values() if _results(row, function)), last=" and ")
        raise InvalidQuery(f"{dotted(field.path)} is {field.type}: {word}() takes {known}")
    return field


def _ordered(value: object, word: str) -> FieldStandIn:
    field = single(value, word)
    if field.type.kind is Kind.OTHER:
        raise InvalidQuery(f"{dotted(field.path)} is {field.type}, whose values have no order for {word}()")
    return field
