"""How BSON is read, the same for every backend, and what a value must be to be stored in it."""

from typing import Any

from bson import encode
from bson.binary import UuidRepresentation
from bson.codec_options import CodecOptions, DatetimeConversion
from bson.objectid import ObjectId
from bson.raw_bson import RawBSONDocument

from ...domain.entities.plain_values import is_text

CODEC_OPTIONS: CodecOptions[dict[str, Any]] = CodecOptions(
    tz_aware=False,
    uuid_representation=UuidRepresentation.STANDARD,
    datetime_conversion=DatetimeConversion.DATETIME_AUTO,
)
"""Naive UTC datetimes (those outside Python's range as `DatetimeMS`), UUIDs as such."""

RAW_OPTIONS = CODEC_OPTIONS.with_options(document_class=RawBSONDocument)
"""Documents as they came, each decoded by whoever asks."""

CONTAINERS = frozenset({dict, list})
"""The types of values that can be changed: all others never are."""

MAX_DEPTH = 100
"""How deep MongoDB lets documents be nested (https://www.mongodb.com/docs/manual/reference/limits)."""


def copied(value: Any) -> Any:
    """A copy of a stored value, whose documents and lists are its own."""
    if value.__class__ is dict:
        return {key: copied(item) if item.__class__ in CONTAINERS else item for key, item in value.items()}
    if value.__class__ is list:
        return [copied(item) if item.__class__ in CONTAINERS else item for item in value]
    return value


def same_in_bson(one: Any, other: Any) -> bool:
    """Tell whether two values that can be stored are the same as stored, to the bit: 1 is not 1.0."""
    if one.__class__ is other.__class__ is ObjectId or one.__class__ is other.__class__ is str:
        return bool(one == other)
    return encode({"": one}, codec_options=CODEC_OPTIONS) == encode({"": other}, codec_options=CODEC_OPTIONS)


def check_text(value: str) -> str:
    """Refuse text that cannot be encoded: half of a surrogate pair."""
    if not value.isascii() and not is_text(value):
        raise ValueError("must be text that can be encoded: it has half of a surrogate pair")
    return value


def check_key(key: Any) -> str:
    """Refuse keys that a store could take for an operator or a path."""
    if type(key) is not str:
        raise ValueError(f"has a key that is {kind_of(key)}: keys are text")
    if key.startswith("$") or "." in key or "\0" in key:
        raise ValueError(f"has the key {key!r}: a key has no '.', no NUL and no leading '$'")
    return check_text(key)


def kind_of(value: object) -> str:
    """Return what a value is, for messages, without showing it."""
    return "None" if value is None else f"a value of type {type(value).__name__}"
