"""What is kept in a cache: documents as BSON, never pickled objects, so that a planted value runs nothing; and tokens.

A payload begins with one byte that says its form, so that plain and compressed ones can be read side by side.
"""

import re
import zlib
from typing import Any

from bson import decode, encode
from dogpile.cache.api import CantDeserializeException

from ..backend.bson import CODEC_OPTIONS

_PLAIN, _COMPRESSED = b"\0", b"\1"
_WORTH_COMPRESSING = 1024
"""Bytes; less is not compressed, for the gain would be less than what the caller waits for it."""

_LEVEL = 1

MAX_BYTES = 1024 * 1024
"""A result that takes more is not kept."""

MAX_DOCUMENTS = 1_000
"""A result of more documents, or values, is not kept."""

TOO_LARGE = b"\2"
"""Kept in the place of a result that is too large, so that its readers do not wait for each other."""

_FORMS = frozenset({_PLAIN, _COMPRESSED, TOO_LARGE})

_TOKEN = re.compile(r"[0-9a-f]{16}")

_LARGEST = 64 * 1024 * 1024
"""Bytes that a payload may unpack to: a planted one cannot fill the memory."""


def pack(value: Any, *, compress: bool = False) -> bytes:
    """Return the payload of a value that BSON can hold.

    One that is larger than `MAX_BYTES`, or longer than `MAX_DOCUMENTS`, is `TOO_LARGE`.

    Args:
        value: documents in a list, a number, anything of BSON's types.
        compress: whether to compress what is larger than 1 KiB.
    """
    if isinstance(value, list) and len(value) > MAX_DOCUMENTS:
        return TOO_LARGE
    data = encode({"v": value}, codec_options=CODEC_OPTIONS)
    payload = _PLAIN + data
    if compress and len(data) > _WORTH_COMPRESSING:
        payload = _COMPRESSED + zlib.compress(data, _LEVEL)
    return payload if len(payload) <= MAX_BYTES else TOO_LARGE


def unpack(payload: object) -> Any:
    """Return the value of a payload.

    Raises:
        CantDeserializeException: if it is none, which counts as a miss.
    """
    try:
        assert isinstance(payload, bytes)  # noqa: S101 - anything else is no payload
        form, data = payload[:1], payload[1:]
        if form == _COMPRESSED:
            data = _decompressed(data)
        elif form != _PLAIN:
            raise ValueError(form)
        return decode(data, CODEC_OPTIONS)["v"]
    except Exception as error:
        raise CantDeserializeException from error


def dump_token(token: str) -> bytes:
    """Return a token as it is stored."""
    return token.encode()


def load_token(data: bytes) -> str | bytes:
    """Return a stored token, or the payload of a result that was looked for beside tokens, as it is.

    Raises:
        CantDeserializeException: if it is neither, which counts as a lost one.
    """
    if data[:1] in _FORMS:
        return bytes(data)
    token = bytes(data).decode("ascii", "replace")
    if _TOKEN.fullmatch(token) is None:
        raise CantDeserializeException
    return token


def _decompressed(data: bytes) -> bytes:
    stream = zlib.decompressobj()
    found = stream.decompress(data, _LARGEST)
    if not stream.eof:
        raise ValueError("not whole, or too large")
    return found
