"""Playback: who watched or heard what, and for how long."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, NewType

from attrs import define, field, frozen

from ..core.ids import ProjectId, UserId
from ..entities.entity import Entity
from ..entities.events import Event
from ..entities.fields import at_least, instant, reference, text, to_instant
from ..entities.ids import Id
from ..queries.aggregates import bucket, count, distinct_count, total
from ..repository.caching import cacheable
from ..repository.read_repository import ReadRepository
from ..repository.repository import Repository

PlaybackEventId = NewType("PlaybackEventId", Id)


@frozen(kw_only=True)
class PlaybackRecorded(Event):
    """A view was recorded."""

    project_id: ProjectId
    user_id: UserId | None
    duration_seconds: float
    occurred_at: datetime


@define(kw_only=True)
class PlaybackEvent(Entity[PlaybackEventId]):
    """One view of one medium of a project; without a user, by a guest."""

    project_id: ProjectId = field(validator=reference)
    user_id: UserId | None = field(default=None, validator=reference)
    media: str = field(default="", validator=text(max=200))
    duration_seconds: float = field(default=0.0, validator=at_least(0))
    occurred_at: datetime = field(converter=to_instant, validator=instant)
    metadata: dict[str, Any] = field(factory=dict)

    def announce(self) -> None:
        """Say that the view was recorded, for whoever counts."""
        self.record(
            PlaybackRecorded(
                project_id=self.project_id,
                user_id=self.user_id,
                duration_seconds=self.duration_seconds,
                occurred_at=self.occurred_at,
            )
        )


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


class PlaybackQueries(ReadRepository[PlaybackEvent, PlaybackEventId]):
    """The questions that are asked of playback."""

    def of_project(self, project_id: ProjectId, *, since: datetime, until: datetime) -> Iterator[PlaybackEvent]:
        """Yield what happened in a project from `since` to before `until`, however much, oldest first."""
        return self.stream(
            lambda e: (e.project_id == project_id) & (e.occurred_at >= since) & (e.occurred_at < until),
            sort="occurred_at",
        )

    @cacheable(ttl=60)
    def daily(
        self, project_id: ProjectId, *, since: datetime, until: datetime, zone: str = "UTC"
    ) -> Sequence[DayOfPlayback]:
        """Return the days of a project from `since` to before `until` that have views, oldest first.

        Args:
            project_id: which project.
            since: from when.
            until: to before when.
            zone: the time zone whose days count.
        """
        return self.rollup(
            DayOfPlayback,
            lambda e: (e.project_id == project_id) & (e.occurred_at >= since) & (e.occurred_at < until),
            by=lambda e: {"day": bucket(e.occurred_at, "day", zone)},
            values=lambda e: {
                "views": count(),
                "unique_users": distinct_count(e.user_id),
                "total_seconds": total(e.duration_seconds),
            },
        )


class PlaybackRepository(PlaybackQueries, Repository[PlaybackEvent, PlaybackEventId]):
    """The views."""
