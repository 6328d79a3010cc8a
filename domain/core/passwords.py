"""Passwords, as a port: how they are hashed is the business of an adapter."""

from typing import Protocol

from ..errors import ValidationError

SHORTEST = 8
LONGEST = 1_024


class PasswordHasher(Protocol):
    """Turns passwords into hashes that are safe to store; slow on purpose: call it outside transactions."""

    def hash(self, password: str) -> str:
        """Return a hash with its own salt and parameters.

        Raises:
            ValidationError: if the password cannot be hashed.
            Unavailable: if too many others are being hashed.
        """

    def verify(self, hash: str, password: str) -> bool:  # noqa: A002 - positional, as in argon2
        """Tell whether the hash was made from this password.

        Raises:
            ValidationError: if the hash is not one of this hasher's kind, or the password cannot be hashed.
            Unavailable: if too many others are being hashed.
        """

    def needs_rehash(self, hash: str) -> bool:  # noqa: A002
        """Tell whether the hash was made with other parameters than those of today."""


def check_password(password: str) -> None:
    """Refuse a password that nobody should choose: shorter than `SHORTEST` or longer than `LONGEST`.

    Raises:
        ValidationError: with the bounds, never with the password.
    """
    if not isinstance(password, str) or not SHORTEST <= len(password) <= LONGEST:
        raise ValidationError.of("password", f"must have {SHORTEST} to {LONGEST} characters")
