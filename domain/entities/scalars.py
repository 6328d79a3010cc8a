"""The types of plain values, a row for each: a new one is one more of them, and one more of the codecs.

What is no row here is composed of others (enums, nested classes, lists, dictionaries), or of no type that is known.
"""

import base64
import binascii
import math
from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from enum import Enum, auto
from typing import Any
from uuid import UUID

from ..errors import ValidationError
from .ids import Id, is_id, parse_id
from .plain_values import (
    INT64_MAX,
    INT64_MIN,
    REFUSED,
    Imports,
    Scalar,
    Steps,
    as_it_is,
    called,
    given,
    is_text,
    is_whole,
    literal,
    only,
)
from .times import DATE, DATETIME, TIME, TIMEDELTA


class Kind(Enum):
    """The sorts of values that a field can hold."""

    ID = auto()
    STR = auto()
    INT = auto()
    FLOAT = auto()
    BOOL = auto()
    DATETIME = auto()
    DATE = auto()
    TIME = auto()
    TIMEDELTA = auto()
    DECIMAL = auto()
    BYTES = auto()
    UUID = auto()
    ENUM = auto()
    NESTED = auto()
    SEQUENCE = auto()
    DICT = auto()
    FREE = auto()
    OTHER = auto()

    __hash__ = object.__hash__  # there is one of each; the hash of its name would be worked out at every look-up


_TEXTS = (
    *("a", "b", "A", "", "ab", "ä", "a.b", "z"),
    *("ada", "bob", "Ada", "ada-1", "abc", "a b c", "123", "AB12", "00000000"),
    *(f"{name}@example.org" for name in ("a", "b", "c", "d", "e")),
    *("https://example.org/a", "https://example.org/b", "2026-01-31", "00:00", "+15550100", "en", "EUR"),
    *("0" * length for length in (24, 32, 40, 64, 128)),
)


def _read_id(given: Any) -> Id:
    try:
        return parse_id(given)
    except ValidationError:
        raise ValueError(f"must be 24 hex digits, not {given!r}") from None


def _float_operand(value: object) -> object:
    if isinstance(value, float):
        return REFUSED if math.isnan(value) else value
    return float(value) if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= 2**53 else REFUSED


def _float_compared(value: float) -> tuple[type, Any] | None:
    return None if math.isnan(value) else (Decimal, value)


def _read_float(given: Any) -> float:
    if isinstance(given, bool) or not isinstance(given, int | float):
        raise ValueError(f"must be a number, not {type(given).__name__}")
    return float(given)


def _float_source(value: float, imports: Imports) -> str:
    return literal(value, imports) if math.isfinite(value) else f'float("{value}")'


def _decimal_operand(value: object) -> object:
    if isinstance(value, Decimal):
        return REFUSED if value.is_nan() else value
    return Decimal(value) if isinstance(value, int) and not isinstance(value, bool) else REFUSED


def _read_decimal(given: Any) -> Decimal:
    if isinstance(given, bool) or not isinstance(given, str | int | Decimal):
        raise ValueError(f"must be a decimal number as text, not {type(given).__name__}")
    try:
        return Decimal(given)
    except InvalidOperation:
        raise ValueError(f"must be a decimal number, not {given!r}") from None


def _read_bytes(given: Any) -> bytes:
    if isinstance(given, bytes):
        return given
    try:
        return base64.b64decode(given, validate=True)
    except (binascii.Error, TypeError, ValueError):
        raise ValueError("must be base64") from None


def _read_uuid(given: Any) -> UUID:
    try:
        return given if isinstance(given, UUID) else UUID(given)
    except (AttributeError, TypeError, ValueError):
        raise ValueError("must be a UUID") from None


