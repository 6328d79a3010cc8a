"""Metrics: figures that were measured at a time."""

from collections.abc import Iterator
from datetime import datetime
from typing import NewType

from attrs import define, field, frozen

from ..core.ids import ProjectId
from ..entities.entity import Entity
from ..entities.fields import instant, number, reference, text, to_instant
from ..entities.ids import Id
from ..queries.aggregates import average, count, largest, smallest
from ..repository.read_repository import ReadRepository
from ..repository.repository import Repository

MetricId = NewType("MetricId", Id)


@define(kw_only=True)
class Metric(Entity[MetricId]):
    """One figure, of a project or of the whole system."""

    name: str = field(validator=text(min=1, max=120))
    value: float = field(validator=number)
    unit: str = field(default="", validator=text(max=30))
    project_id: ProjectId | None = field(default=None, validator=reference)
    tags: dict[str, str] = field(factory=dict)
    occurred_at: datetime = field(converter=to_instant, validator=instant)


@frozen(kw_only=True)
class MetricFigures:
    """The figures of a stretch of time, summed up; of none, the rest is None."""

    count: int
    minimum: float | None
    maximum: float | None
    mean: float | None


class MetricQueries(ReadRepository[Metric, MetricId]):
    """The questions that are asked of metrics."""

    def latest(self, name: str, project_id: ProjectId | None = None) -> Metric | None:
        """Return the last figure of that name, of a project or of the whole system."""
        return self.first(lambda m: (m.name == name) & (m.project_id == project_id), sort=("-occurred_at", "-id"))

    def series(
        self, name: str, project_id: ProjectId | None = None, *, since: datetime, until: datetime
    ) -> Iterator[Metric]:
        """Yield the figures of that name from `since` to before `until`, oldest first."""
        return self.stream(
            lambda m: (
                (m.name == name) & (m.project_id == project_id) & (m.occurred_at >= since) & (m.occurred_at < until)
            ),
            sort="occurred_at",
        )

    def figures(
        self, name: str, project_id: ProjectId | None = None, *, since: datetime, until: datetime
    ) -> MetricFigures:
        """Sum up the figures of that name from `since` to before `until`."""
        (found,) = self.rollup(
            MetricFigures,
            lambda m: (
                (m.name == name) & (m.project_id == project_id) & (m.occurred_at >= since) & (m.occurred_at < until)
            ),
            values=lambda m: {
                "count": count(),
                "minimum": smallest(m.value),
                "maximum": largest(m.value),
                "mean": average(m.value),
            },
        )
        return found


class MetricRepository(MetricQueries, Repository[Metric, MetricId]):
    """The figures."""
