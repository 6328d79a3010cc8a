"""Whether a document is small enough to be stored."""

from collections.abc import Mapping
from typing import Any

from bson import encode

from ....domain.errors import TooLarge
from ..bson import CODEC_OPTIONS
from ..write_plan import MAX_DOCUMENT_BYTES

_LARGEST_SCALAR = 16
_OVERHEAD = 16
"""What an element takes beside its key and its value, and more."""
_LARGEST_CHARACTER = 4


def check_size(document: Mapping[str, Any]) -> None:
    """Refuse a document that is too large; most are seen to be small enough without being encoded.

    Raises:
        TooLarge: if it is above `MAX_DOCUMENT_BYTES`.
    """
    if _at_most(document) > MAX_DOCUMENT_BYTES:
        check_bytes(len(encode(document, codec_options=CODEC_OPTIONS)))


def check_bytes(size: int) -> None:
    """Refuse a size.

    Raises:
        TooLarge: if it is above `MAX_DOCUMENT_BYTES`.
    """
    if size > MAX_DOCUMENT_BYTES:
        raise TooLarge(
            f"a document takes {size:,} bytes and may take {MAX_DOCUMENT_BYTES:,} at most: "
            "keep large parts elsewhere, or split it",
            size=size,
            limit=MAX_DOCUMENT_BYTES,
        )


def _at_most(value: Any) -> int:
    """Bytes that a value does not exceed."""
    if isinstance(value, str):
        return _OVERHEAD + _LARGEST_CHARACTER * len(value)
    if isinstance(value, bytes):
        return _OVERHEAD + len(value)
    if isinstance(value, Mapping):
        keys = sum(map(len, value))
        return _OVERHEAD + _LARGEST_CHARACTER * keys + sum(map(_at_most, value.values()))
    if isinstance(value, list | tuple):
        return _OVERHEAD + _OVERHEAD * len(value) + sum(map(_at_most, value))
    pattern = getattr(value, "pattern", "")
    return _OVERHEAD + _LARGEST_SCALAR + _LARGEST_CHARACTER * len(pattern)
