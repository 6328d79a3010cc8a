"""Passwords hashed with Argon2id, as RFC 9106 recommends, a bounded number at a time."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore

import argon2
from argon2.exceptions import HashingError, InvalidHashError, VerificationError, VerifyMismatchError

from ...domain.errors import ConfigurationError, Unavailable, ValidationError

AT_ONCE = 4
"""How many passwords one hasher works on at the same time."""

LONGEST_WAIT = 5.0
"""Seconds that a call waits for its turn."""


class Argon2PasswordHasher:
    """A `PasswordHasher` with Argon2id; without arguments, with the library's parameters.

    Each hash and each verification fills `memory_cost` KiB, 64 MiB by default. At most `at_once` of them run at a
    time, so that many sign-ins at once cannot take more than `at_once` times as much; the others wait their turn.

    Args:
        time_cost: the number of passes over the memory.
        memory_cost: the memory in KiB.
        parallelism: the number of lanes.
        at_once: how many passwords are worked on at the same time.
        longest_wait: seconds that a call waits for its turn before it is `Unavailable`.

    Raises:
        ConfigurationError: if `at_once` is not at least 1, or `longest_wait` is negative.
    """

    def __init__(
        self,
        *,
        time_cost: int = argon2.DEFAULT_TIME_COST,
        memory_cost: int = argon2.DEFAULT_MEMORY_COST,
        parallelism: int = argon2.DEFAULT_PARALLELISM,
        at_once: int = AT_ONCE,
        longest_wait: float = LONGEST_WAIT,
    ) -> None:
        if at_once < 1 or longest_wait < 0:
            raise ConfigurationError(
                f"at_once must be at least 1 and longest_wait at least 0, not {at_once} and {longest_wait}"
            )
        self._argon2 = argon2.PasswordHasher(time_cost=time_cost, memory_cost=memory_cost, parallelism=parallelism)
        self._turns = BoundedSemaphore(at_once)
        self._at_once = at_once
        self._longest_wait = longest_wait

    def hash(self, password: str) -> str:
        """Return a hash that names its parameters and carries its own salt."""
        encoded = _encoded(password)
        try:
            with self._turn():
                return self._argon2.hash(encoded)
        except HashingError as error:
            raise ConfigurationError(f"Argon2 cannot hash with these parameters: {error}") from error

    def verify(self, hash: str, password: str) -> bool:  # noqa: A002 - the words of the port
        """Tell whether the hash was made from this password."""
        encoded = _encoded(password)
        try:
            with self._turn():
                return self._argon2.verify(hash, encoded)
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

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Wait until one of the turns is free.

        Raises:
            Unavailable: if that takes too long.
        """
        if not self._turns.acquire(timeout=self._longest_wait):
            raise Unavailable(
                f"{self._at_once} passwords are being hashed, and none was done within {self._longest_wait:g} s: try "
                "again later, limit the sign-ins, or raise at_once (each takes the memory of one hash)"
            )
        try:
            yield
        finally:
            self._turns.release()


def _encoded(password: str) -> bytes:
    try:
        return password.encode()
    except (AttributeError, UnicodeEncodeError):
        refusal = ValidationError.of("password", "must be text that UTF-8 can encode")
    raise refusal  # out here it has no context, which would quote the password


def _foreign_hash() -> ValidationError:
    return ValidationError.of("password_hash", "is not an Argon2 hash: let the account choose a new password")
