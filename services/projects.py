"""Projects: what an organization begins, renames and puts away."""

from collections.abc import Sequence

from attrs import frozen

from ..domain.core import (
    CoreUnitOfWork,
    OrganizationId,
    OrganizationSuspended,
    Project,
    ProjectId,
    ProjectStatistics,
    UserId,
)
from ..domain.entities.clock import Clock
from ..domain.entities.ids import IdFactory, new_id
from ..domain.queries.pages import Page
from ..domain.unit_of_work.store import Store


@frozen
class ProjectService:
    """The use cases around projects."""

    _core: Store[CoreUnitOfWork]
    _clock: Clock
    _ids: IdFactory = new_id

    def create(
        self,
        organization_id: OrganizationId,
        name: str,
        *,
        owner_id: UserId | None = None,
        description: str = "",
    ) -> Project:
        """Begin a project.

        Raises:
            NotFound: if the organization or the owner does not exist.
            OrganizationSuspended: if the organization may not begin anything.
            DuplicateKey: if the organization has a project of that name.
        """

        def create(core: CoreUnitOfWork) -> Project:
            organization = core.organizations.get(organization_id)
            if not organization.is_active:
                raise OrganizationSuspended(organization_id)
            core.lock(organization)  # a suspension at the same moment conflicts, and is seen at the next attempt
            if owner_id is not None:
                core.users.get(owner_id)
            project = Project.begin(
                id=ProjectId(self._ids()),
                organization_id=organization_id,
                name=name,
                owner_id=owner_id,
                description=description,
            )
            core.projects.add(project)
            return project

        return self._core.run(create)

    def rename(self, project_id: ProjectId, name: str, *, version: int | None = None) -> Project:
        """Give a project another name.

        Args:
            project_id: which.
            name: the new one.
            version: the version that the caller saw, where that matters.

        Raises:
            NotFound: if there is no such project.
            ProjectArchivedError: if it is archived.
            VersionConflict: if it has another version.
            DuplicateKey: if its organization has another project of that name.
        """

        def rename(core: CoreUnitOfWork) -> Project:
            project = core.projects.get(project_id, version=version)
            project.rename(name)
            return project

        return self._core.run(rename)

    def archive(self, project_id: ProjectId) -> Project:
        """Put a project away; a second time changes nothing.

        Raises:
            NotFound: if there is no such project.
        """

        def archive(core: CoreUnitOfWork) -> Project:
            project = core.projects.get(project_id)
            project.archive(self._clock.now())
            return project

        return self._core.run(archive)

    def of_organization(self, organization_id: OrganizationId, *, page: int = 1, limit: int = 20) -> Page[Project]:
        """Return a page of the projects of an organization, by name."""
        with self._core.reader() as core:
            return core.projects.of_organization(organization_id, page=page, limit=limit)

    def statistics(self, organization_id: OrganizationId) -> Sequence[ProjectStatistics]:
        """Return how many projects an organization has in each state."""
        with self._core.reader() as core:
            return core.projects.statistics(organization_id)
