"""Users: who may sign in, and how many credits they own."""

from collections.abc import Sequence
from datetime import datetime
from enum import Enum
from typing import Any, Protocol, Self

from attrs import define, field, frozen

from ..entities.entity import Entity
from ..entities.events import Event
from ..entities.fields import (
    check_whole,
    instant,
    member_of,
    reference,
    text,
    to_email,
    to_instant,
    username,
    whole,
)
from ..entities.ids import new_id
from ..entities.secrets import SECRET
from ..errors import ValidationError
from ..repository.read_repository import ReadRepository
from ..repository.repository import Repository
from ..repository.unique import Unique
from .errors import InsufficientCredits
from .ids import OrganizationId, UserId
from .sessions import SessionRepository
from .tokens import TokenRepository


class UserRole(Enum):
    """What a user may do in the organization."""

    MEMBER = "member"
    MANAGER = "manager"
    ADMIN = "admin"


class UserStatus(Enum):
    """Whether a user may sign in: only an active one may."""

    ACTIVE = "active"
    INVITED = "invited"
    INACTIVE = "inactive"


@frozen(kw_only=True)
class UserRegistered(Event):
    """An account was opened."""

    user_id: UserId
    email: str


@frozen(kw_only=True)
class PasswordChanged(Event):
    """A user chose another password."""

    user_id: UserId


@frozen(kw_only=True)
class UserDeactivated(Event):
    """An account was closed to its user; what it owns stays."""

    user_id: UserId


@frozen(kw_only=True)
class UserRemoved(Event):
    """An account and what let its user in are gone."""

    user_id: UserId


@define(kw_only=True)
class User(Entity[UserId]):
    """A person with an account."""

    email: str = field(converter=to_email)
    username: str = field(validator=username)
    first_name: str | None = field(default=None, validator=text(max=80))
    last_name: str | None = field(default=None, validator=text(max=80))
    nickname: str | None = field(default=None, validator=text(max=80))
    role: UserRole = field(default=UserRole.MEMBER, validator=member_of(UserRole))
    status: UserStatus = field(default=UserStatus.ACTIVE, validator=member_of(UserStatus))
    organization_id: OrganizationId | None = field(default=None, validator=reference)
    credits: int = field(default=0, validator=whole(min=0))
    password_hash: str | None = field(default=None, repr=False, metadata=SECRET)
    last_login: datetime | None = field(default=None, converter=to_instant, validator=instant)
    metadata: dict[str, Any] = field(factory=dict)

    @classmethod
    def register(
        cls,
        *,
        email: str,
        username: str,
        organization_id: OrganizationId | None = None,
        id: UserId | None = None,
    ) -> Self:
        """Open an account."""
        user = cls(id=id or UserId(new_id()), email=email, username=username, organization_id=organization_id)
        user.record(UserRegistered(user_id=user.id, email=user.email))
        return user

    @property
    def is_active(self) -> bool:
        """Whether the user may sign in."""
        return self.status == UserStatus.ACTIVE

    @property
    def full_name(self) -> str:
        """First and last name, as far as they are known."""
        return " ".join(name for name in (self.first_name, self.last_name) if name)

    @property
    def display_name(self) -> str:
        """The nickname, else the full name, else the username; setting it sets the nickname."""
        return self.nickname or self.full_name or self.username

    @display_name.setter
    def display_name(self, name: str) -> None:
        if not isinstance(name, str):
            raise ValidationError.of("display_name", f"must be text, not {type(name).__name__}")
        self.nickname = name.strip() or None

    def debit(self, amount: int) -> None:
        """Take credits away.

        Raises:
            InsufficientCredits: if there are fewer.
            ValidationError: if the amount is not a whole number of at least 1.
        """
        check_whole("amount", amount, min=1)
        if amount > self.credits:
            raise InsufficientCredits(self.credits, amount)
        self.credits -= amount

    def credit(self, amount: int) -> None:
        """Add credits.

        Raises:
            ValidationError: if the amount is not a whole number of at least 1.
        """
        check_whole("amount", amount, min=1)
        self.credits += amount

    def change_password(self, password_hash: str) -> None:
        """Take another password, given as its hash."""
        self.password_hash = password_hash
        self.record(PasswordChanged(user_id=self.id))

    def deactivate(self) -> None:
        """Close the account to its user."""
        if self.status != UserStatus.INACTIVE:
            self.status = UserStatus.INACTIVE
            self.record(UserDeactivated(user_id=self.id))


class UserQueries(ReadRepository[User, UserId]):
    """The questions that are asked of users."""

    def by_email(self, email: str) -> User | None:
        """Return the user with that e-mail address, in whatever form it is written.

        Raises:
            ValidationError: if it is no e-mail address.
        """
        address = to_email(email)
        return self.first(lambda u: u.email == address)

    def by_username(self, username: str) -> User | None:
        """Return the user with that username."""
        return self.first(lambda u: u.username == username)

    def active_in(self, organization_id: OrganizationId) -> Sequence[User]:
        """Return the active users of an organization, by username."""
        return self.find(lambda u: (u.organization_id == organization_id) & u.is_active, sort="username")

    def newest(self, limit: int = 20) -> Sequence[User]:
        """Return the users that were added last, newest first."""
        return self.find(sort=("-created_at", "-id"), limit=limit)


class _LetsUsersIn(Protocol):
    """What the hook asks of its unit of work, which stands above the users."""

    tokens: TokenRepository
    sessions: SessionRepository


class UserRepository(UserQueries, Repository[User, UserId]):
    """The users; with one go their tokens and sessions."""

    unique = (Unique("email"), Unique("username"))

    def before_remove(self, entity: User, uow: _LetsUsersIn) -> None:
        """Remove what would let the user in, and say so."""
        entity.record(UserRemoved(user_id=entity.id))
        for token in uow.tokens.of_user(entity.id):
            uow.tokens.remove(token)
        for session in uow.sessions.of_user(entity.id):
            uow.sessions.remove(session)
