"""Usage: recording what organizations consume, and totals by period."""

from datetime import date, datetime

from attrs import frozen

from ..domain.analytics import AnalyticsUnitOfWork, Period, UsageRecord, UsageRecordId
from ..domain.core import OrganizationId, UserId
from ..domain.entities.clock import Clock
from ..domain.entities.ids import IdFactory, new_id
from ..domain.queries.aggregates import bucket, count, total
from ..domain.unit_of_work.store import Store

_ALL_DAYS = date.max.toordinal()


@frozen(kw_only=True)
class UsageTotal:
    """What was consumed in one period.

    Attributes:
        start: when the period began, in UTC.
        quantity: how many units.
        records: in how many records.
    """

    start: datetime
    quantity: int
    records: int


@frozen
class UsageService:
    """The use cases around usage."""

    _analytics: Store[AnalyticsUnitOfWork]
    _clock: Clock
    _ids: IdFactory = new_id

    def record(
        self,
        organization_id: OrganizationId,
        resource: str,
        quantity: int,
        *,
        user_id: UserId | None = None,
        occurred_at: datetime | None = None,
    ) -> UsageRecord:
        """Record what was consumed; without a time, just now."""
        usage = UsageRecord(
            id=UsageRecordId(self._ids()),
            organization_id=organization_id,
            user_id=user_id,
            resource=resource,
            quantity=quantity,
            occurred_at=occurred_at or self._clock.now(),
        )
        self._analytics.run(lambda analytics: analytics.usage.add(usage))
        return usage

    def totals(
        self,
        organization_id: OrganizationId,
        resource: str,
        *,
        since: datetime,
        until: datetime | None = None,
        by: Period = Period.MONTH,
    ) -> list[UsageTotal]:
        """Add up by period what was consumed from `since` to before `until`, by default now.

        Oldest first; periods in which nothing was consumed are left out.
        """
        until = until or self._clock.now()
        with self._analytics.reader() as analytics:
            found = analytics.usage.rollup(
                UsageTotal,
                lambda r: (
                    (r.organization_id == organization_id)
                    & (r.resource == resource)
                    & (r.occurred_at >= since)
                    & (r.occurred_at < until)
                ),
                by=lambda r: {"start": bucket(r.occurred_at, by.value)},
                values=lambda r: {"quantity": total(r.quantity), "records": count()},
                limit=_ALL_DAYS,
            )
        return [*found]
