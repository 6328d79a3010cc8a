"""A stored document: BSON bytes, so that its types, limits and truncations are those of the server."""

from collections.abc import Sequence
from typing import Any

from bson import decode, decode_all, encode
from bson.errors import BSONError

from ....domain.errors import ValidationError
from ...backend import Document
from ...backend.bson import CODEC_OPTIONS, CONTAINERS, copied
from ...backend.checks.document_size import check_bytes
from ...backend.checks.given_values import MAX_LEVELS

_LEAST_BYTES_OF_A_LEVEL = 8
_NOT_ENCODABLE = (BSONError, OverflowError, ValueError, TypeError, RecursionError)

Kept = tuple[Document, tuple[str, ...], tuple[str, ...]]
"""A decoded document, the keys of its lists and documents with no others inside, and of those with some."""


class Row:
    """One document of a collection; never changed, a write puts another row in its place.

    A document is decoded when it is first asked for, and kept: to copy what can be changed in it takes a fraction of
    the time. What is looked at once, or read as a stream, is not kept.

    Attributes:
        data: the document in BSON.
        sequence: its age among the rows of the store, kept by updates.
    """

    __slots__ = ("_kept", "data", "sequence")

    def __init__(self, data: bytes, sequence: int) -> None:
        self.data = data
        self.sequence = sequence
        self._kept: Kept | None = None

    @property
    def document(self) -> Document:
        """The decoded document, for matching and ordering: shared, so never handed out or changed."""
        kept = self._kept or self._keep(decode(self.data, CODEC_OPTIONS))
        return kept[0]

    def peek(self) -> Document:
        """Return the decoded document for one look; it is not kept."""
        return decode(self.data, CODEC_OPTIONS) if self._kept is None else self._kept[0]

    def copy(self) -> Document:
        """Return the document for whoever asks to have and change; it is not kept."""
        return decode(self.data, CODEC_OPTIONS) if self._kept is None else _own(self._kept)

    @staticmethod
    def copies(rows: Sequence["Row"]) -> list[Document]:
        """Return the documents of many rows as `copy` does, and keep them."""
        unread = [row for row in rows if row._kept is None]
        if unread:
            decoded = decode_all(b"".join([row.data for row in unread]), CODEC_OPTIONS)
            for row, document in zip(unread, decoded, strict=True):
                row._keep(document)
        return [_own(row._kept) for row in rows if row._kept is not None]

    def _keep(self, document: Document) -> Kept:
        """Keep a decoded document."""
        flat: list[str] = []
        deep: list[str] = []
        for key, value in document.items():
            if value.__class__ in CONTAINERS:
                parts = value.values() if value.__class__ is dict else value
                (deep if any(part.__class__ in CONTAINERS for part in parts) else flat).append(key)
        self._kept = kept = document, tuple(flat), tuple(deep)
        return kept


def _own(kept: Kept) -> Document:
    document, flat, deep = kept
    own = document.copy()
    for key in flat:
        own[key] = own[key].copy()
    for key in deep:
        own[key] = copied(own[key])
    return own


def encoded(document: Document) -> bytes:
    """Return a document in BSON.

    Raises:
        ValidationError: if BSON or the server holds no such document.
        TooLarge: if it is above `MAX_DOCUMENT_BYTES`.
    """
    data = _bson(document)
    check_bytes(len(data))
    if len(data) > MAX_LEVELS * _LEAST_BYTES_OF_A_LEVEL and _is_deeper(document, MAX_LEVELS):
        raise ValidationError.of("", f"a store cannot hold more than {MAX_LEVELS} levels of nesting")
    return data


def _bson(document: Document) -> bytes:
    try:
        return encode(document, False, CODEC_OPTIONS)
    except _NOT_ENCODABLE as error:
        kind = type(error).__name__
    # Out here it has no context: what BSON says of a value quotes it.
    raise ValidationError.of(_culprit(document), f"a store cannot hold this value ({kind})")


def _culprit(document: Document) -> str:
    """The first key whose value cannot be encoded."""
    return next((str(key) for key, value in document.items() if not _is_encodable({key: value})), "")


def _is_encodable(document: Document) -> bool:
    try:
        encode(document, False, CODEC_OPTIONS)
    except _NOT_ENCODABLE:
        return False
    return True


def _is_deeper(value: Any, levels: int) -> bool:
    if isinstance(value, dict):
        return levels == 0 or any(_is_deeper(item, levels - 1) for item in value.values())
    if isinstance(value, list | tuple):
        return levels == 0 or any(_is_deeper(item, levels - 1) for item in value)
    return False
