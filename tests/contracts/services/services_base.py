"""What the contracts of the services share: fixtures, and short ways to look into the stores."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import pytest

from tristore import FixedClock, Store, UnitOfWork
from tristore.domain.analytics import AnalyticsUnitOfWork
from tristore.domain.core import (
    CoreUnitOfWork,
    Organization,
    OrganizationId,
    Session,
    Token,
    TokenPurpose,
    User,
    UserId,
)
from tristore.domain.systemlogs import SystemlogsUnitOfWork
from tristore.errors import WriteConflict
from tristore.operations import UnitOfWorkListener
from tristore.services import AccountService
from tristore.three_stores import Argon2PasswordHasher

from ..stores import elsewhere

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
TODAY = NOON.replace(hour=0)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
PASSWORD = "correct horse"
HASHER = Argon2PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)


class Interruption(UnitOfWorkListener):
    """Comes in between once: before the first flush of a store it does something, or lets the unit meet a conflict."""

    def __init__(self, act: Callable[[], object] | None = None) -> None:
        self.act = act
        self.left = 1

    def before_flush(self, uow: UnitOfWork[Any]) -> None:
        if self.left:
            self.left = 0
            if self.act is None:
                raise WriteConflict
            elsewhere(self.act)


class ThreeStores(Protocol):
    """What the `stores` fixture gives."""

    @property
    def core(self) -> Store[CoreUnitOfWork]: ...
    @property
    def analytics(self) -> Store[AnalyticsUnitOfWork]: ...
    @property
    def systemlogs(self) -> Store[SystemlogsUnitOfWork]: ...


class StoresContract:
    """What the contracts of the services share."""

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

    def add_user(self, stores: ThreeStores, name: str, credits: int = 0) -> UserId:
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
