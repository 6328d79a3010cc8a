"""The analytics store: what was measured."""

from .metrics import Metric, MetricFigures, MetricId, MetricQueries, MetricRepository
from .periods import Period, last_days
from .playback import (
    DayOfPlayback,
    PlaybackEvent,
    PlaybackEventId,
    PlaybackQueries,
    PlaybackRecorded,
    PlaybackRepository,
)
from .unit_of_work import AnalyticsReader, AnalyticsUnitOfWork
from .usage import UsageQueries, UsageRecord, UsageRecordId, UsageRepository

__all__ = [
    "AnalyticsReader",
    "AnalyticsUnitOfWork",
    "DayOfPlayback",
    "Metric",
    "MetricFigures",
    "MetricId",
    "MetricQueries",
    "MetricRepository",
    "Period",
    "PlaybackEvent",
    "PlaybackEventId",
    "PlaybackQueries",
    "PlaybackRecorded",
    "PlaybackRepository",
    "UsageQueries",
    "UsageRecord",
    "UsageRecordId",
    "UsageRepository",
    "last_days",
]