SCALARS: Mapping[Kind, Scalar] = {
    Kind.ID: Scalar(
        python=str,
        words="text",
        operand=lambda value: value if is_id(value) else REFUSED,
        compared=lambda value: (str, value),
        read=_read_id,
        write=as_it_is,
        source=literal,
        samples=tuple(Id(f"{number:024x}") for number in range(4)),
        steps=Steps(lambda value: int(value, 16), lambda place: Id(f"{place:024x}"), 0, 2**96 - 1, (0, 2**96 - 1)),
    ),
    Kind.STR: Scalar(
        python=str,
        words="text",
        operand=lambda value: value if is_text(value) else REFUSED,
        compared=lambda value: (str, value),
        read=given(str, "text"),
        write=as_it_is,
        source=literal,
        samples=_TEXTS,
        is_free=True,
    ),
    Kind.INT: Scalar(
        python=int,
        words="numbers",
        operand=lambda value: value if is_whole(value) else REFUSED,
        compared=lambda value: (Decimal, value),
        read=given(int, "a whole number"),
        write=as_it_is,
        source=literal,
        samples=(0, 1, 2, -1, 5, 2**31, 2**53 + 1, 2**63 - 1, 10, 100, 2026),
        steps=Steps(math.floor, int, INT64_MIN, INT64_MAX, (0, 1_000)),
        is_free=True,
        totals=(int, float),
        averages=(float,),
        added=(int,),
    ),
    Kind.FLOAT: Scalar(
        python=float,
        words="numbers",
        operand=_float_operand,
        compared=_float_compared,
        read=_read_float,
        write=as_it_is,
        source=_float_source,
        samples=(0.0, 1.0, 0.1, 1.5, -0.0, -1.0, float("inf"), float("nan"), 100.0),
        is_free=True,
        totals=(float,),
        averages=(float,),
        added=(int, float),
    ),
    Kind.DECIMAL: Scalar(
        python=Decimal,
        words="Decimal",
        operand=_decimal_operand,
        compared=lambda value: None if value.is_nan() else (Decimal, value),
        read=_read_decimal,
        write=str,
        source=called,
        samples=tuple(map(Decimal, ("0", "0.10", "0.1", "-3", "1E+3", "NaN"))),
        is_free=True,
        totals=(Decimal,),
        averages=(Decimal,),
        added=(int, Decimal),
    ),
    Kind.BOOL: Scalar(
        python=bool,
        words="booleans",
        operand=only(bool),
        compared=lambda value: (bool, value),
        read=given(bool, "true or false"),
        write=as_it_is,
        source=literal,
        samples=(False, True),
        steps=Steps(int, bool, 0, 1, (0, 1)),
        is_free=True,
    ),
    Kind.DATETIME: DATETIME,
    Kind.DATE: DATE,
    Kind.TIME: TIME,
    Kind.TIMEDELTA: TIMEDELTA,
    Kind.BYTES: Scalar(
        python=bytes,
        words="bytes",
        operand=only(bytes),
        compared=lambda value: (bytes, (len(value), 0, value)),  # by length, subtype and content
        read=_read_bytes,
        write=lambda value: base64.b64encode(value).decode(),
        source=literal,
        samples=(b"", b"a", b"b", b"aa", b"\xff"),
        is_free=True,
    ),
    Kind.UUID: Scalar(
        python=UUID,
        words="UUID",
        operand=only(UUID),
        compared=lambda value: (bytes, (16, 4, value.bytes)),
        read=_read_uuid,
        write=str,
        source=called,
        samples=tuple(UUID(int=number) for number in (0, 1, 2**127)),
        steps=Steps(int, lambda place: UUID(int=place), 0, 2**128 - 1, (0, 2**128 - 1)),
        is_free=True,
    ),
}
"""The rows, in the order in which a value of no declared type is held against them."""

_BY_CLASS = {scalar.python: scalar for kind, scalar in SCALARS.items() if kind is not Kind.ID}
FREE = tuple(scalar for scalar in SCALARS.values() if scalar.is_free)
"""The types of values that come back as they were where no type is declared."""


def listed(scalars: Iterable[Scalar], last: str = ", ") -> str:
    """What the values of several rows are called, each name once."""
    *others, end = dict.fromkeys(scalar.words for scalar in scalars)
    return f"{', '.join(others)}{last}{end}" if others else end


def scalar_of(value: object) -> Scalar | None:
    """Return the row of a value's class, or of the first class that it inherits from; None if it is no plain value."""
    found = _BY_CLASS.get(type(value))
    if found is None:
        found = next((_BY_CLASS[cls] for cls in type(value).__mro__ if cls in _BY_CLASS), None)
    return found
