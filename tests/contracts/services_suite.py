"""What every service does, on every backend: subclass `ServicesContract` and give it a `stores` fixture."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Protocol

import pytest

from tristore.adapters.passwords import Argon2PasswordHasher
from tristore.domain.analytics import AnalyticsUnitOfWork, Period
from tristore.domain.clock import FixedClock
from tristore.domain.core import (
    CoreUnitOfWork,
    Organization,
    OrganizationId,
    OrganizationStatus,
    OrganizationSuspended,
    PasswordChanged,
    ProjectArchivedError,
    ProjectId,
    Session,
    Token,
    TokenPurpose,
    User,
    UserDeactivated,
    UserId,
    UserRegistered,
    hash_secret,
)
from tristore.domain.errors import (
    AuthenticationFailed,
    DuplicateKey,
    InsufficientCredits,
    NotFound,
    ValidationError,
    VersionConflict,
)
from tristore.domain.ids import new_id
from tristore.domain.systemlogs import AuditTrailIsFinal, LogLevel, SystemlogsUnitOfWork
from tristore.domain.unit_of_work import Store
from tristore.services import (
    AccountService,
    AuditService,
    CreditService,
    DayOfPlayback,
    LogService,
    MetricsService,
    PlaybackService,
    ProjectService,
    UsageService,
    UsageTotal,
)

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
TODAY = NOON.replace(hour=0)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
PASSWORD = "correct horse"
HASHER = Argon2PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)


class ThreeStores(Protocol):
    """What the `stores` fixture gives."""

    @property
    def core(self) -> Store[CoreUnitOfWork]: ...
    @property
    def analytics(self) -> Store[AnalyticsUnitOfWork]: ...
    @property
    def systemlogs(self) -> Store[SystemlogsUnitOfWork]: ...


class ServicesContract:
    """The use cases, as their callers see them."""

    @pytest.fixture
    def clock(self) -> FixedClock:
        return FixedClock(NOON)

    @pytest.fixture
    def accounts(self, stores: ThreeStores, clock: FixedClock) -> AccountService:
        return AccountService(stores.core, HASHER, clock)

    @pytest.fixture
    def ada(self, accounts: AccountService) -> User:
        return accounts.register(email="ada@example.org", username="ada", password=PASSWORD)

    @pytest.fixture
    def users(self, stores: ThreeStores) -> list[UserId]:
        return [self.add_user(stores, name, 100) for name in ("ann", "bob", "cat", "dan")]

    @pytest.fixture
    def acme(self, stores: ThreeStores) -> OrganizationId:
        with stores.core.unit_of_work() as core:
            organization = Organization(name="Acme", slug="acme")
            core.organizations.add(organization)
        return organization.id

    def add_user(self, stores: ThreeStores, name: str, credits: int = 0) -> UserId:  # noqa: A002
        with stores.core.unit_of_work() as core:
            user = User(email=f"{name}@example.org", username=name, credits=credits)
            core.users.add(user)
        return user.id

    def add_credentials(self, stores: ThreeStores, user_id: UserId) -> tuple[str, str]:
        token, token_secret = Token.issue(user_id=user_id, purpose=TokenPurpose.API, at=NOON, lifetime=HOUR)
        session, session_secret = Session.issue(user_id=user_id, at=NOON, lifetime=HOUR)
        with stores.core.unit_of_work() as core:
            core.tokens.add(token)
            core.sessions.add(session)
        return token_secret, session_secret

    def stored_user(self, stores: ThreeStores, user_id: UserId) -> User:
        with stores.core.reader() as core:
            return core.users.get(user_id)

    def balances(self, stores: ThreeStores, users: list[UserId]) -> list[int]:
        return [self.stored_user(stores, user).credits for user in users]

    # accounts

    def test_a_registered_user_is_stored_with_a_hash(self, stores: ThreeStores, ada: User) -> None:
        """Registering stores the user with a hash of the password, never the password."""
        stored = self.stored_user(stores, ada.id)

        assert (stored.email, stored.version) == ("ada@example.org", 1)
        assert stored.password_hash is not None
        assert PASSWORD not in stored.password_hash

    def test_registering_is_announced_after_the_commit(self, stores: ThreeStores, accounts: AccountService) -> None:
        """A handler receives the event when the user can be read by everyone."""
        seen: list[str] = []
        stores.core.subscribe(UserRegistered, lambda event: seen.append(self.stored_user(stores, event.user_id).email))

        accounts.register(email="ada@example.org", username="ada", password=PASSWORD)

        assert seen == ["ada@example.org"]

    @pytest.mark.parametrize(
        ("email", "username", "field"),
        [("ADA@example.org", "other", "email"), ("other@example.org", "ada", "username")],
    )
    @pytest.mark.usefixtures("ada")
    def test_an_account_is_unique(self, accounts: AccountService, email: str, username: str, field: str) -> None:
        """A second account with the same e-mail address, however written, or username is refused."""
        with pytest.raises(DuplicateKey) as error:
            accounts.register(email=email, username=username, password=PASSWORD)

        assert error.value.fields == (field,)

    @pytest.mark.parametrize("wrong", [{"password": "short"}, {"email": "nobody"}, {"username": "a b"}])
    def test_bad_registrations_write_nothing(
        self, stores: ThreeStores, accounts: AccountService, wrong: dict[str, str]
    ) -> None:
        """A registration that breaks a rule is a ValidationError and stores nothing."""
        values = {"email": "ada@example.org", "username": "ada", "password": PASSWORD, **wrong}

        with pytest.raises(ValidationError):
            accounts.register(**values)  # type: ignore[arg-type]

        with stores.core.reader() as core:
            assert core.users.count() == 0

    def test_authenticating_remembers_the_sign_in(
        self, stores: ThreeStores, accounts: AccountService, ada: User, clock: FixedClock
    ) -> None:
        """The right password returns the user, for any way to write the address, and sets the last login."""
        clock.advance(HOUR)

        assert accounts.authenticate(" Ada@Example.org ", PASSWORD) == ada
        assert self.stored_user(stores, ada.id).last_login == NOON + HOUR

    @pytest.mark.parametrize("email", ["ada@example.org", "nobody@example.org", "not an address"])
    @pytest.mark.usefixtures("ada")
    def test_a_failed_sign_in_does_not_say_why(self, accounts: AccountService, email: str) -> None:
        """Wrong password, unknown account and malformed address fail alike."""
        with pytest.raises(AuthenticationFailed):
            accounts.authenticate(email, "battery staple")

    def test_an_unknown_account_costs_a_hash(self, stores: ThreeStores, clock: FixedClock) -> None:
        """Timing does not tell whether an account exists: the password is hashed for an unknown one too."""
        hashed: list[str] = []

        class Counting(Argon2PasswordHasher):
            def hash(self, password: str) -> str:
                hashed.append(password)
                return super().hash(password)

        accounts = AccountService(stores.core, Counting(time_cost=1, memory_cost=64, parallelism=1), clock)
        with pytest.raises(AuthenticationFailed):
            accounts.authenticate("nobody@example.org", PASSWORD)

        assert hashed == [PASSWORD]

    def test_a_sign_in_renews_an_old_hash(
        self, stores: ThreeStores, accounts: AccountService, ada: User, clock: FixedClock
    ) -> None:
        """When the parameters have risen, the next sign-in stores a new hash; the one after it does not."""
        before = self.stored_user(stores, ada.id).password_hash
        dearer = Argon2PasswordHasher(time_cost=2, memory_cost=64, parallelism=1)

        AccountService(stores.core, dearer, clock).authenticate(ada.email, PASSWORD)
        renewed = self.stored_user(stores, ada.id).password_hash
        AccountService(stores.core, dearer, clock).authenticate(ada.email, PASSWORD)

        assert renewed is not None
        assert renewed != before
        assert not dearer.needs_rehash(renewed)
        assert renewed == self.stored_user(stores, ada.id).password_hash

    def test_a_changed_password_replaces_the_old_one(
        self, stores: ThreeStores, accounts: AccountService, ada: User
    ) -> None:
        """The new password signs in, the old one does not, and it is announced."""
        seen: list[PasswordChanged] = []
        stores.core.subscribe(PasswordChanged, seen.append)

        accounts.change_password(ada.id, PASSWORD, "battery staple")

        assert accounts.authenticate(ada.email, "battery staple") == ada
        assert seen == [PasswordChanged(user_id=ada.id)]
        with pytest.raises(AuthenticationFailed):
            accounts.authenticate(ada.email, PASSWORD)

    def test_a_changed_password_ends_sessions_and_tokens(
        self, stores: ThreeStores, accounts: AccountService, ada: User
    ) -> None:
        """Whoever was signed in with the old password is signed out."""
        self.add_credentials(stores, ada.id)

        accounts.change_password(ada.id, PASSWORD, "battery staple")

        with stores.core.reader() as core:
            assert not core.tokens.active_of(ada.id, NOON)
            assert not core.sessions.active_of(ada.id, NOON)

    def test_a_password_changes_only_with_the_current_one(
        self, stores: ThreeStores, accounts: AccountService, ada: User
    ) -> None:
        """A wrong current password, a bad new one and an unknown user change nothing."""
        before = self.stored_user(stores, ada.id)

        with pytest.raises(AuthenticationFailed):
            accounts.change_password(ada.id, "battery staple", "another one")
        with pytest.raises(ValidationError):
            accounts.change_password(ada.id, PASSWORD, "short")
        with pytest.raises(NotFound):
            accounts.change_password(UserId(new_id()), PASSWORD, "another one")

        after = self.stored_user(stores, ada.id)
        assert (after.version, after.password_hash) == (before.version, before.password_hash)

    def test_a_deactivated_user_is_signed_out(self, stores: ThreeStores, accounts: AccountService, ada: User) -> None:
        """A deactivated user cannot sign in, has no session or token left, and it is announced."""
        self.add_credentials(stores, ada.id)
        seen: list[UserDeactivated] = []
        stores.core.subscribe(UserDeactivated, seen.append)

        accounts.deactivate(ada.id)

        with pytest.raises(AuthenticationFailed):
            accounts.authenticate(ada.email, PASSWORD)
        with stores.core.reader() as core:
            assert not core.users.get(ada.id).is_active
            assert not core.tokens.active_of(ada.id, NOON)
            assert not core.sessions.active_of(ada.id, NOON)
        assert seen == [UserDeactivated(user_id=ada.id)]

    def test_a_removed_user_takes_its_credentials_along(
        self, stores: ThreeStores, accounts: AccountService, ada: User
    ) -> None:
        """Removing a user removes its tokens and sessions, and nobody else's."""
        other = self.add_user(stores, "bob")
        token_secret, session_secret = self.add_credentials(stores, ada.id)
        self.add_credentials(stores, other)

        accounts.remove(ada.id)

        with stores.core.reader() as core:
            assert core.users.by_email(ada.email) is None
            assert core.tokens.by_secret_hash(hash_secret(token_secret)) is None
            assert core.sessions.by_secret_hash(hash_secret(session_secret)) is None
            assert (1, 1) == (len(core.tokens.of_user(other)), len(core.sessions.of_user(other)))

    def test_a_rolled_back_removal_keeps_everything(self, stores: ThreeStores, ada: User) -> None:
        """User, tokens and sessions go in one transaction or not at all."""
        self.add_credentials(stores, ada.id)

        with stores.core.unit_of_work() as core:
            core.users.remove(core.users.get(ada.id))
            core.flush()
            core.rollback()

        with stores.core.reader() as reader:
            assert reader.users.get(ada.id) == ada
            assert (1, 1) == (len(reader.tokens.of_user(ada.id)), len(reader.sessions.of_user(ada.id)))

    def test_what_is_not_there_is_not_found(self, accounts: AccountService) -> None:
        """An unknown user can be neither deactivated nor removed."""
        unknown = UserId(new_id())

        for act in (accounts.deactivate, accounts.remove):
            with pytest.raises(NotFound) as error:
                act(unknown)
            assert (error.value.entity, error.value.id) == ("User", unknown)

    # credits

    def test_a_transfer_moves_credits_and_is_logged(self, stores: ThreeStores, users: list[UserId]) -> None:
        """Balances and the record of the transfer change together."""
        credits = CreditService(stores.core)  # noqa: A001

        moved = credits.transfer(users[0], users[1], 30, "lunch")

        assert self.balances(stores, users) == [70, 130, 100, 100]
        assert credits.history(users[1]) == [moved]
        assert (moved.amount, moved.note, moved.version) == (30, "lunch", 1)

    def test_a_transfer_that_cannot_be_made_changes_nothing(self, stores: ThreeStores, users: list[UserId]) -> None:
        """Too few credits, an unknown receiver, oneself or a bad amount leave balances and log alone."""
        credits, stranger = CreditService(stores.core), UserId(new_id())  # noqa: A001

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
        credits, start = CreditService(stores.core), threading.Barrier(4)  # noqa: A001

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

    # projects

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

    # analytics

    def test_playback_is_counted_by_day(self, stores: ThreeStores, clock: FixedClock) -> None:
        """The statistics give views, users and duration of each UTC day, days without views included."""
        playback = PlaybackService(stores.analytics, clock)
        project, ann, bob = ProjectId(new_id()), UserId(new_id()), UserId(new_id())
        for user, seconds, at in (
            (ann, 0.1, TODAY - 2 * DAY),
            (ann, 0.2, TODAY - DAY - timedelta(milliseconds=1)),
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
            DayOfPlayback(day=TODAY - 2 * DAY, views=2, unique_users=1, total_seconds=pytest.approx(0.3)),
            DayOfPlayback(day=TODAY - DAY, views=0, unique_users=0, total_seconds=0.0),
            DayOfPlayback(day=TODAY, views=4, unique_users=2, total_seconds=181.5),
        ]

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

    # systemlogs

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
