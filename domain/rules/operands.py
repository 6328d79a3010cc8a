"""Values that a rule may compare with a field: of the field's type, in the form in which they are stored."""

import math
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from uuid import UUID

from ..entities.clock import to_milliseconds
from ..entities.ids import is_id
from ..entities.schema import FieldType, Kind
from ..errors import InvalidQuery
from .conditions import Captured
from .predicates import Path, dotted

INT64_MIN, INT64_MAX = -(2**63), 2**63 - 1
"""The bounds of the integers that BSON can hold."""


def comparable(type: FieldType, value: object, path: Path) -> object:
    """Return a value in the form in which it is compared with a field of this type.

    Raises:
        InvalidQuery: if a field of this type never has such a value.
    """
    check = _CHECKS.get(type.kind)
    if check is None:
        raise InvalidQuery(f"{_named(path)} is {type}, and a store cannot compare that as a whole")
    found = check(type, value)
    if found is _REFUSED:
        raise InvalidQuery(f"{_named(path)} is {type}, and cannot be compared with {_shown(value)}")
    return found


def _named(path: Path) -> str:
    return dotted(path) or "the item"


def _shown(value: object) -> str:
    """A value of the caller's in a message: its class, and itself where it is short and harmless."""
    name = type(value).__name__
    if value is None:
        return "None: write is_none(field), joined with & or |"
    if isinstance(value, Captured):
        return "another field: a rule compares with values"
    if isinstance(value, datetime) and value.tzinfo is None:
        return "a naive datetime: give it a time zone, such as UTC"
    if isinstance(value, int | float | Decimal):
        return f"the {name} {value}"
    return f"a {name}" if not isinstance(value, str) or is_text(value) else f"a {name} that cannot be encoded"


_REFUSED = object()


def _check_id(_: FieldType, value: object) -> object:
    return value if is_id(value) else _REFUSED


def is_text(value: object) -> bool:
    """Tell whether a value is text that can be encoded: half of a surrogate pair cannot."""
    if not isinstance(value, str) or isinstance(value, Enum):
        return False
    if value.isascii():
        return True
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _check_str(_: FieldType, value: object) -> object:
    return value if is_text(value) else _REFUSED


def _check_int(_: FieldType, value: object) -> object:
    return (
        value
        if isinstance(value, int) and not isinstance(value, bool) and INT64_MIN <= value <= INT64_MAX
        else _REFUSED
    )


def _check_float(_: FieldType, value: object) -> object:
    if isinstance(value, float):
        return _REFUSED if math.isnan(value) else value
    return float(value) if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= 2**53 else _REFUSED


def _check_bool(_: FieldType, value: object) -> object:
    return value if isinstance(value, bool) else _REFUSED


def _check_datetime(_: FieldType, value: object) -> object:
    if not isinstance(value, datetime) or value.tzinfo is None:
        return _REFUSED
    try:
        return to_milliseconds(value.astimezone(UTC))
    except OverflowError:
        return _REFUSED


def _check_decimal(_: FieldType, value: object) -> object:
    if isinstance(value, Decimal):
        return _REFUSED if value.is_nan() else value
    return Decimal(value) if isinstance(value, int) and not isinstance(value, bool) else _REFUSED


def _check_class(type: FieldType, value: object) -> object:
    return value if isinstance(value, type.python) else _REFUSED


def _check_sequence(type: FieldType, value: object) -> object:
    return _REFUSED


def _check_free(type: FieldType, value: object) -> object:
    """A value of no declared type: plain values only, so that none can turn into an operator."""
    for check in (_check_str, _check_bool, _check_int, _check_float, _check_datetime, _check_decimal):
        found = check(type, value)
        if found is not _REFUSED:
            return found
    return value if isinstance(value, bytes | UUID) else _REFUSED


_CHECKS: dict[Kind, Callable[[FieldType, object], object]] = {
    Kind.ID: _check_id,
    Kind.STR: _check_str,
    Kind.INT: _check_int,
    Kind.FLOAT: _check_float,
    Kind.BOOL: _check_bool,
    Kind.DATETIME: _check_datetime,
    Kind.DECIMAL: _check_decimal,
    Kind.BYTES: _check_class,
    Kind.UUID: _check_class,
    Kind.ENUM: _check_class,
    Kind.FREE: _check_free,
}
