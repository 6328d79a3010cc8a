"""Metrics: recording figures, the last one, and what a stretch of time looked like."""

from datetime import datetime

from attrs import frozen

from ..domain.analytics import AnalyticsUnitOfWork, Metric, MetricId
from ..domain.core import ProjectId
from ..domain.entities.clock import Clock
from ..domain.entities.ids import IdFactory, new_id
from ..domain.unit_of_work.store import Store


@frozen(kw_only=True)
class MetricSummary:
    """The figures of a stretch of time; without any, the rest is None."""

    name: str
    count: int
    minimum: float | None
    maximum: float | None
    mean: float | None


@frozen
class MetricsService:
    """The use cases around metrics."""

    _analytics: Store[AnalyticsUnitOfWork]
    _clock: Clock
    _ids: IdFactory = new_id

    def record(
        self,
        name: str,
        value: float,
        *,
        unit: str = "",
        project_id: ProjectId | None = None,
        tags: dict[str, str] | None = None,
        occurred_at: datetime | None = None,
    ) -> Metric:
        """Record a figure, of a project or of the whole system; without a time, one measured just now."""
        metric = Metric(
            id=MetricId(self._ids()),
            name=name,
            value=value,
            unit=unit,
            project_id=project_id,
            tags=tags or {},
            occurred_at=occurred_at or self._clock.now(),
        )
        self._analytics.run(lambda analytics: analytics.metrics.add(metric))
        return metric

    def latest(self, name: str, project_id: ProjectId | None = None) -> Metric | None:
        """Return the last figure of that name, None if there is none."""
        with self._analytics.reader() as analytics:
            return analytics.metrics.latest(name, project_id)

    def summary(
        self,
        name: str,
        project_id: ProjectId | None = None,
        *,
        since: datetime,
        until: datetime | None = None,
    ) -> MetricSummary:
        """Sum up the figures from `since` to before `until`, by default now."""
        until = until or self._clock.now()
        with self._analytics.reader() as analytics:
            found = analytics.metrics.figures(name, project_id, since=since, until=until)
        return MetricSummary(
            name=name, count=found.count, minimum=found.minimum, maximum=found.maximum, mean=found.mean
        )
