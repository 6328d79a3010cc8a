"""Playback: recording views, and their statistics by day."""

import math
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from attrs import Factory, define, frozen

from ..domain.analytics import AnalyticsUnitOfWork, Period, PlaybackEvent, PlaybackEventId, last_days
from ..domain.clock import Clock
from ..domain.core import ProjectId, UserId
from ..domain.fields import check_whole
from ..domain.ids import IdFactory, new_id
from ..domain.unit_of_work import Store


@frozen(kw_only=True)
class DayOfPlayback:
    """The views of one day.

    Attributes:
        day: when it began, in UTC.
        views: how often something was played.
        unique_users: how many different users did; guests are not among them.
        total_seconds: how long, added up.
    """

    day: datetime
    views: int
    unique_users: int
    total_seconds: float


@frozen
class PlaybackService:
    """The use cases around playback."""

    _analytics: Store[AnalyticsUnitOfWork]
    _clock: Clock
    _ids: IdFactory = new_id

    def record(
        self,
        project_id: ProjectId,
        user_id: UserId | None = None,
        *,
        media: str = "",
        duration_seconds: float = 0.0,
        occurred_at: datetime | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> PlaybackEvent:
        """Record a view; without a time, one that just happened."""
        event = PlaybackEvent(
            id=PlaybackEventId(self._ids()),
            project_id=project_id,
            user_id=user_id,
            media=media,
            duration_seconds=duration_seconds,
            occurred_at=occurred_at or self._clock.now(),
            metadata=metadata or {},
        )
        event.announce()
        self._analytics.run(lambda analytics: analytics.playback.add(event))
        return event

    def stats(self, project_id: ProjectId, days: int) -> list[DayOfPlayback]:
        """Return the last days, oldest first; the last one is today, and days without views are there too.

        Raises:
            ValidationError: if days is not a whole number from 1 to 366.
        """
        check_whole("days", days, min=1, max=366)
        wanted = last_days(days, self._clock.now())
        with self._analytics.reader() as analytics:
            events = analytics.playback.of_project(project_id, since=wanted[0], until=wanted[-1] + timedelta(days=1))
            tallies = _tally(events)
        return [tallies.get(day, _Tally()).view(day) for day in wanted]


@define
class _Tally:
    views: int = 0
    users: set[UserId] = Factory(set)
    durations: list[float] = Factory(list)

    def add(self, event: PlaybackEvent) -> None:
        self.views += 1
        self.durations.append(event.duration_seconds)
        if event.user_id is not None:
            self.users.add(event.user_id)

    def view(self, day: datetime) -> DayOfPlayback:
        return DayOfPlayback(
            day=day,
            views=self.views,
            unique_users=len(self.users),
            total_seconds=math.fsum(self.durations),
        )


def _tally(events: Iterable[PlaybackEvent]) -> dict[datetime, _Tally]:
    tallies: dict[datetime, _Tally] = {}
    for event in events:
        tallies.setdefault(Period.DAY.start(event.occurred_at), _Tally()).add(event)
    return tallies
