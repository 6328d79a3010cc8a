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
