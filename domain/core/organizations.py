"""Organizations: what users and projects belong to."""

import re
from collections.abc import Sequence
from enum import Enum
from typing import Any

from attrs import define, field

from ..entities.entity import Entity
from ..entities.fields import member_of, text, text_like, trimmed
from ..errors import DomainError
from ..repository.read_repository import ReadRepository
from ..repository.repository import Repository
from ..repository.unique import Unique
from .ids import OrganizationId

_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


class OrganizationStatus(Enum):
    """Whether an organization may begin something new: only an active one may."""

    ACTIVE = "active"
    SUSPENDED = "suspended"


class OrganizationSuspended(DomainError):
    """An organization that is not active was to begin something new.

    Attributes:
        organization_id: which.
    """

    def __init__(self, organization_id: OrganizationId) -> None:
        self.organization_id = organization_id
        super().__init__(f"organization {organization_id} is suspended and cannot begin anything new")


slug = text_like(_SLUG, "must have 2 to 60 lower-case letters and digits, with single '-' between them", min=2, max=60)
"""A validator for a name in addresses: 2 to 60 lower-case letters and digits, hyphens between them."""


@define(kw_only=True)
class Organization(Entity[OrganizationId]):
    """A customer."""

    name: str = field(converter=trimmed, validator=text(min=1, max=120))
    slug: str = field(validator=slug)
    status: OrganizationStatus = field(default=OrganizationStatus.ACTIVE, validator=member_of(OrganizationStatus))
    metadata: dict[str, Any] = field(factory=dict)

    @property
    def is_active(self) -> bool:
        """Whether the organization may begin something new."""
        return self.status == OrganizationStatus.ACTIVE


class OrganizationQueries(ReadRepository[Organization, OrganizationId]):
    """The questions that are asked of organizations."""

    def by_slug(self, slug: str) -> Organization | None:
        """Return the organization with that name in addresses."""
        return self.first(lambda o: o.slug == slug)

    def active(self, limit: int = 100) -> Sequence[Organization]:
        """Return active organizations, by name."""
        return self.find(lambda o: o.is_active, sort=("name", "id"), limit=limit)


class OrganizationRepository(OrganizationQueries, Repository[Organization, OrganizationId]):
    """The organizations."""

    unique = (Unique("slug"),)
