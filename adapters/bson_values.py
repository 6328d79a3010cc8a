"""How BSON is read, the same for every backend: the layer above sees one form of each value."""

from typing import Any

from bson.binary import UuidRepresentation
from bson.codec_options import CodecOptions, DatetimeConversion

CODEC_OPTIONS: CodecOptions[dict[str, Any]] = CodecOptions(
    tz_aware=False,
    uuid_representation=UuidRepresentation.STANDARD,
    datetime_conversion=DatetimeConversion.DATETIME_AUTO,
)
"""Naive UTC datetimes (those outside Python's range as `DatetimeMS`), UUIDs as such."""

CONTAINERS = frozenset({dict, list})
"""The types of values that can be changed: all others never are."""


def copied(value: Any) -> Any:
    """A copy of a stored value, whose documents and lists are its own."""
    if value.__class__ is dict:
        return {key: copied(item) if item.__class__ in CONTAINERS else item for key, item in value.items()}
    if value.__class__ is list:
        return [copied(item) if item.__class__ in CONTAINERS else item for item in value]
    return value
