"""Passwords and their hashes."""

import pytest

from tristore import ConfigurationError, ValidationError
from tristore.domain.core.passwords import check_password
from tristore.three_stores import Argon2PasswordHasher

CHEAP = Argon2PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)


def test_a_hash_is_verified_by_its_password_only() -> None:
    """The right password is recognised and another one is not."""
    hashed = CHEAP.hash("correct horse")

    assert CHEAP.verify(hashed, "correct horse")
    assert not CHEAP.verify(hashed, "battery staple")


def test_hashes_are_argon2id_with_their_own_salt() -> None:
    """Two hashes of one password differ, and name their algorithm."""
    first, second = CHEAP.hash("correct horse"), CHEAP.hash("correct horse")

    assert first.startswith("$argon2id$")
    assert first != second


def test_a_hash_of_other_parameters_needs_another() -> None:
    """When the parameters rise, older hashes are to be renewed."""
    dearer = Argon2PasswordHasher(time_cost=2, memory_cost=64, parallelism=1)
    hashed = CHEAP.hash("correct horse")

    assert not CHEAP.needs_rehash(hashed)
    assert dearer.needs_rehash(hashed)


def test_a_hash_of_another_kind_is_a_validation_error() -> None:
    """A hash that another program wrote is not taken for a wrong password."""
    with pytest.raises(ValidationError):
        CHEAP.verify("$2b$12$abcdefghijklmnopqrstuv", "correct horse")
    with pytest.raises(ValidationError):
        CHEAP.needs_rehash("$2b$12$abcdefghijklmnopqrstuv")


def test_a_password_that_is_no_unicode_is_a_validation_error() -> None:
    """A lone surrogate is refused by name of the field, without the password in the message."""
    with pytest.raises(ValidationError) as error:
        CHEAP.hash("correct \ud800 horse")

    assert "correct" not in str(error.value)
    assert error.value.__cause__ is None


def test_impossible_parameters_are_a_configuration_error() -> None:
    """Parameters that Argon2 cannot use are said to be so."""
    with pytest.raises(ConfigurationError):
        Argon2PasswordHasher(time_cost=0, memory_cost=64, parallelism=1).hash("correct horse")


@pytest.mark.parametrize("password", ["", "1234567", "x" * 1_025, None])
def test_a_password_has_8_to_1024_characters(password: str) -> None:
    """A password that is too short or too long is refused."""
    with pytest.raises(ValidationError):
        check_password(password)
