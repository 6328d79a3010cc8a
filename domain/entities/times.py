"""Times as plain values: how they are compared, read and written, and in which steps they go on."""

import re
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from .clock import to_milliseconds
from .plain_values import INT64_MAX, INT64_MIN, REFUSED, Imports, Refusal, Scalar, Steps

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND, _MICROSECOND = timedelta(milliseconds=1), timedelta(microseconds=1)
_A_DAY = timedelta(days=1) // _MICROSECOND
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


def _source(value: object, imports: Imports) -> str:
    imports("datetime", type(value).__name__)
    return repr(value).removeprefix("datetime.")


def _date_operand(value: object) -> object:
    return value if isinstance(value, date) and not isinstance(value, datetime) else REFUSED


def _read_date(given: Any) -> date:
    if isinstance(given, str):
        try:
            return date.fromisoformat(given)
        except ValueError:
            raise ValueError("must be a date in ISO 8601, such as 2026-01-31") from None
    if not isinstance(given, date) or isinstance(given, datetime):
        raise ValueError(f"must be a date, such as 2026-01-31, not {type(given).__name__}")
    return given


def _day_place(value: date) -> int:
    return value.toordinal() - _EPOCH.toordinal()


DATE = Scalar(
    python=date,
    words="dates",
    operand=_date_operand,
    compared=lambda value: (datetime, datetime(value.year, value.month, value.day, tzinfo=UTC)),
    read=_read_date,
    write=date.isoformat,
    source=_source,
    samples=(date(2026, 1, 31), date(2026, 2, 1), date(1969, 12, 31), date.min, date.max),
    steps=Steps(
        place=_day_place,
        value=lambda place: date.fromordinal(place + _EPOCH.toordinal()),
        least=_day_place(date.min),
        most=_day_place(date.max),
        usual=(_day_place(date(2020, 1, 1)), _day_place(date(2024, 12, 30))),
    ),
)


def _time_operand(value: object) -> object:
    if not isinstance(value, time):
        return REFUSED
    return value if value.tzinfo is None else Refusal("a time with a zone: give one without")


def _time_compared(value: time) -> tuple[type, Any] | None:
    return None if value.tzinfo is not None else (str, value.isoformat("microseconds"))


def _read_time(given: Any) -> time:
    if isinstance(given, str):
        try:
            given = time.fromisoformat(given)
        except ValueError:
            raise ValueError("must be a time in ISO 8601, such as 12:30:00") from None
    if not isinstance(given, time):
        raise ValueError(f"must be a time, such as 12:30:00, not {type(given).__name__}")
    if given.tzinfo is not None:
        raise ValueError("must be a time without a zone, such as 12:30:00")
    return given


def _time_place(value: time) -> int:
    return ((value.hour * 60 + value.minute) * 60 + value.second) * 1_000_000 + value.microsecond


TIME = Scalar(
    python=time,
    words="times without a zone",
    operand=_time_operand,
    compared=_time_compared,
    read=_read_time,
    write=time.isoformat,
    source=_source,
    samples=(time(12, 0), time(12, 0, 0, 1), time(0, 0), time(9, 30), time.max),
    steps=Steps(
        place=_time_place,
        value=lambda place: (datetime.min + place * _MICROSECOND).time(),
        least=0,
        most=_A_DAY - 1,
        usual=(0, _A_DAY - 1),
    ),
)

_DURATION = re.compile(
    r"(-?)P(?=[\dT])(?:(\d{1,9})D)?(?:T(?=\d)(?:(\d{1,19})H)?(?:(\d{1,19})M)?(?:(\d{1,19})(?:\.(\d{1,6}))?S)?)?",
    re.ASCII,
)


def _timedelta_operand(value: object) -> object:
    if not isinstance(value, timedelta):
        return REFUSED
    fits = INT64_MIN <= value // _MICROSECOND <= INT64_MAX
    return value if fits else Refusal("a timedelta of more than 64 bits of microseconds")


def _read_timedelta(given: Any) -> timedelta:
    found = _parsed(given) if isinstance(given, str) else given
    if not isinstance(found, timedelta):
        raise ValueError(f"must be a duration in ISO 8601, such as P1DT2H30M, not {type(given).__name__}")
    if isinstance(_timedelta_operand(found), Refusal):
        raise ValueError("must fit 64 bits of microseconds")
    return found


def _parsed(text: str) -> timedelta:
    parts = _DURATION.fullmatch(text)
    if parts is None:
        raise ValueError("must be a duration in ISO 8601, such as P1DT2H30M or -PT0.5S")
    sign, days, hours, minutes, seconds, fraction = (part or "" for part in parts.groups())
    whole = ((int(days or 0) * 24 + int(hours or 0)) * 60 + int(minutes or 0)) * 60 + int(seconds or 0)
    microseconds = whole * 1_000_000 + int(fraction.ljust(6, "0"))
    if microseconds > -INT64_MIN:
        raise ValueError("must fit 64 bits of microseconds")
    return timedelta(microseconds=-microseconds if sign else microseconds)


def _write_timedelta(value: timedelta) -> str:
    size = abs(value)
    minutes, seconds = divmod(size.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    fraction = f".{size.microseconds:06}".rstrip("0") if size.microseconds else ""
    parts = ((hours, "H"), (minutes, "M"), (f"{seconds}{fraction}" if seconds or fraction else 0, "S"))
    days, rest = f"{size.days}D" if size.days else "", "".join(f"{part}{unit}" for part, unit in parts if part)
    return f"{'-' if value < timedelta() else ''}P{days}{'T' if rest else ''}{rest}" if size else "PT0S"


TIMEDELTA = Scalar(
    python=timedelta,
    words="timedeltas",
    operand=_timedelta_operand,
    compared=lambda value: (Decimal, value // _MICROSECOND),
    read=_read_timedelta,
    write=_write_timedelta,
    source=_source,
    samples=(
        timedelta(),
        timedelta(seconds=1),
        timedelta(microseconds=-1),
        timedelta(days=1, microseconds=1),
        timedelta(microseconds=INT64_MAX),
    ),
    steps=Steps(
        place=lambda value: value // _MICROSECOND,
        value=lambda place: timedelta(microseconds=place),
        least=INT64_MIN,
        most=INT64_MAX,
        usual=(0, _A_DAY),
    ),
    totals=(timedelta,),
    added=(timedelta,),
)
