"""Cursors: a place in an order as text that travels to a client and back.

A cursor is no secret: whoever has one can read the values of the sort keys in it. Its checksum finds damage, and stops
nobody who makes one by hand; so what comes back is a list of plain values of the types that the fields have, which are
compared as values and never become operators, under a rule that the cursor has no part in.
"""

import binascii
import hashlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from enum import Enum
from typing import Any
from zlib import crc32

import attrs
from attrs import field, frozen
from bson import decode, encode
from bson.errors import BSONError

from ....domain.errors import InvalidQuery
from ....domain.rules.predicates import Predicate
from ...backend.bson import CODEC_OPTIONS
from .keyset import Keyset

VERSION = 1
"""Of the form: one byte of version, eight of fingerprint, the place in BSON, four of checksum; in URL-safe base64."""

_FINGERPRINT = 8
_CHECKSUM = 4


@frozen
class Place:
    """Where a page ends.

    Attributes:
        values: of the sort keys; None for the end of the order.
        inclusive: whether the document that stands there belongs to the next page.
    """

    values: tuple[Any, ...] | None
    inclusive: bool = False


END = Place(None)


@frozen
class Cursors:
    """Writes and reads the cursors of one question.

    Attributes:
        keyset: its order.
        fingerprint: what tells it from other questions.
    """

    keyset: Keyset
    fingerprint: bytes = field(repr=False)

    def write(self, place: Place) -> str:
        """Return the cursor of a place."""
        content = encode({"at": list(place.values or ()), "inclusive": place.inclusive}, codec_options=CODEC_OPTIONS)
        body = bytes([VERSION]) + self.fingerprint + content
        return urlsafe_b64encode(body + _checksum(body)).decode().rstrip("=")

    def read(self, cursor: str) -> Place:
        """Return the place of a cursor.

        Raises:
            InvalidQuery: if it is damaged, made by hand, or belongs to another question.
        """
        body = _checked(cursor)
        fingerprint, content = body[1 : 1 + _FINGERPRINT], body[1 + _FINGERPRINT :]
        if body[0] != VERSION:
            raise _refusal("has the form of another version of tristore: begin again without a cursor")
        if fingerprint != self.fingerprint:
            raise _refusal(
                "belongs to another question: give it back to the same repository with the same rule and sort"
            )
        return self._place(content)

    def _place(self, content: bytes) -> Place:
        try:
            found: dict[str, Any] = decode(content, CODEC_OPTIONS)
        except (BSONError, ValueError, TypeError, OverflowError):
            found = {}
        match found:
            case {"at": list(values), "inclusive": bool(inclusive)} if len(found) == 2:
                return self._checked_place(values, inclusive)
            case _:
                raise _refusal("does not hold a place in the order")

    def _checked_place(self, values: list[object], inclusive: bool) -> Place:
        """Hold each value against the type of its field."""
        if not values:
            return Place(None, inclusive)
        if len(values) != len(self.keyset.keys):
            raise _refusal("does not hold a place in the order")
        for key, value in zip(self.keyset.keys, values, strict=True):
            try:
                key.check(value)
            except ValueError as error:
                raise InvalidQuery(f"the cursor has {error} for {key.name}, which never has such a value") from error
        return Place(tuple(values), inclusive)


def _checked(cursor: str) -> bytes:
    """The content of a cursor without its checksum."""
    try:
        whole = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        is_whole = urlsafe_b64encode(whole).decode().rstrip("=") == cursor
    except (binascii.Error, ValueError):
        whole, is_whole = b"", False
    body, checksum = whole[:-_CHECKSUM], whole[-_CHECKSUM:]
    if not is_whole or len(body) <= 1 + _FINGERPRINT or _checksum(body) != checksum:
        raise _refusal("is damaged: give it back exactly as a page had it")
    return body


def _checksum(body: bytes) -> bytes:
    return crc32(body).to_bytes(_CHECKSUM, "big")


def _refusal(why: str) -> InvalidQuery:
    return InvalidQuery(f"the cursor {why}")


def fingerprint_of(collection: str, entity: str, keyset: Keyset, rule: Predicate) -> bytes:
    """Return what tells one question from another: the same in every process, short, and no secret.

    Args:
        collection: where the entities are.
        entity: the name of their class.
        keyset: the order.
        rule: by the paths and values of the documents.
    """
    text = "\n".join((collection, entity, _text(keyset.sort), _text(rule)))
    return hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=_FINGERPRINT).digest()


def _text(value: Any) -> str:
    """A predicate or an order as text; of a set of values, which has no order, always the same."""
    if attrs.has(type(value)):
        parts = (_attribute(name, part) for name, part in attrs.asdict(value, recurse=False).items())
        return f"{type(value).__name__}({', '.join(parts)})"
    if isinstance(value, tuple | list):
        return f"({', '.join(map(_text, value))})"
    return value.name if isinstance(value, Enum) else f"{type(value).__name__} {value!r}"


def _attribute(name: str, value: Any) -> str:
    if name == "values" and isinstance(value, Sequence):
        return f"{name}=({', '.join(sorted(map(_text, value)))})"
    return f"{name}={_text(value)}"
