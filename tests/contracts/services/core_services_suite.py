"""What the services for credits and projects do, on every backend."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from tristore import (
    DuplicateKey,
    FixedClock,
    NotFound,
    ValidationError,
    VersionConflict,
    new_id,
    not_,
)
from tristore.domain.core import (
    InsufficientCredits,
    Organization,
    OrganizationId,
    OrganizationStatus,
    OrganizationSuspended,
    ProjectArchivedError,
    ProjectStatus,
    UserId,
)
from tristore.services import CreditService, ProjectService

from .services_base import HOUR, NOON, Interruption, StoresContract, ThreeStores


class CoreServicesContract(StoresContract):
    """Credits and projects, as their callers see them."""

    def test_a_transfer_moves_credits_and_is_logged(self, stores: ThreeStores, users: list[UserId]) -> None:
        """Balances and the record of the transfer change together."""
        credits = CreditService(stores.core)

        moved = credits.transfer(users[0], users[1], 30, "lunch")

        assert self.balances(stores, users) == [70, 130, 100, 100]
        assert credits.history(users[1]) == [moved]
        assert (moved.amount, moved.note, moved.version) == (30, "lunch", 1)

    def test_a_transfer_that_cannot_be_made_changes_nothing(self, stores: ThreeStores, users: list[UserId]) -> None:
        """Too few credits, an unknown receiver, oneself or a bad amount leave balances and log alone."""
        credits, stranger = CreditService(stores.core), UserId(new_id())

        with pytest.raises(InsufficientCredits):
            credits.transfer(users[0], users[1], 101)
        with pytest.raises(NotFound):
            credits.transfer(users[0], stranger, 1)
        with pytest.raises(ValidationError):
            credits.transfer(users[0], users[0], 1)
        with pytest.raises(ValidationError):
            credits.transfer(users[0], users[1], -1)

        assert self.balances(stores, users) == [100, 100, 100, 100]
        assert credits.history(users[0]) == []

    def test_transfers_in_threads_lose_nothing(self, stores: ThreeStores, users: list[UserId]) -> None:
        """Transfers that meet each other are run again until each is applied exactly once."""
        credits, start = CreditService(stores.core), threading.Barrier(4)

        def work(number: int) -> None:
            start.wait()
            for step in range(5):
                credits.transfer(users[number], users[(number + 1 + step % 3) % 4], 1 + step)

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(work, range(4)))

        with stores.core.reader() as core:
            transfers = core.transfers.find()
        expected = [
            100
            + sum(one.amount for one in transfers if one.receiver_id == user)
            - sum(one.amount for one in transfers if one.sender_id == user)
            for user in users
        ]
        assert len(transfers) == 20
        assert expected == self.balances(stores, users)
        assert sum(expected) == 400

    def test_projects_are_created_and_listed(
        self, stores: ThreeStores, clock: FixedClock, acme: OrganizationId
    ) -> None:
        """The projects of an organization are listed by name, page by page."""
        projects = ProjectService(stores.core, clock)
        for name in ("Gemini", "Apollo", "Mercury"):
            projects.create(acme, name)

        page = projects.of_organization(acme, page=1, limit=2)

        assert [project.name for project in page] == ["Apollo", "Gemini"]
        assert (page.total_count, page.has_next) == (3, True)

    def test_projects_are_counted_by_state(self, stores: ThreeStores, clock: FixedClock, acme: OrganizationId) -> None:
        """The statistics give the projects of an organization, or of all, by state, with the newest of each."""
        projects = ProjectService(stores.core, clock)
        for name in ("Gemini", "Apollo", "Mercury"):
            projects.create(acme, name)
        archived = projects.archive(projects.create(acme, "Vostok").id)
        initech = Organization(name="Initech", slug="initech")
        stores.core.run(lambda core: core.organizations.add(initech))
        projects.create(initech.id, "TPS")

        found = projects.statistics(acme)
        with stores.core.reader() as core:
            everywhere = core.projects.statistics()
            active = core.projects.find(lambda p: (p.organization_id == acme) & not_(p.is_archived))

        assert [(ProjectStatus.ACTIVE, 3), (ProjectStatus.ARCHIVED, 1)] == [(one.status, one.projects) for one in found]
        assert [max(one.created_at for one in active), archived.created_at] == [one.newest for one in found]
        assert {(acme, 3), (acme, 1), (initech.id, 1)} == {(one.organization_id, one.projects) for one in everywhere}

    def test_a_project_belongs_to_what_exists(
        self, stores: ThreeStores, clock: FixedClock, acme: OrganizationId
    ) -> None:
        """An unknown organization or owner, a suspended organization, and a taken name are refused."""
        projects = ProjectService(stores.core, clock)
        projects.create(acme, "Apollo")

        with pytest.raises(DuplicateKey) as error:
            projects.create(acme, "Apollo")
        with pytest.raises(NotFound):
            projects.create(OrganizationId(new_id()), "Gemini")
        with pytest.raises(NotFound):
            projects.create(acme, "Gemini", owner_id=UserId(new_id()))
        with stores.core.unit_of_work() as core:
            core.organizations.get(acme).status = OrganizationStatus.SUSPENDED
        with pytest.raises(OrganizationSuspended):
            projects.create(acme, "Gemini")

        assert error.value.fields == ("organization_id", "name")
        assert projects.of_organization(acme).total_count == 1

    def test_no_project_slips_in_while_an_organization_is_suspended(
        self, stores: ThreeStores, clock: FixedClock, acme: OrganizationId
    ) -> None:
        """A suspension at the same moment is met by the next attempt: neither of the two overlooks the other."""

        def suspend() -> None:
            with stores.core.unit_of_work() as core:
                core.organizations.get(acme).status = OrganizationStatus.SUSPENDED

        stores.core.listen(Interruption(suspend))
        with pytest.raises(OrganizationSuspended):
            ProjectService(stores.core, clock).create(acme, "Apollo")

        with stores.core.reader() as reader:
            assert 0 == reader.projects.count()

    def test_a_project_is_renamed_by_those_who_saw_it(
        self, stores: ThreeStores, clock: FixedClock, acme: OrganizationId
    ) -> None:
        """With the version that the caller saw, a rename is refused if the project moved on."""
        projects = ProjectService(stores.core, clock)
        project = projects.create(acme, "Apollo")

        renamed = projects.rename(project.id, "Apollo 11", version=1)
        with pytest.raises(VersionConflict):
            projects.rename(project.id, "Apollo 12", version=1)

        assert (renamed.name, renamed.version) == ("Apollo 11", 2)

    def test_an_archived_project_stays_as_it_is(
        self, stores: ThreeStores, clock: FixedClock, acme: OrganizationId
    ) -> None:
        """Archiving a second time does not write, and renaming is refused."""
        projects = ProjectService(stores.core, clock)
        project = projects.create(acme, "Apollo")

        projects.archive(project.id)
        clock.advance(HOUR)
        again = projects.archive(project.id)
        with pytest.raises(ProjectArchivedError):
            projects.rename(project.id, "Apollo 12")

        assert (again.archived_at, again.version) == (NOON, 2)
