"""Projects: what an organization works on."""

from collections.abc import Sequence
from datetime import datetime
from enum import Enum
from typing import Any, Self

from attrs import define, field, frozen

from ..entities.entity import Entity
from ..entities.events import Event
from ..entities.fields import instant, member_of, reference, text, to_instant, trimmed
from ..entities.ids import new_id
from ..errors import DomainError
from ..queries.aggregates import count, largest
from ..queries.pages import Page
from ..repository.caching import cacheable
from ..repository.read_repository import ReadRepository
from ..repository.repository import Repository
from ..repository.unique import Unique
from .ids import OrganizationId, ProjectId, UserId


class ProjectStatus(Enum):
    """Whether a project may change: an archived one is kept as it is."""

    ACTIVE = "active"
    ARCHIVED = "archived"


class ProjectArchivedError(DomainError):
    """An archived project was to be changed.

    Attributes:
        project_id: which.
    """

    def __init__(self, project_id: ProjectId) -> None:
        self.project_id = project_id
        super().__init__(f"project {project_id} is archived and cannot be changed")


@frozen(kw_only=True)
class ProjectCreated(Event):
    """An organization began a project."""

    project_id: ProjectId
    organization_id: OrganizationId


@frozen(kw_only=True)
class ProjectArchived(Event):
    """A project was put away."""

    project_id: ProjectId


@define(kw_only=True)
class Project(Entity[ProjectId]):
    """A piece of work with a name that is unique in its organization."""

    organization_id: OrganizationId = field(validator=reference)
    name: str = field(converter=trimmed, validator=text(min=1, max=120))
    owner_id: UserId | None = field(default=None, validator=reference)
    description: str = field(default="", validator=text(max=2_000))
    status: ProjectStatus = field(default=ProjectStatus.ACTIVE, validator=member_of(ProjectStatus))
    archived_at: datetime | None = field(default=None, converter=to_instant, validator=instant)
    metadata: dict[str, Any] = field(factory=dict)

    @classmethod
    def begin(
        cls,
        *,
        organization_id: OrganizationId,
        name: str,
        owner_id: UserId | None = None,
        description: str = "",
        id: ProjectId | None = None,
    ) -> Self:
        """Begin a project."""
        project = cls(
            id=id or ProjectId(new_id()),
            organization_id=organization_id,
            name=name,
            owner_id=owner_id,
            description=description,
        )
        project.record(ProjectCreated(project_id=project.id, organization_id=organization_id))
        return project

    @property
    def is_archived(self) -> bool:
        """Whether the project was put away."""
        return self.status == ProjectStatus.ARCHIVED

    def rename(self, name: str) -> None:
        """Give the project another name.

        Raises:
            ProjectArchivedError: if it is archived.
        """
        if self.is_archived:
            raise ProjectArchivedError(self.id)
        self.name = name

    def archive(self, at: datetime) -> None:
        """Put the project away; a second time changes nothing."""
        if not self.is_archived:
            self.status = ProjectStatus.ARCHIVED
            self.archived_at = at
            self.record(ProjectArchived(project_id=self.id))


@frozen(kw_only=True)
class ProjectStatistics:
    """The projects of one organization that are in one state.

    Attributes:
        organization_id: the organization.
        status: the state.
        projects: how many there are.
        newest: when the last of them was begun.
    """

    organization_id: OrganizationId
    status: ProjectStatus
    projects: int
    newest: datetime


class ProjectQueries(ReadRepository[Project, ProjectId]):
    """The questions that are asked of projects."""

    def by_name(self, organization_id: OrganizationId, name: str) -> Project | None:
        """Return the project of an organization with that name."""
        return self.first(lambda p: (p.organization_id == organization_id) & (p.name == name))

    def of_organization(self, organization_id: OrganizationId, *, page: int = 1, limit: int = 20) -> Page[Project]:
        """Return a page of the projects of an organization, by name."""
        return self.page(lambda p: p.organization_id == organization_id, sort="name", page=page, limit=limit)

    @cacheable(ttl=60)
    def statistics(
        self, organization_id: OrganizationId | None = None, *, limit: int | None = None
    ) -> Sequence[ProjectStatistics]:
        """Count the projects by organization and status, of one organization or of all.

        Args:
            organization_id: of which organization; None for all.
            limit: the most rows, in the order of organizations.

        Raises:
            TooManyResults: without a limit, if there are more than 1,000 rows.
        """
        return self.rollup(
            ProjectStatistics,
            None if organization_id is None else lambda p: p.organization_id == organization_id,
            by=lambda p: {"organization_id": p.organization_id, "status": p.status},
            values=lambda p: {"projects": count(), "newest": largest(p.created_at)},
            limit=limit,
        )


class ProjectRepository(ProjectQueries, Repository[Project, ProjectId]):
    """The projects."""

    unique = (Unique("organization_id", "name"),)
