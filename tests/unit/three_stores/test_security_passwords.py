"""Passwords and credentials: bounded work, visible parameters, constant time, nothing shown."""

import hmac
import threading
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import argon2
import pytest

from tristore import ConfigurationError, Unavailable, new_id
from tristore.domain.core import Credential, Session, Token, TokenPurpose, User, UserId, hash_secret
from tristore.three_stores import Argon2PasswordHasher

PASSWORD = "correct horse battery"
CHEAP = {"time_cost": 1, "memory_cost": 64, "parallelism": 1}
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Counted:
    """Counts how many threads are inside a function at the same time."""

    def __init__(self) -> None:
        self.most = self._now = 0
        self._lock = threading.Lock()

    def __enter__(self) -> None:
        with self._lock:
            self._now += 1
            self.most = max(self.most, self._now)

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._now -= 1


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Counted:
    """Counts the real work of argon2, which stays what it is, a little longer."""
    counted, hashing, verifying = Counted(), argon2.PasswordHasher.hash, argon2.PasswordHasher.verify

    def slowly(work: object) -> object:
        def call(*arguments: object) -> object:
            with counted:
                time.sleep(0.01)
                return work(*arguments)  # type: ignore[operator]

        return call

    monkeypatch.setattr(argon2.PasswordHasher, "hash", slowly(hashing))
    monkeypatch.setattr(argon2.PasswordHasher, "verify", slowly(verifying))
    return counted


@pytest.mark.parametrize("at_once", [1, 3])
def test_a_bounded_number_at_a_time(counted: Counted, at_once: int) -> None:
    """However many sign in at once, at most so many hashes and verifications take their memory."""
    hasher = Argon2PasswordHasher(**CHEAP, at_once=at_once)
    hashed = hasher.hash(PASSWORD)

    def work(number: int) -> bool:
        return hasher.verify(hashed, PASSWORD) if number % 2 else bool(hasher.hash(PASSWORD))

    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(work, range(32)))

    assert at_once == counted.most


def test_four_by_default(counted: Counted) -> None:
    """Without saying so, four are worked on at a time."""
    hasher = Argon2PasswordHasher(**CHEAP)
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(hasher.hash, [PASSWORD] * 32))

    assert 4 == counted.most


def test_waiting_is_bounded() -> None:
    """Whoever waits too long for a turn is told so, without the password, and the turn is free afterwards."""
    hasher = Argon2PasswordHasher(**CHEAP, at_once=1, longest_wait=0.1)
    with hasher._turn():
        began = time.monotonic()
        with pytest.raises(Unavailable, match="try again later") as caught:
            hasher.hash(PASSWORD)
        waited = time.monotonic() - began

    assert 0.1 <= waited < 1
    assert PASSWORD not in "".join(traceback.format_exception(caught.value))
    assert hasher.verify(hasher.hash(PASSWORD), PASSWORD)


def test_errors_give_their_turn_back() -> None:
    """A wrong password, a foreign hash and impossible parameters leave the turns free."""
    hasher = Argon2PasswordHasher(**CHEAP, at_once=1, longest_wait=0.1)
    hashed = hasher.hash(PASSWORD)
    for _ in range(3):
        assert not hasher.verify(hashed, "another one")
        with pytest.raises(ValueError, match="not an Argon2 hash"):
            hasher.verify("$2b$12$abcdefghijklmnopqrstuv", PASSWORD)

    assert hasher.verify(hashed, PASSWORD)


@pytest.mark.parametrize("options", [{"at_once": 0}, {"longest_wait": -1}])
def test_impossible_bounds(options: dict[str, int]) -> None:
    """Bounds that nobody could meet are refused at once."""
    with pytest.raises(ConfigurationError, match="at_once must be at least 1"):
        Argon2PasswordHasher(**options)


def test_the_parameters_are_visible() -> None:
    """The hash names its algorithm and parameters in PHC form: by default 64 MiB, 3 passes, 4 lanes (RFC 9106)."""
    assert Argon2PasswordHasher().hash(PASSWORD).startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert Argon2PasswordHasher(**CHEAP).hash(PASSWORD).startswith("$argon2id$v=19$m=64,t=1,p=1$")


@pytest.mark.parametrize("name", ["time_cost", "memory_cost", "parallelism"])
def test_rising_parameters_ask_for_a_new_hash(name: str) -> None:
    """Each parameter that rises makes older hashes ask for a new one, and they are verified until then."""
    dearer = Argon2PasswordHasher(**{**CHEAP, name: CHEAP[name] * 2})
    old = Argon2PasswordHasher(**CHEAP).hash(PASSWORD)

    assert dearer.needs_rehash(old)
    assert dearer.verify(old, PASSWORD)
    assert not dearer.needs_rehash(dearer.hash(PASSWORD))


def test_no_hash_in_a_repr() -> None:
    """Neither hashes nor secrets stand in the representation of what has them."""
    user = User(email="ada@example.org", username="ada", password_hash="CANARY")
    token, secret = Token.issue(user_id=user.id, purpose=TokenPurpose.API, at=NOON, lifetime=timedelta(hours=1))
    session, other = Session.issue(user_id=user.id, at=NOON, lifetime=timedelta(hours=1))
    shown = f"{user!r} {token!r} {session!r} {Argon2PasswordHasher()!r}"

    assert not [word for word in ("CANARY", secret, other, token.secret_hash, session.secret_hash) if word in shown]


def test_secrets_are_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tokens and sessions compare hashes, by hmac.compare_digest and by nothing else."""
    compared: list[tuple[object, object]] = []

    def compare(left: str, right: str) -> bool:
        compared.append((left, right))
        return hmac_compare(left, right)

    hmac_compare = hmac.compare_digest
    monkeypatch.setattr(hmac, "compare_digest", compare)
    issued: list[tuple[Credential[Any], str]] = [
        Token.issue(user_id=UserId(new_id()), purpose=TokenPurpose.API, at=NOON, lifetime=timedelta(hours=1)),
        Session.issue(user_id=UserId(new_id()), at=NOON, lifetime=timedelta(hours=1)),
    ]
    for credential, secret in issued:
        assert credential.matches(secret)
        assert not credential.matches(f"{secret}x")

    expected = [
        (credential.secret_hash, hash_secret(given))
        for credential, secret in issued
        for given in (secret, f"{secret}x")
    ]
    assert expected == compared
    assert not [secret for _, secret in issued if secret in str(compared)]
