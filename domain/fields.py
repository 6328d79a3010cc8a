"""Converters and validators that entities share.

A broken rule raises `ValidationError` when the entity is made and at each later assignment.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import attrs
from email_validator import EmailNotValidError, validate_email

from .clock import to_milliseconds
from .errors import ValidationError

SECRET = {"tristore.secret": True}
"""Field metadata that keeps a value out of `to_dict` and of logs; give ``repr=False`` with it."""

USERNAME = re.compile(r"[A-Za-z0-9_-]{3,30}")

Validator = Callable[[Any, "attrs.Attribute[Any]", Any], None]


def to_email(value: str) -> str:
    """A converter that brings an e-mail address into the one form in which it is stored and compared.

    Trimmed, lower-cased, and checked by email-validator without asking the network.

    Raises:
        ValidationError: if it is not an address.
    """
    if not isinstance(value, str):
        raise ValidationError.of("email", f"must be text, not {type(value).__name__}")
    try:
        found = validate_email(value.strip(), check_deliverability=False, test_environment=True)
    except EmailNotValidError as error:
        raise ValidationError.of("email", f"is not an e-mail address: {error}") from None
    return found.normalized.lower()


def username(_: object, attribute: "attrs.Attribute[Any]", value: object) -> None:
    """A validator for a name of 3 to 30 letters, digits, ``_`` and ``-``."""
    if not isinstance(value, str) or USERNAME.fullmatch(value) is None:
        raise ValidationError.of(attribute.name, "must have 3 to 30 letters, digits, '_' or '-'")


def text(*, min: int = 0, max: int) -> Validator:  # noqa: A002 - the words of the public API
    """A validator for a string of `min` to `max` characters; None passes, for optional fields."""

    def check(_: object, attribute: "attrs.Attribute[Any]", value: object) -> None:
        if value is None:
            return
        if not isinstance(value, str):
            raise ValidationError.of(attribute.name, f"must be text, not {type(value).__name__}")
        if not min <= len(value) <= max:
            raise ValidationError.of(attribute.name, f"must have {min} to {max} characters, not {len(value)}")

    return check


def at_least(bound: float) -> Validator:
    """A validator for a number that is never below `bound`."""

    def check(_: object, attribute: "attrs.Attribute[Any]", value: Any) -> None:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValidationError.of(attribute.name, f"must be a number, not {type(value).__name__}")
        if not value >= bound:
            raise ValidationError.of(attribute.name, f"must be at least {bound}, not {value}")

    return check


def instant(_: object, attribute: "attrs.Attribute[Any]", value: object) -> None:
    """A validator for an aware datetime; None passes, for optional fields."""
    if value is None:
        return
    if not isinstance(value, datetime):
        raise ValidationError.of(attribute.name, f"must be a datetime, not {type(value).__name__}")
    if value.tzinfo is None:
        raise ValidationError.of(
            attribute.name, "must be an aware datetime: give it a time zone, such as UTC"
        )


def to_instant(value: Any) -> Any:
    """Bring an aware datetime to UTC and whole milliseconds; leave everything else to the validator."""
    if isinstance(value, datetime) and value.tzinfo is not None:
        return to_milliseconds(value.astimezone(UTC))
    return value
