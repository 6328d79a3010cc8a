"""Sessions: who is signed in, and from where."""

from datetime import datetime, timedelta
from typing import Self

from attrs import define, field

from ..entities.fields import instant, shortened, text, to_instant
from ..repository.repository import Repository
from ..repository.unique import Unique
from .credentials import Credential, CredentialQueries, hash_secret, new_secret
from .ids import SessionId, UserId


def _to_user_agent(value: str) -> str:
    return shortened(value, 400)


@define(kw_only=True)
class Session(Credential[SessionId]):
    """A browser or device in which a user is signed in."""

    last_seen_at: datetime = field(converter=to_instant, validator=instant)
    ip_address: str = field(default="", validator=text(max=45))
    user_agent: str = field(default="", converter=_to_user_agent, validator=text(max=400))

    @classmethod
    def issue(
        cls,
        *,
        user_id: UserId,
        at: datetime,
        lifetime: timedelta,
        ip_address: str = "",
        user_agent: str = "",
    ) -> tuple[Self, str]:
        """Return a new session and its secret, which cannot be read again."""
        secret = new_secret()
        session = cls(
            user_id=user_id,
            secret_hash=hash_secret(secret),
            expires_at=at + lifetime,
            last_seen_at=at,
            ip_address=ip_address,
            user_agent=user_agent,
        )
        return session, secret

    def touch(self, at: datetime) -> None:
        """Remember that the user was seen; time never runs backwards."""
        self.last_seen_at = max(self.last_seen_at, at)


class SessionQueries(CredentialQueries[Session, SessionId]):
    """The questions that are asked of sessions."""


class SessionRepository(SessionQueries, Repository[Session, SessionId]):
    """The sessions."""

    unique = (Unique("secret_hash"),)
