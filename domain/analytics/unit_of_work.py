"""The unit of work of the analytics store, and its reader."""

from ..unit_of_work.unit_of_work import Reader, UnitOfWork
from .metrics import MetricQueries, MetricRepository
from .playback import PlaybackQueries, PlaybackRepository
from .usage import UsageQueries, UsageRepository


class AnalyticsReader(Reader):
    """Reads what was measured."""

    playback: PlaybackQueries
    metrics: MetricQueries
    usage: UsageQueries


class AnalyticsUnitOfWork(UnitOfWork[AnalyticsReader]):
    """Records what was measured."""

    playback: PlaybackRepository
    metrics: MetricRepository
    usage: UsageRepository
