"""What the services for analytics and systemlogs do, on every backend."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from tristore import FixedClock, ValidationError, new_id
from tristore.domain.analytics import Period, UsageRecord
from tristore.domain.core import OrganizationId, ProjectId, UserId
from tristore.domain.systemlogs import AuditTrailIsFinal, LogLevel
from tristore.services import (
    AuditService,
    DayOfPlayback,
    LogService,
    MetricsService,
    PlaybackService,
    UsageService,
    UsageTotal,
)

from .services_base import DAY, HOUR, NOON, TODAY, Interruption, StoresContract, ThreeStores


class RecordsContract(StoresContract):
    """Playback, metrics, usage, logs, errors and the audit trail."""

    def test_playback_is_counted_by_day(self, stores: ThreeStores, clock: FixedClock) -> None:
        """The statistics give views, users and duration of each UTC day, days without views included."""
        playback = PlaybackService(stores.analytics, clock)
        project, ann, bob = ProjectId(new_id()), UserId(new_id()), UserId(new_id())
        for user, seconds, at in (
            (ann, 0.25, TODAY - 2 * DAY),
            (ann, 0.5, TODAY - DAY - timedelta(milliseconds=1)),
            (bob, 30, TODAY),
            (ann, 60, TODAY),
            (ann, 90, TODAY + DAY - timedelta(milliseconds=1)),
            (None, 1.5, TODAY + HOUR),
            (bob, 99, TODAY - 2 * DAY - timedelta(milliseconds=1)),
            (bob, 99, TODAY + DAY),
        ):
            playback.record(project, user, duration_seconds=seconds, occurred_at=at)
        playback.record(ProjectId(new_id()), ann, duration_seconds=99)

        stats = playback.stats(project, days=3)

        assert stats == [
            DayOfPlayback(day=TODAY - 2 * DAY, views=2, unique_users=1, total_seconds=0.75),
            DayOfPlayback(day=TODAY - DAY, views=0, unique_users=0, total_seconds=0.0),
            DayOfPlayback(day=TODAY, views=4, unique_users=2, total_seconds=181.5),
        ]

    def test_days_of_another_zone(self, stores: ThreeStores, clock: FixedClock) -> None:
        """The days of a project can be those of a time zone."""
        project = ProjectId(new_id())
        playback = PlaybackService(stores.analytics, clock)
        for hours in (0, 22, 23, 24):
            playback.record(project, duration_seconds=1, occurred_at=TODAY + hours * HOUR)

        with stores.analytics.reader() as analytics:
            found = analytics.playback.daily(project, since=TODAY, until=TODAY + 2 * DAY, zone="Asia/Tokyo")

        assert [(TODAY - 9 * HOUR, 1), (TODAY + 15 * HOUR, 3)] == [(one.day, one.views) for one in found]

    def test_more_than_a_thousand_periods(self, stores: ThreeStores, clock: FixedClock, acme: OrganizationId) -> None:
        """Usage has totals of as many days as there are."""
        for numbers in (range(500), range(500, 1_001)):
            with stores.analytics.unit_of_work() as analytics:
                for number in numbers:
                    at = TODAY - number * DAY
                    usage = UsageRecord(organization_id=acme, resource="api", quantity=2, occurred_at=at)
                    analytics.usage.add(usage)

        totals = UsageService(stores.analytics, clock).totals(acme, "api", since=TODAY - 2_000 * DAY, by=Period.DAY)

        assert (1_001, 2_002) == (len(totals), sum(one.quantity for one in totals))

    @pytest.mark.parametrize("days", [0, -1, 367, 1.5, True])
    def test_statistics_have_bounds(self, stores: ThreeStores, clock: FixedClock, days: int) -> None:
        """The number of days is a whole one from 1 to 366."""
        with pytest.raises(ValidationError):
            PlaybackService(stores.analytics, clock).stats(ProjectId(new_id()), days)

    def test_a_view_just_happened(self, stores: ThreeStores, clock: FixedClock) -> None:
        """A view without a time is one of now, and keeps what was said about it."""
        event = PlaybackService(stores.analytics, clock).record(
            ProjectId(new_id()), media="intro", metadata={"device": "tv"}
        )

        with stores.analytics.reader() as analytics:
            stored = analytics.playback.get(event.id)
        assert (stored.occurred_at, stored.media, stored.metadata) == (NOON, "intro", {"device": "tv"})

    def test_metrics_are_summed_up(self, stores: ThreeStores, clock: FixedClock) -> None:
        """A summary has the figures of one name and one project from its beginning to before its end."""
        metrics, project = MetricsService(stores.analytics, clock), ProjectId(new_id())
        for hours, value in enumerate((1.0, 2.0, 6.0, 50.0)):
            metrics.record("load", value, occurred_at=NOON - (4 - hours) * HOUR)
        metrics.record("load", 99.0, project_id=project, occurred_at=NOON - HOUR)
        metrics.record("other", 99.0, occurred_at=NOON - HOUR)

        summary = metrics.summary("load", since=NOON - 4 * HOUR, until=NOON - HOUR)
        nothing = metrics.summary("load", since=NOON)

        assert (summary.count, summary.minimum, summary.maximum, summary.mean) == (3, 1.0, 6.0, 3.0)
        assert (nothing.count, nothing.minimum, nothing.maximum, nothing.mean) == (0, None, None, None)

    def test_the_latest_metric_is_the_last_measured(self, stores: ThreeStores, clock: FixedClock) -> None:
        """The latest figure is that of the last moment, not the one that was recorded last."""
        metrics, project = MetricsService(stores.analytics, clock), ProjectId(new_id())
        metrics.record("load", 1.0, unit="%", tags={"host": "a"})
        metrics.record("load", 2.0, occurred_at=NOON - HOUR)

        latest = metrics.latest("load")

        assert latest is not None
        assert (latest.value, latest.unit, latest.tags) == (1.0, "%", {"host": "a"})
        assert metrics.latest("load", project) is None

    def test_usage_is_added_up_by_period(self, stores: ThreeStores, clock: FixedClock, acme: OrganizationId) -> None:
        """Totals are those of one organization and resource, by month or day, oldest first."""
        usage = UsageService(stores.analytics, clock)
        usage.record(acme, "api", 5)
        usage.record(acme, "api", 2, occurred_at=TODAY - timedelta(milliseconds=1))
        usage.record(acme, "api", 3, occurred_at=TODAY - 20 * DAY)
        usage.record(acme, "storage", 99)
        usage.record(OrganizationId(new_id()), "api", 99)
        clock.advance(HOUR)

        by_month = usage.totals(acme, "api", since=TODAY - 60 * DAY)
        by_day = usage.totals(acme, "api", since=TODAY - DAY, until=TODAY, by=Period.DAY)

        assert by_month == [
            UsageTotal(start=datetime(2026, 2, 1, tzinfo=UTC), quantity=5, records=2),
            UsageTotal(start=datetime(2026, 3, 1, tzinfo=UTC), quantity=5, records=1),
        ]
        assert by_day == [UsageTotal(start=TODAY - DAY, quantity=2, records=1)]

    def test_logs_are_read_newest_first(self, stores: ThreeStores, clock: FixedClock) -> None:
        """Entries come newest first, of at least the level that is asked for, of one source or of all."""
        logs = LogService(stores.systemlogs, clock)
        for message, source, level in (
            ("a", "web", LogLevel.INFO),
            ("b", "web", LogLevel.ERROR),
            ("c", "job", LogLevel.CRITICAL),
        ):
            clock.advance(HOUR)
            logs.write(message, source=source, level=level, context={"n": 1})

        assert [entry.message for entry in logs.newest()] == ["c", "b", "a"]
        assert [entry.message for entry in logs.newest(level=LogLevel.ERROR)] == ["c", "b"]
        assert [entry.message for entry in logs.newest(source="web", limit=1)] == ["b"]

    def test_the_same_error_is_counted(self, stores: ThreeStores, clock: FixedClock) -> None:
        """Occurrences of one fault share a report that counts them; another fault has its own."""
        logs = LogService(stores.systemlogs, clock)

        logs.report_error(KeyError("user 1"), source="web", context={"path": "/1"})
        clock.advance(HOUR)
        report = logs.report_error(KeyError("user 2"), source="web", context={"path": "/2"})
        logs.report_error(ValueError("user 2"), source="web")

        assert (report.occurrences, report.kind, report.context) == (2, "KeyError", {"path": "/2"})
        assert (report.first_seen_at, report.last_seen_at) == (NOON, NOON + HOUR)
        assert len(logs.open_errors()) == 2

    def test_errors_in_threads_are_all_counted(self, stores: ThreeStores, clock: FixedClock) -> None:
        """First occurrences that meet each other make one report that counts them all."""
        logs, start = LogService(stores.systemlogs, clock), threading.Barrier(4)

        def report(number: int) -> None:
            start.wait()
            logs.report_error(RuntimeError(f"attempt {number}"), source="job")

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(report, range(4)))

        assert [4] == [one.occurrences for one in logs.open_errors()]

    def test_what_is_recorded_is_recorded_once_whoever_was_faster(
        self, stores: ThreeStores, clock: FixedClock, acme: OrganizationId
    ) -> None:
        """Every service that records repeats its unit after a conflict, and records one entry."""
        stores.analytics.listen(Interruption())
        MetricsService(stores.analytics, clock).record("load", 1.0)
        stores.analytics.listen(Interruption())
        UsageService(stores.analytics, clock).record(acme, "api", 5)
        stores.analytics.listen(Interruption())
        PlaybackService(stores.analytics, clock).record(ProjectId(new_id()))
        stores.systemlogs.listen(Interruption())
        LogService(stores.systemlogs, clock).write("a", source="web")
        stores.systemlogs.listen(Interruption())
        AuditService(stores.systemlogs, clock).record("user.registered", subject_kind="user", subject_id="1")

        with stores.analytics.reader() as analytics, stores.systemlogs.reader() as systemlogs:
            found = (analytics.metrics, analytics.usage, analytics.playback, systemlogs.logs, systemlogs.audit)
            assert [1, 1, 1, 1, 1] == [repository.count() for repository in found]

    def test_the_audit_trail_is_newest_first(self, stores: ThreeStores, clock: FixedClock) -> None:
        """The trail of a subject holds what was done to it, and by whom."""
        audit, actor = AuditService(stores.systemlogs, clock), UserId(new_id())
        for action in ("user.registered", "user.deactivated"):
            clock.advance(HOUR)
            audit.record(action, subject_kind="user", subject_id="1", actor_id=actor, changes={"status": "x"})
        audit.record("user.registered", subject_kind="user", subject_id="2")

        trail = audit.trail("user", "1")

        assert [entry.action for entry in trail] == ["user.deactivated", "user.registered"]
        assert {actor} == {entry.actor_id for entry in trail}

    def test_the_audit_trail_is_final(self, stores: ThreeStores, clock: FixedClock) -> None:
        """An entry can be neither changed nor removed."""
        entry = AuditService(stores.systemlogs, clock).record("user.registered", subject_kind="user", subject_id="1")

        with pytest.raises(AuditTrailIsFinal), stores.systemlogs.unit_of_work() as changing:
            changing.audit.get(entry.id).action = "nothing"
        with pytest.raises(AuditTrailIsFinal), stores.systemlogs.unit_of_work() as removing:
            removing.audit.remove(removing.audit.get(entry.id))

        with stores.systemlogs.reader() as systemlogs:
            assert systemlogs.audit.get(entry.id).action == "user.registered"
