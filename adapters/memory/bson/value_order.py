"""BSON's order and equality, as keys that Python compares and hashes.

`order_key` gives a pair of rank and content: values of one rank compare by content, others by rank alone, as MongoDB
compares types before values. `identity_key` is equal for values that BSON calls equal: ``1``, ``1.0`` and
``Decimal128("1")`` are one number, and True is none.
"""

import math
import struct
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from enum import Enum, auto
from typing import Any, Final
from uuid import UUID

from bson import decode, encode
from bson.binary import Binary
from bson.code import Code
from bson.datetime_ms import DatetimeMS
from bson.dbref import DBRef
from bson.decimal128 import Decimal128
from bson.errors import BSONError
from bson.int64 import Int64
from bson.max_key import MaxKey
from bson.min_key import MinKey
from bson.objectid import ObjectId
from bson.regex import Regex
from bson.timestamp import Timestamp

from ....domain.errors import InvalidQuery
from ...backend.bson import CODEC_OPTIONS

Key = Any
"""What `order_key` and `identity_key` return: hashable, compared as BSON compares the values."""


class Absence(Enum):
    """What stands where a document has no value."""

    MISSING = auto()
    """No such key: for comparisons the same as null."""
    EMPTY = auto()
    """The items of an empty list: in an order before null."""


MISSING: Final = Absence.MISSING
EMPTY: Final = Absence.EMPTY

# The ranks are MongoDB's canonical types; NaN stands below all numbers and compares with none of them.
MIN, NOTHING, NULL, NAN, NUMBER, TEXT, OBJECT, ARRAY, BINARY = -1, 0, 5, 9, 10, 15, 20, 25, 30
OBJECT_ID, BOOLEAN, DATE, TIMESTAMP, REGEX, CODE, SCOPED_CODE, MAX = 35, 40, 45, 47, 50, 60, 65, 127

_EPOCH = datetime(1970, 1, 1)
_MILLISECOND = timedelta(milliseconds=1)
_OLD_BINARY = 2
_DATES = frozenset({datetime})  # not by name: who freezes time for a test gives the name to another class
_UNCHANGED = frozenset({type(None), bool, float, str, ObjectId})


def order_key(value: object) -> tuple[int, Key]:
    """Return the key by which MongoDB orders a decoded value."""
    return _KEYS[type(value)](value)


def identity_key(value: object) -> Key:
    """Return a key that is equal for values that BSON calls equal, of any value that BSON can hold.

    Raises:
        InvalidQuery: if it can hold no such value.
    """
    kind = type(value)
    if kind is ObjectId:
        return value.binary  # type: ignore[attr-defined]
    return value if kind is str or kind is int else stored_key(stored(value))


def stored_key(value: object) -> Key:
    """The same as `identity_key`, of a value that was decoded from BSON."""
    rank, content = _KEYS[type(value)](value)
    return content if rank in {NUMBER, TEXT, OBJECT_ID} else (rank, content)


def order_of_identity(key: Key) -> tuple[int, Key]:
    """Return the `order_key` of the value that has this `identity_key`."""
    kind = type(key)
    if kind is tuple:
        return key  # type: ignore[no-any-return]
    return (OBJECT_ID if kind is bytes else TEXT if kind is str else NUMBER), key


def stored(value: object) -> object:
    """Return a value as it would come back from a document: milliseconds, BSON's types.

    Raises:
        InvalidQuery: if BSON cannot hold it.
    """
    kind = type(value)
    if kind is int and -(2**31) <= value < 2**31:  # type: ignore[operator]
        return value
    if kind in _UNCHANGED or (kind in _DATES and value.tzinfo is None and not value.microsecond % 1_000):  # type: ignore[attr-defined]
        return value
    try:
        return decode(encode({"": value}, codec_options=CODEC_OPTIONS), CODEC_OPTIONS)[""]
    except (BSONError, OverflowError, ValueError, TypeError):
        refused = type(value).__name__
    # out here it has no context: what BSON says of a value quotes it
    raise InvalidQuery(f"a {refused} that a store cannot hold cannot be compared there")


def _number(value: int) -> tuple[int, Key]:
    return NUMBER, value


def _float(value: float) -> tuple[int, Key]:
    """As exactly as it is: the server compares a double with a Decimal128 by all of its digits."""
    return (NAN, 0) if math.isnan(value) else (NUMBER, value)


def _decimal(value: Decimal128) -> tuple[int, Key]:
    number: Decimal = value.to_decimal()
    return (NAN, 0) if number.is_nan() else (NUMBER, number)


def _object(value: Mapping[str, object]) -> tuple[int, Key]:
    """Field by field: the type before the name, the name before the value; NaN has the type of a number."""
    fields = []
    for name, item in value.items():
        rank, content = order_key(item)
        fields.append((NUMBER if rank == NAN else rank, name, rank, content))
    return OBJECT, tuple(fields)


def _array(value: list[object]) -> tuple[int, Key]:
    return ARRAY, tuple(map(order_key, value))


def _binary(value: bytes) -> tuple[int, Key]:
    subtype = value.subtype if isinstance(value, Binary) else 0
    content = bytes(value)
    if subtype == _OLD_BINARY:  # its length stands a second time inside the value
        content = struct.pack("<i", len(content)) + content
    return BINARY, (len(content), subtype, content)


def _code(value: Code) -> tuple[int, Key]:
    if value.scope is None:
        return CODE, str(value)
    return SCOPED_CODE, (str(value), order_key(dict(value.scope)))


class _Keys(dict[type, Callable[[Any], tuple[int, Key]]]):
    """By type; an object of a subclass is the value that it is."""

    def __missing__(self, kind: type) -> Callable[[Any], tuple[int, Key]]:
        base = next((base for base in kind.__mro__ if base in self), None)
        if base is None:
            raise KeyError(kind)
        return self[base]


_KEYS = _Keys(
    {
        MinKey: lambda _: (MIN, 0),
        Absence: lambda value: (NULL, 0) if value is MISSING else (NOTHING, 0),
        type(None): lambda _: (NULL, 0),
        int: _number,
        Int64: _number,
        float: _float,
        Decimal128: _decimal,
        str: lambda value: (TEXT, value),
        dict: _object,
        DBRef: lambda value: _object(value.as_doc()),
        list: _array,
        bytes: _binary,
        Binary: _binary,
        UUID: lambda value: (BINARY, (16, 4, value.bytes)),
        ObjectId: lambda value: (OBJECT_ID, value.binary),
        bool: lambda value: (BOOLEAN, value),
        datetime: lambda value: (DATE, (value - _EPOCH) // _MILLISECOND),
        DatetimeMS: lambda value: (DATE, int(value)),
        Timestamp: lambda value: (TIMESTAMP, (value.time, value.inc)),
        Regex: lambda value: (REGEX, (value.pattern, value.flags)),
        Code: _code,
        MaxKey: lambda _: (MAX, 0),
    }
)
