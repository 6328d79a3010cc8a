"""The built-in deliveries on every backend: what services publish reaches the audit trail and the usage, once."""

from collections import Counter
from typing import Any

import pytest

from tristore import FixedClock, new_id
from tristore.domain.analytics import PlaybackRecorded
from tristore.domain.core import OrganizationId, ProjectId, UserId
from tristore.operations import Backlog, OutboxRelay
from tristore.services import (
    AccountService,
    AuditService,
    CreditService,
    LogService,
    MeteringService,
    PlaybackService,
    ProjectService,
    UsageService,
)
from tristore.three_stores import Stores, make_relays

from ..services.services_base import DAY, NOON, PASSWORD, StoresContract

ALL = 10_000
"""More than any trail of these tests."""


class DeliveriesContract(StoresContract):
    """From the services to the other stores."""

    @pytest.fixture
    def audit(self, stores: Stores, clock: FixedClock) -> AuditService:
        """The audit trail."""
        return AuditService(stores.systemlogs, clock)

    @pytest.fixture
    def relays(self, stores: Stores, audit: AuditService) -> dict[str, OutboxRelay]:
        """The relays of the three stores."""
        return make_relays(stores, audit, MeteringService(stores.core, stores.analytics))

    def deliver(self, relays: dict[str, OutboxRelay]) -> int:
        """Deliver all; return how many events arrived."""
        return sum(relay.run_once().delivered for relay in relays.values())

    def actions(self, stores: Stores) -> Counter[tuple[str, str, str]]:
        """How often the trail has each action, with its subject."""
        with stores.systemlogs.reader() as systemlogs:
            entries = systemlogs.audit.find(limit=ALL)
        return Counter((entry.action, entry.subject_kind, entry.subject_id) for entry in entries)

    def test_accounts_are_audited(
        self, stores: Stores, clock: FixedClock, accounts: AccountService, relays: dict[str, OutboxRelay]
    ) -> None:
        """X1: registration, a new password, deactivation and removal each leave one entry."""
        ada = accounts.register(email="ada@example.org", username="ada", password=PASSWORD)
        accounts.change_password(ada.id, PASSWORD, "another long one")
        accounts.deactivate(ada.id)
        accounts.remove(ada.id)

        delivered = (self.deliver(relays), self.deliver(relays))

        wanted = ("user.registered", "user.password_changed", "user.deactivated", "user.removed")
        assert (4, 0) == delivered
        assert Counter((action, "user", ada.id) for action in wanted) == self.actions(stores)

    def test_credits_and_projects_are_audited(
        self, stores: Stores, users: list[UserId], acme: OrganizationId, audit: AuditService
    ) -> None:
        """X1: transfers and projects are audited, with who did it and what is different where the event says so."""
        clock = FixedClock(NOON)
        moved = CreditService(stores.core).transfer(users[0], users[1], 30)
        project = ProjectService(stores.core, clock).create(acme, "Apollo")
        ProjectService(stores.core, clock).archive(project.id)

        self.deliver(make_relays(stores, audit, MeteringService(stores.core, stores.analytics)))

        (entry,) = audit.trail("transfer", moved.id)
        assert (users[0], {"sender": users[0], "receiver": users[1], "amount": 30}) == (entry.actor_id, entry.changes)
        assert Counter(
            {
                ("credits.transferred", "transfer", moved.id): 1,
                ("project.created", "project", project.id): 1,
                ("project.archived", "project", project.id): 1,
            }
        ) == self.actions(stores)

    def test_a_reopened_error_is_audited(
        self, stores: Stores, clock: FixedClock, relays: dict[str, OutboxRelay]
    ) -> None:
        """X1: the systemlogs store follows itself the same way."""
        logs = LogService(stores.systemlogs, clock)
        report = logs.report_error(ValueError("x"), source="test")
        stores.systemlogs.run(lambda systemlogs: systemlogs.errors.get(report.id).resolve())
        logs.report_error(ValueError("x"), source="test")

        self.deliver(relays)

        assert Counter({("error.reopened", "error", report.id): 1}) == self.actions(stores)

    def test_playback_is_counted_as_usage(
        self, stores: Stores, clock: FixedClock, acme: OrganizationId, relays: dict[str, OutboxRelay]
    ) -> None:
        """X1: the organization of the project pays for each second that was begun, once."""
        project = ProjectService(stores.core, clock).create(acme, "Apollo")
        playback = PlaybackService(stores.analytics, clock)
        for seconds in (1.5, 10.0, 0.0):
            playback.record(project.id, duration_seconds=seconds)

        self.deliver(relays)

        (total,) = UsageService(stores.analytics, clock).totals(
            acme, "playback-seconds", since=NOON - DAY, until=NOON + DAY
        )
        assert (12, 2) == (total.quantity, total.records)

    def test_a_replayed_event_leaves_no_second_entry(
        self, stores: Stores, clock: FixedClock, acme: OrganizationId, relays: dict[str, OutboxRelay]
    ) -> None:
        """X5: entries and usage bear the id of their event, so that they are written once."""
        project = ProjectService(stores.core, clock).create(acme, "Apollo")
        PlaybackService(stores.analytics, clock).record(project.id, duration_seconds=3)
        self.deliver(relays)
        with stores.systemlogs.reader() as systemlogs, stores.analytics.reader() as analytics:
            relays["core"].replay(systemlogs.audit.find()[0].id)
            relays["analytics"].replay(analytics.usage.find()[0].id)

        again = self.deliver(relays)

        with stores.analytics.reader() as analytics:
            counted = analytics.usage.count()
        assert (2, 1, 1) == (again, counted, self.actions(stores).total())

    def test_a_view_of_an_unknown_project_waits(
        self, stores: Stores, clock: FixedClock, relays: dict[str, OutboxRelay]
    ) -> None:
        """X6: nobody can be charged for it yet; it stays in the backlog, where it can be seen."""
        PlaybackService(stores.analytics, clock).record(ProjectId(new_id()), duration_seconds=3)

        done = relays["analytics"].run_once()

        backlog: Backlog = relays["analytics"].backlog()
        assert (0, 1) == (done.delivered, done.failed)
        assert (1, 1, 0) == (backlog.waiting, backlog.failing, backlog.parked)

    def test_what_is_not_audited_is_refused(self, stores: Stores, audit: AuditService) -> None:
        """An event without a place in the trail is an error of whoever subscribed, not an empty entry."""
        view = PlaybackRecorded(project_id=ProjectId(new_id()), user_id=None, duration_seconds=1.0, occurred_at=NOON)
        unused: Any = None

        with pytest.raises(LookupError):
            audit.follow(view, unused)
