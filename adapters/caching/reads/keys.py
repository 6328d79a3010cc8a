"""Keys: of a cached read, and of the tokens that guard it.

Two reads have one key only if a store gives both the same answer: the key holds the application, the store, the
collection, the form of the documents, the tokens, and a digest of everything that was asked.
"""

import math
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from decimal import Decimal
from enum import Enum
from hashlib import blake2b
from typing import Any
from urllib.parse import quote

import attrs
from attrs import field, frozen
from bson import Decimal128, Int64, ObjectId, encode
from bson.decimal128 import create_decimal128_context

from ....domain.entities.plain_values import INT64_MAX, INT64_MIN
from ....domain.repository.caching import CacheOptions
from ...backend.bson import CODEC_OPTIONS

FORMAT = "ts1"
"""The form of the payloads: what is stored in another form is never read."""

_LONGEST_NAME = 24
"""Characters; with it every key stays below 200."""

_SIMPLE = frozenset({str, int, float, bool, datetime, ObjectId, type(None)})
"""The types of most values, which are nothing that must be looked into."""

_NAME_BYTES = 11
_DIGEST_BYTES = 16
_EXACT = create_decimal128_context()


@frozen
class Scope:
    """What all keys of one collection have in common.

    Attributes:
        prefix: the application and its environment.
        store: the logical name of the store; tokens are without it, for another store over the same data replaces them.
        place: names the data: equal in every process that sees the same, such as the name of the database.
        collection: its name.
        schema: a fingerprint of the form of its documents.
    """

    prefix: str
    store: str
    place: str
    collection: str
    schema: str = ""
    head: str = field(init=False, repr=False)
    """What every key begins with."""
    token_head: str = field(init=False, repr=False)
    """What the name of every token begins with."""
    everything: str = field(init=False, repr=False)
    """The name of the token on which every read of the collection depends."""
    queries: str = field(init=False, repr=False)
    """The name of the token on which every query depends."""

    @head.default
    def _joined(self) -> str:
        return _joined(self.prefix, self.store, f"{self.place}.{self.collection}")

    @token_head.default
    def _joined_for_tokens(self) -> str:
        return _joined(self.prefix, f"{self.place}.{self.collection}")

    @everything.default
    def _of_everything(self) -> str:
        return f"{self.token_head}|t|b"

    @queries.default
    def _of_queries(self) -> str:
        return f"{self.token_head}|t|q"

    def entity(self, name: str) -> str:
        """The name of the token on which reads of one entity depend, by what `name_of` says of its id."""
        return f"{self.token_head}|t|e|{name}"


class KeyMaker:
    """Makes the keys of one collection's reads.

    A name that the caller gave the reads stands in their keys beside the digest of what is asked, not in its place, so
    that two questions never share an answer. Nor do results that are kept for five seconds and for five minutes.

    Args:
        scope: what all of them have in common.
        options: how the reads want to be cached.
    """

    __slots__ = ("_head", "_label", "_ttl", "options", "scope")

    def __init__(self, scope: Scope, options: CacheOptions) -> None:
        self.scope = scope
        self.options = options
        self._head = f"{scope.head}|{scope.schema}|"
        self._ttl = f"{options.ttl:g}|"
        self._label = "" if options.key is None else f"{_plain(options.key)}|"

    def entity(self, name: str, tokens: Sequence[str]) -> str:
        """Return the key of one entity, by what `name_of` says of its id."""
        return f"{self._head}e{self._ttl}{'.'.join(tokens)}|{self._label}{name}"

    def query(self, asked: str, tokens: Sequence[str]) -> str:
        """Return the key of a query, by the digest of what it asks."""
        return f"{self._head}q{self._ttl}{'.'.join(tokens)}|{self._label}{asked}"


def _joined(*parts: str) -> str:
    return "|".join((FORMAT, *map(_plain, parts)))


def _plain(name: str) -> str:
    """A name in ASCII without blanks and bars, and not too long; no name is written as another one is hashed."""
    quoted = quote(name, safe="-_.")
    return quoted if len(quoted) <= _LONGEST_NAME else f"#{_hash(name.encode(), _NAME_BYTES)}"


def name_of(id: Any) -> str:
    """Return what tells stored ids apart, as a store does: 1, 1.0 and a 64-bit 1 are one id there.

    Raises:
        BSONError: and what else BSON raises, if it cannot be encoded.
    """
    return id.binary.hex() if type(id) is ObjectId else digest(_by_value(id))


def digest(*asked: Any) -> str:
    """Return what tells questions apart: types, values, and the order of the keys in a document.

    Raises:
        BSONError: and what else BSON raises, if a value cannot be encoded.
    """
    return _hash(encode({"": [_canonical(one) for one in asked]}, codec_options=CODEC_OPTIONS))


def _canonical(value: Any) -> Any:
    if type(value) in _SIMPLE:
        return value
    if isinstance(value, list | tuple):
        return [_canonical(item) for item in value]
    if attrs.has(type(value)):
        return [type(value).__name__, *(_canonical(item) for item in attrs.astuple(value, recurse=False))]
    if isinstance(value, Enum):
        return [type(value).__name__, value.name]
    return value


def _by_value(id: Any) -> Any:
    """The same for every number of one value, whatever its type."""
    match id:
        case bool() | str() | bytes():
            return id
        case dict():
            return {key: _by_value(value) for key, value in id.items()}
        case list() | tuple():
            return [_by_value(value) for value in id]
        case Decimal128():
            return _number(id.to_decimal())
        case int() | float():
            return _number(id)
        case _:
            return id


def _number(value: int | float | Decimal) -> Any:
    """A number as the first of these types that holds it exactly: 64 bits, a float, a decimal."""
    if not math.isfinite(value):
        return math.nan if math.isnan(value) else math.copysign(math.inf, value)
    if value == int(value) and INT64_MIN <= value <= INT64_MAX:
        return Int64(int(value))
    with suppress(OverflowError):
        if float(value) == value:
            return float(value)
    return Decimal128(value.normalize(_EXACT)) if isinstance(value, Decimal) else value


def _hash(data: bytes, size: int = _DIGEST_BYTES) -> str:
    return blake2b(data, digest_size=size).hexdigest()
