"""The time, as a port: aware, UTC, in whole milliseconds, as stores keep it."""

from datetime import UTC, datetime, timedelta
from typing import Protocol

from ..errors import ValidationError

_PLAIN = frozenset({datetime})  # not by name: who freezes time for a test gives the name to another class
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

NEVER = datetime.min.replace(tzinfo=UTC)
"""The `created_at` and `updated_at` of an entity that was never added to a store."""


def is_never(moment: datetime) -> bool:
    """Tell whether a time is still `NEVER`; most are that very object."""
    return moment is NEVER or moment == NEVER


class Clock(Protocol):
    """Tells the time; a port, so that tests can stand still."""

    def now(self) -> datetime:
        """Return the time: aware, UTC, whole milliseconds."""


class SystemClock:
    """The clock of the machine."""

    def now(self) -> datetime:
        """Return the time of the machine."""
        return to_milliseconds(datetime.now(UTC))


class FixedClock:
    """A clock that stands still until it is told to move; for tests and simulations."""

    def __init__(self, start: datetime) -> None:
        if start.tzinfo is None:
            raise ValidationError.of("start", "must be an aware datetime: give it a time zone, such as UTC")
        self._now = to_milliseconds(start.astimezone(UTC))

    def now(self) -> datetime:
        """Return the time at which the clock stands."""
        return self._now

    def advance(self, step: timedelta) -> None:
        """Move on by `step`."""
        self._now = to_milliseconds(self._now + step)


def to_milliseconds(moment: datetime) -> datetime:
    """Cut what is finer than a millisecond, as BSON does; of a subclass of datetime the moment that it is."""
    if type(moment) not in _PLAIN and moment.tzinfo is not None:
        moment = _EPOCH + (moment - _EPOCH)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)
