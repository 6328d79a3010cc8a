"""Which document of a batch the driver cannot decode, and where in it."""

from collections.abc import Iterator, Mapping
from typing import Any

from bson import decode, encode
from bson.binary import UuidRepresentation
from bson.errors import BSONError
from bson.raw_bson import RawBSONDocument

from ....domain.errors import Problem, ValidationError
from ...backend import Document
from ...backend.bson import CODEC_OPTIONS

_LENIENT = CODEC_OPTIONS.with_options(
    uuid_representation=UuidRepresentation.UNSPECIFIED, unicode_decode_error_handler="surrogateescape"
)
_NOT_READABLE = (BSONError, ValueError, TypeError)


def unreadable_among(collection: str, documents: Iterator[RawBSONDocument]) -> ValidationError | None:
    """Decode document by document; name the first that cannot be read, None if all can."""
    for raw in documents:
        try:
            decode(raw.raw, CODEC_OPTIONS)
        except _NOT_READABLE:
            found = decode(raw.raw, _LENIENT)
            paths = [*_unreadable_paths(found, "")]
            message = (
                "is stored in a form that cannot be read (text that is not UTF-8, or bytes that are marked as a UUID "
                "and are none): set it anew, or remove it, with the program that wrote it"
            )
            return ValidationError(
                [Problem(path, message) for path in paths] or [Problem("", message)],
                entity=collection,
                document_id=found.get("_id"),
            )
    return None


def _unreadable_paths(value: Any, at: str) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _unreadable_paths(item, f"{at}.{key}" if at else key)
    elif isinstance(value, list):
        for position, item in enumerate(value):
            yield from _unreadable_paths(item, f"{at}.{position}")
    elif not _comes_back(value):
        yield at


def _comes_back(value: Any) -> bool:
    wrapped: Document = {"": value}
    try:
        decode(encode(wrapped, False, CODEC_OPTIONS), CODEC_OPTIONS)
    except _NOT_READABLE:
        return False
    return True
