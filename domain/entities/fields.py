"""Converters and validators that entities share.

A broken rule raises `ValidationError` when the entity is made and at each later assignment.
"""

import math
import re
from collections.abc import Callable
from datetime import UTC, datetime
from enum import Enum
from typing import Any

import attrs
from attrs import frozen
from email_validator import EmailNotValidError, validate_email

from ..errors import ValidationError
from .bounds import FINITE, Bound, Comparator
from .clock import to_milliseconds
from .ids import is_id, shown_id
from .secrets import SECRET

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


def _left_out(attribute: "attrs.Attribute[Any]", value: object) -> bool:
    """Tell whether a value is the None of a field that allows it."""
    if value is not None:
        return False
    annotation = str(attribute.type)
    return attribute.default is None or "None" in annotation or "Optional" in annotation


@frozen
class TextOf:
    """The validator that `text` makes."""

    min: int
    max: int

    def __call__(self, _: object, attribute: "attrs.Attribute[Any]", value: object) -> None:
        if _left_out(attribute, value):
            return
        if not isinstance(value, str):
            raise ValidationError.of(attribute.name, f"must be text, not {type(value).__name__}")
        if not self.min <= len(value) <= self.max:
            raise ValidationError.of(attribute.name, f"must have {self.min} to {self.max} characters, not {len(value)}")


def text(*, min: int = 0, max: int) -> Validator:
    """A validator for a string of `min` to `max` characters; None passes where the field is optional."""
    return TextOf(min, max)


@frozen
class TextLike:
    """The validator that `text_like` makes."""

    pattern: re.Pattern[str]
    words: str
    min: int
    max: int

    def __call__(self, _: object, attribute: "attrs.Attribute[Any]", value: object) -> None:
        fits = isinstance(value, str) and self.min <= len(value) <= self.max
        if not fits or self.pattern.fullmatch(str(value)) is None:
            raise ValidationError.of(attribute.name, self.words)


def text_like(pattern: re.Pattern[str], words: str, *, min: int, max: int) -> Validator:
    """A validator for text of `min` to `max` characters that is, as a whole, as a pattern says; `words` refuse it."""
    return TextLike(pattern, words, min, max)


def number(_: object, attribute: "attrs.Attribute[Any]", value: object) -> None:
    """A validator for a number that can be added up: neither infinite nor NaN."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValidationError.of(attribute.name, f"must be a number, not {type(value).__name__}")
    if isinstance(value, float) and not math.isfinite(value):
        raise ValidationError.of(attribute.name, f"must be a finite number, not {value}")


@frozen
class AtLeast:
    """The validator that `at_least` makes."""

    bound: float

    def __call__(self, entity: object, attribute: "attrs.Attribute[Any]", value: Any) -> None:
        number(entity, attribute, value)
        if value < self.bound:
            raise ValidationError.of(attribute.name, f"must be at least {self.bound}, not {value}")

    @property
    def bounds(self) -> tuple[Bound, ...]:
        """The same, as bounds."""
        return (*FINITE, Bound(Comparator.GE, self.bound))


def at_least(bound: float) -> Validator:
    """A validator for a finite number that is never below `bound`."""
    return AtLeast(bound)


def check_whole(name: str, value: object, *, min: int, max: int | None = None) -> None:
    """Refuse what is not a whole number of at least `min` and, where it is given, at most `max`.

    Raises:
        ValidationError: under the name that is given.
    """
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValidationError.of(name, f"must be a whole number, not {type(value).__name__}")
    if value < min or (max is not None and value > max):
        bounds = f"at least {min}" if max is None else f"between {min} and {max}"
        raise ValidationError.of(name, f"must be {bounds}, not {value}")


@frozen
class WholeBetween:
    """The validator that `whole` makes."""

    min: int
    max: int | None

    def __call__(self, _: object, attribute: "attrs.Attribute[Any]", value: object) -> None:
        check_whole(attribute.name, value, min=self.min, max=self.max)

    @property
    def bounds(self) -> tuple[Bound, ...]:
        """The same, as bounds."""
        least = Bound(Comparator.GE, self.min)
        return (least,) if self.max is None else (least, Bound(Comparator.LE, self.max))


def whole(*, min: int, max: int | None = None) -> Validator:
    """A validator for a whole number of `min` to `max`."""
    return WholeBetween(min, max)


@frozen
class MemberOf:
    """The validator that `member_of` makes."""

    enum: type[Enum]

    def __call__(self, _: object, attribute: "attrs.Attribute[Any]", value: object) -> None:
        if not isinstance(value, self.enum):
            words = f"must be a member of {self.enum.__name__}, not {type(value).__name__}"
            raise ValidationError.of(attribute.name, words)


def member_of(enum: type[Enum]) -> Validator:
    """A validator for a member of an enum, where its value alone would not be stored as one."""
    return MemberOf(enum)


def reference(_: object, attribute: "attrs.Attribute[Any]", value: object) -> None:
    """A validator for the id of another entity; None passes where the field is optional."""
    if not _left_out(attribute, value) and not is_id(value):
        raise ValidationError.of(attribute.name, f"must be an id of 24 hex digits, not {shown_id(value)}")


def trimmed(value: str) -> str:
    """A converter that takes white space from both ends; what is not text is left to the validator."""
    return value.strip() if isinstance(value, str) else value


def shortened(value: str, max: int) -> str:
    """Cut text to `max` characters, in converters of what must be kept however long it is."""
    return f"{value[: max - 1]}\u2026" if isinstance(value, str) and len(value) > max else value


def instant(_: object, attribute: "attrs.Attribute[Any]", value: object) -> None:
    """A validator for an aware datetime; None passes where the field is optional."""
    if _left_out(attribute, value):
        return
    if not isinstance(value, datetime):
        raise ValidationError.of(attribute.name, f"must be a datetime, not {type(value).__name__}")
    if value.tzinfo is None:
        raise ValidationError.of(attribute.name, "must be an aware datetime: give it a time zone, such as UTC")


def to_instant(value: Any) -> Any:
    """Bring an aware datetime to UTC and whole milliseconds; leave everything else to the validator."""
    if isinstance(value, datetime) and value.tzinfo is not None:
        return to_milliseconds(value.astimezone(UTC))
    return value


__all__ = [
    "SECRET",
    "USERNAME",
    "AtLeast",
    "Bound",
    "Comparator",
    "MemberOf",
    "TextLike",
    "TextOf",
    "Validator",
    "WholeBetween",
    "at_least",
    "check_whole",
    "instant",
    "member_of",
    "number",
    "reference",
    "shortened",
    "text",
    "text_like",
    "to_email",
    "to_instant",
    "trimmed",
    "username",
    "whole",
]
