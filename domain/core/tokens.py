"""Tokens: secrets for one purpose, such as a call of the API or a reset of the password."""

from datetime import datetime, timedelta
from enum import Enum
from typing import Self

from attrs import define, field

from ..entities.fields import member_of, text
from ..repository.repository import Repository
from ..repository.unique import Unique
from .credentials import Credential, CredentialQueries, hash_secret, new_secret
from .ids import TokenId, UserId


class TokenPurpose(Enum):
    """What a token is accepted for."""

    API = "api"
    EMAIL_VERIFICATION = "emailVerification"
    PASSWORD_RESET = "passwordReset"  # noqa: S105 - the name of a purpose


@define(kw_only=True)
class Token(Credential[TokenId]):
    """A secret for one purpose."""

    purpose: TokenPurpose = field(validator=member_of(TokenPurpose))
    label: str = field(default="", validator=text(max=120))

    @classmethod
    def issue(
        cls, *, user_id: UserId, purpose: TokenPurpose, at: datetime, lifetime: timedelta, label: str = ""
    ) -> tuple[Self, str]:
        """Return a new token and its secret, which cannot be read again."""
        secret = new_secret()
        token = cls(
            user_id=user_id,
            purpose=purpose,
            label=label,
            secret_hash=hash_secret(secret),
            expires_at=at + lifetime,
        )
        return token, secret


class TokenQueries(CredentialQueries[Token, TokenId]):
    """The questions that are asked of tokens."""


class TokenRepository(TokenQueries, Repository[Token, TokenId]):
    """The tokens."""

    unique = (Unique("secret_hash"),)
