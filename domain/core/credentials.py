"""What tokens and sessions have in common: a secret that is shown once, and of which only a hash is kept."""

import hmac
import secrets
from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any, Generic, TypeVar

from attrs import define, field

from ..entities.entity import Entity, IdT
from ..entities.fields import instant, reference, to_instant
from ..entities.ids import Id
from ..entities.secrets import SECRET
from ..queries.query import FIND_BOUND
from ..repository.read_repository import ReadRepository
from ..rules.words import is_none
from .ids import UserId

SECRET_BYTES = 32
_BEFORE_ALL = Id("0" * 24)


def new_secret() -> str:
    """Make a secret that nobody can guess, in letters that fit into an address."""
    return secrets.token_urlsafe(SECRET_BYTES)


def hash_secret(secret: str) -> str:
    """Hash a secret. It is random and long, so a fast hash without salt keeps it safe and can be searched."""
    return sha256(secret.encode()).hexdigest()


@define(kw_only=True)
class Credential(Entity[IdT], Generic[IdT]):
    """Lets its bearer act as a user until it expires or is revoked."""

    user_id: UserId = field(validator=reference)
    secret_hash: str = field(repr=False, metadata=SECRET)
    expires_at: datetime = field(converter=to_instant, validator=instant)
    revoked_at: datetime | None = field(default=None, converter=to_instant, validator=instant)

    def is_valid(self, at: datetime) -> bool:
        """Tell whether it was accepted at that time."""
        return at < self.expires_at and (self.revoked_at is None or at < self.revoked_at)

    def matches(self, secret: str) -> bool:
        """Tell whether this is the secret, in a time that does not depend on how close it comes."""
        return hmac.compare_digest(self.secret_hash, hash_secret(secret))

    def revoke(self, at: datetime) -> None:
        """Accept it no longer; a second time changes nothing."""
        if self.revoked_at is None:
            self.revoked_at = at


CredentialT = TypeVar("CredentialT", bound=Credential[Any])


class CredentialQueries(ReadRepository[CredentialT, IdT]):
    """The questions that are asked of tokens and of sessions."""

    def by_secret_hash(self, secret_hash: str) -> CredentialT | None:
        """Return the one whose secret has that hash (see `hash_secret`)."""
        return self.first(lambda c: c.secret_hash == secret_hash)

    def active_of(self, user_id: UserId, at: datetime) -> Sequence[CredentialT]:
        """Return those of a user that are neither expired nor revoked, the last to expire first."""
        return self.find(
            lambda c: (c.user_id == user_id) & (c.expires_at > at) & is_none(c.revoked_at),
            sort=("-expires_at", "id"),
        )

    def of_user(self, user_id: UserId) -> list[CredentialT]:
        """Return all of a user, by id, however many: whoever revokes or removes them may miss none."""
        found: list[CredentialT] = []
        chunk = self._after(user_id, _BEFORE_ALL)
        while chunk:
            found += chunk
            chunk = self._after(user_id, chunk[-1].id)
        return found

    def _after(self, user_id: UserId, last: Id) -> Sequence[CredentialT]:
        return self.find(lambda c: (c.user_id == user_id) & (c.id > last), sort="id", limit=FIND_BOUND)
