"""Usage: what organizations consumed, as a bill will name it."""

from collections.abc import Iterator
from datetime import datetime
from typing import NewType

from attrs import define, field

from ..core.ids import OrganizationId, UserId
from ..entities.entity import Entity
from ..entities.fields import instant, reference, text, to_instant, whole
from ..entities.ids import Id
from ..repository.read_repository import ReadRepository
from ..repository.repository import Repository

UsageRecordId = NewType("UsageRecordId", Id)


@define(kw_only=True)
class UsageRecord(Entity[UsageRecordId]):
    """A whole number of units of one resource that were consumed at once."""

    organization_id: OrganizationId = field(validator=reference)
    user_id: UserId | None = field(default=None, validator=reference)
    resource: str = field(validator=text(min=1, max=120))
    quantity: int = field(validator=whole(min=1))
    occurred_at: datetime = field(converter=to_instant, validator=instant)


class UsageQueries(ReadRepository[UsageRecord, UsageRecordId]):
    """The questions that are asked of usage."""

    def of_organization(
        self, organization_id: OrganizationId, resource: str, *, since: datetime, until: datetime
    ) -> Iterator[UsageRecord]:
        """Yield what an organization consumed of a resource from `since` to before `until`, oldest first."""
        return self.stream(
            lambda r: (
                (r.organization_id == organization_id)
                & (r.resource == resource)
                & (r.occurred_at >= since)
                & (r.occurred_at < until)
            ),
            sort="occurred_at",
        )


class UsageRepository(UsageQueries, Repository[UsageRecord, UsageRecordId]):
    """The records of usage."""
