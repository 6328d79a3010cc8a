"""Times as plain values: how they are compared, read and written, and in which steps they go on."""

from datetime import UTC, datetime, timedelta
from typing import Any

from .clock import to_milliseconds
from .plain_values import REFUSED, Imports, Refusal, Scalar, Steps

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_NOON = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)


def _datetime_operand(value: object) -> object:
    if not isinstance(value, datetime):
        return REFUSED
    if value.tzinfo is None:
        return Refusal("a naive datetime: give it a time zone, such as UTC")
    try:
        return to_milliseconds(value.astimezone(UTC))
    except OverflowError:
        return REFUSED


def _datetime_compared(value: datetime) -> tuple[type, Any] | None:
    return None if value.tzinfo is None else (datetime, to_milliseconds(value))


def _read_datetime(given: Any) -> datetime:
    if isinstance(given, str):
        try:
            given = datetime.fromisoformat(given)
        except ValueError:
            raise ValueError("must be a date and time in ISO 8601, such as 2026-01-31T12:00:00Z") from None
    if not isinstance(given, datetime) or given.tzinfo is None:
        raise ValueError("must be a date and time with a zone, such as 2026-01-31T12:00:00Z")
    return to_milliseconds(given.astimezone(UTC))


def _datetime_source(value: datetime, imports: Imports) -> str:
    imports("datetime", "datetime")
    parts = [value.year, value.month, value.day, value.hour, value.minute]
    if value.second or value.microsecond:
        parts.append(value.second)
    if value.microsecond:
        parts.append(value.microsecond)
    zone = f", tzinfo={imports('datetime', 'UTC')}" if value.tzinfo is UTC else ""
    return f"datetime({', '.join(map(str, parts))}{zone})"


def _moment_place(value: datetime) -> int:
    return (value - _EPOCH) // _MILLISECOND


DATETIME = Scalar(
    python=datetime,
    words="aware datetimes",
    operand=_datetime_operand,
    compared=_datetime_compared,
    read=_read_datetime,
    write=datetime.isoformat,
    source=_datetime_source,
    samples=tuple(_NOON + timedelta(milliseconds=number) for number in (0, 1, 999, 86_400_000)),
    steps=Steps(
        place=_moment_place,
        value=lambda place: _EPOCH + place * _MILLISECOND,
        least=_moment_place(datetime.min.replace(tzinfo=UTC)),
        most=_moment_place(datetime.max.replace(tzinfo=UTC)),
        usual=(_moment_place(datetime(2020, 1, 1, tzinfo=UTC)), _moment_place(datetime(2024, 12, 30, tzinfo=UTC))),
    ),
    is_free=True,
)

__all__ = ["DATETIME"]
