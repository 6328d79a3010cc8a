"""Playback: recording views, and their statistics by day."""

from datetime import datetime, timedelta
from typing import Any

from attrs import frozen

from ..domain.analytics import AnalyticsUnitOfWork, DayOfPlayback, PlaybackEvent, PlaybackEventId, last_days
from ..domain.core import ProjectId, UserId
from ..domain.entities.clock import Clock
from ..domain.entities.fields import check_whole
from ..domain.entities.ids import IdFactory, new_id
from ..domain.unit_of_work.store import Store


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
            daily = analytics.playback.daily(project_id, since=wanted[0], until=wanted[-1] + timedelta(days=1))
        found = {one.day: one for one in daily}
        return [found.get(day) or DayOfPlayback(day=day, views=0, unique_users=0, total_seconds=0.0) for day in wanted]
