"""Periods over which events are added up: whole days and months in UTC."""

from datetime import UTC, datetime, timedelta
from enum import Enum


class Period(Enum):
    """A stretch of the calendar, in UTC."""

    DAY = "day"
    MONTH = "month"

    def start(self, moment: datetime) -> datetime:
        """Return when the period began in which the moment lies."""
        midnight = moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        return midnight if self is Period.DAY else midnight.replace(day=1)


def last_days(days: int, now: datetime) -> list[datetime]:
    """Return the beginnings of the last days, oldest first; the last one is today."""
    today = Period.DAY.start(now)
    return [today - timedelta(days=ago) for ago in reversed(range(days))]
