"""Passwords hashed with Argon2id, as RFC 9106 recommends."""

import argon2
from argon2.exceptions import HashingError, InvalidHashError, VerificationError, VerifyMismatchError

from ..domain.errors import ConfigurationError, ValidationError


class Argon2PasswordHasher:
    """A `PasswordHasher` with Argon2id; without arguments, with the library's parameters.

    Args:
        time_cost: the number of passes over the memory.
        memory_cost: the memory in KiB.
        parallelism: the number of lanes.
    """

    def __init__(
        self,
        *,
        time_cost: int = argon2.DEFAULT_TIME_COST,
        memory_cost: int = argon2.DEFAULT_MEMORY_COST,
        parallelism: int = argon2.DEFAULT_PARALLELISM,
    ) -> None:
        self._argon2 = argon2.PasswordHasher(time_cost=time_cost, memory_cost=memory_cost, parallelism=parallelism)

    def hash(self, password: str) -> str:
        """Return a hash that names its parameters and carries its own salt."""
        try:
            return self._argon2.hash(_encoded(password))
        except HashingError as error:
            raise ConfigurationError(f"Argon2 cannot hash with these parameters: {error}") from error

    def verify(self, hash: str, password: str) -> bool:  # noqa: A002 - the words of the port
        """Tell whether the hash was made from this password."""
        try:
            return self._argon2.verify(hash, _encoded(password))
        except VerifyMismatchError:
            return False
        except InvalidHashError as error:
            raise _foreign_hash() from error
        except VerificationError as error:
            raise ConfigurationError(f"Argon2 cannot verify on this machine: {error}") from error

    def needs_rehash(self, hash: str) -> bool:  # noqa: A002 - the words of the port
        """Tell whether the hash was made with other parameters than this hasher's."""
        try:
            return self._argon2.check_needs_rehash(hash)
        except InvalidHashError as error:
            raise _foreign_hash() from error


def _encoded(password: str) -> bytes:
    try:
        return password.encode()
    except UnicodeEncodeError:
        # Without the cause, which quotes the password.
        raise ValidationError.of("password", "must be text that UTF-8 can encode") from None


def _foreign_hash() -> ValidationError:
    return ValidationError.of("password_hash", "is not an Argon2 hash: let the account choose a new password")
