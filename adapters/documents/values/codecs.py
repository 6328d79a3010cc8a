"""Codecs: how a value of one declared type becomes a BSON value and comes back.

Loading takes what pymongo decodes (naive UTC datetimes, ObjectId, Decimal128); dumping gives what it encodes. Both
check: a value that does not fit raises ValueError with what was expected, and the mapping adds entity and field.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from enum import Flag
from typing import Any
from uuid import UUID

from attrs import frozen
from bson import Decimal128, Int64, ObjectId
from bson.errors import InvalidId

from ....domain.entities.clock import SystemClock, to_milliseconds
from ....domain.entities.schema import FieldType, Kind
from ....domain.errors import ConfigurationError
from ....domain.rules.operands import INT64_MAX, INT64_MIN, is_text
from ...backend.bson import MAX_DEPTH, check_key, check_text, kind_of

_DATES = frozenset({datetime})  # not by name: who freezes time for a test gives the name to another class
EPOCH_NAIVE = datetime(1970, 1, 1)
EPOCH_UTC = datetime(1970, 1, 1, tzinfo=UTC)

LONGEST_EXPIRY = 2**31 - 1
"""The most seconds of an index that lets documents expire (https://www.mongodb.com/docs/manual/core/index-ttl)."""


@frozen
class Codec:
    """Both directions for one type, None excluded.

    Attributes:
        load: BSON value to Python value.
        dump: Python value to BSON value.
        mutable: whether the Python value can be edited in place.
    """

    load: Callable[[Any], Any]
    dump: Callable[[Any], Any]
    mutable: bool = False


def load_datetime(value: Any) -> datetime:
    """Make a decoded datetime aware."""
    if not isinstance(value, datetime) or type(value) not in _DATES:
        raise ValueError(f"expected a date between the years 1 and 9999, found {kind_of(value)}")
    return EPOCH_UTC + (value - EPOCH_NAIVE)


def dump_datetime(value: Any) -> datetime:
    """Accept an aware datetime: naive UTC, cut to milliseconds, is what a store compares."""
    if not isinstance(value, datetime):
        raise ValueError(f"must be a datetime, not {kind_of(value)}")
    if value.tzinfo is None:
        raise ValueError("must be an aware datetime: give it a time zone, such as UTC")
    try:
        return to_milliseconds(value.astimezone(UTC)).replace(tzinfo=None)
    except OverflowError as error:
        raise ValueError("must lie between the years 1 and 9999 in UTC") from error


def real_time() -> datetime:
    """Return the time as it is stored: a server lets documents expire by it, whatever the clock of a store shows."""
    return dump_datetime(SystemClock().now())


def load_id(value: Any) -> str:
    """Turn an ObjectId into the hex digits of an `Id`."""
    if not isinstance(value, ObjectId):
        raise ValueError(f"expected an ObjectId, found {kind_of(value)}")
    return value.binary.hex()


def dump_id(value: Any) -> ObjectId:
    """Turn an `Id` into an ObjectId."""
    try:
        found = ObjectId(bytes.fromhex(value))
        if found.binary.hex() == value:
            return found
    except (TypeError, ValueError, InvalidId):
        pass  # said below, in words
    raise ValueError(f"must be an id of 24 lower-case hex digits, not {kind_of(value)}")


def _exactly(kind: type[Any], words: str, plain: Callable[[Any], Any]) -> Codec:
    """The codec of a class whose values are stored as they are; `plain` makes one of a narrower class's."""

    def check(value: Any) -> Any:
        if not isinstance(value, kind) or (kind is not bool and isinstance(value, bool)):
            raise ValueError(f"must be {words}, not {kind_of(value)}")
        return plain(value) if type(value) is not kind else value

    return Codec(check, check)


def _text() -> Codec:
    any_text = _exactly(str, "text", str.__str__)
    return Codec(any_text.load, lambda value: check_text(any_text.dump(value)))


def _check_int(value: Any) -> int:
    if isinstance(value, float) and value.is_integer():
        raise ValueError("must be a whole number, not a float")
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"must be a whole number, not {kind_of(value)}")
    if not INT64_MIN <= value <= INT64_MAX:
        raise ValueError("must fit 64 bits")
    return int(value)


def _load_int(value: Any) -> int:
    """Accept whole doubles: other programs write every number as a double."""
    return int(value) if isinstance(value, float) and value.is_integer() else _check_int(value)


def _check_float(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, float | int):
        raise ValueError(f"must be a number, not {kind_of(value)}")
    return float(value)


def _load_decimal(value: Any) -> Decimal:
    if isinstance(value, Decimal128):
        return value.to_decimal()
    if isinstance(value, int) and not isinstance(value, bool):
        return Decimal(value)
    raise ValueError(f"expected a Decimal128, found {kind_of(value)}")


def _dump_decimal(value: Any) -> Decimal128:
    if not isinstance(value, Decimal):
        raise ValueError(f"must be a Decimal, not {kind_of(value)}")
    try:
        return Decimal128(value)
    except ArithmeticError as error:
        raise ValueError("must fit 34 decimal digits") from error


def dump_free(value: Any, depth: int = 1) -> Any:
    """Check a value of no declared type, and bring it into BSON's types."""
    kind = type(value)
    if kind in _UNCHANGED:
        return check_text(value) if kind is str else value
    if kind is int or kind is Int64:
        return _check_int(value)
    if depth > MAX_DEPTH:
        raise ValueError(f"must not be nested deeper than {MAX_DEPTH} levels")
    if isinstance(value, dict):
        if kind is dict and _is_plain(value):
            return value
        return {check_key(key): dump_free(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [dump_free(item, depth + 1) for item in value]
    for base, dump in _BASES:
        if isinstance(value, base):
            return dump(value)
    raise ValueError(
        f"holds {kind_of(value)}, which cannot be stored: use text, numbers, booleans, None, aware datetimes, "
        "Decimal, bytes, UUID, and lists and dictionaries of them"
    )


def _is_plain(value: dict[Any, Any]) -> bool:
    """Tell whether a dictionary can be stored as it is; most can, and this is quicker than bringing in each item."""
    for key, item in value.items():
        kind = item.__class__
        if kind is str:
            if not item.isascii() and not is_text(item):
                return False
        elif kind not in _UNCHANGED and (kind is not int or not INT64_MIN <= item <= INT64_MAX):
            return False
        if key.__class__ is not str or not key.isidentifier():
            return False
    return True


_BASES: tuple[tuple[type[Any], Callable[[Any], Any]], ...] = (
    (datetime, dump_datetime),
    (Decimal, _dump_decimal),
    (str, lambda value: check_text(str.__str__(value))),
    (int, _check_int),
    (float, float),
    (UUID, lambda value: UUID(int=value.int)),
)
"""Of these an object of a subclass is the value that it is."""

_UNCHANGED = frozenset({str, float, bool, bytes, type(None), ObjectId, UUID})
_LEAVES = _UNCHANGED | {int}


def load_free(value: Any) -> Any:
    """Bring a value of no declared type back: dates aware, Decimal128 as Decimal."""
    kind = type(value)
    if kind in _LEAVES:
        return value
    if kind is dict:
        return {key: load_free(item) for key, item in value.items()}
    if kind is list:
        return [load_free(item) for item in value]
    if kind in _DATES:
        return load_datetime(value)
    if kind is Decimal128:
        return value.to_decimal()
    return int(value) if kind is Int64 else value


def codec_of(declared: FieldType, nested: Callable[[type[Any]], Codec], unusual: Callable[[FieldType], Codec]) -> Codec:
    """Return the codec of a declared type.

    Args:
        declared: the type.
        nested: gives the codec of a nested attrs class.
        unusual: gives the codec of a type that has none here, or raises ConfigurationError.
    """
    match declared.kind:
        case Kind.ENUM:
            return _enum(declared.python)
        case Kind.NESTED:
            return nested(declared.python)
        case Kind.SEQUENCE:
            return _sequence(declared, _optional(declared.item, nested, unusual))
        case Kind.DICT:
            if declared.item is None or declared.item.kind is Kind.FREE:
                return _FREE_DICT
            return _dict(_optional(declared.item, nested, unusual))
        case Kind.OTHER:
            return unusual(declared)
        case kind:
            return _CODECS[kind]


def _optional(
    declared: FieldType | None, nested: Callable[[type[Any]], Codec], unusual: Callable[[FieldType], Codec]
) -> Codec:
    """The codec of an item, None included where the type allows it."""
    if declared is None:
        return _CODECS[Kind.FREE]
    codec = codec_of(declared, nested, unusual)
    if not declared.optional or declared.kind is Kind.FREE:
        return codec
    load, dump = codec.load, codec.dump
    return Codec(
        lambda value: None if value is None else load(value),
        lambda value: None if value is None else dump(value),
        codec.mutable,
    )


def _enum(enum: type[Any]) -> Codec:
    if issubclass(enum, Flag) or not all(isinstance(member.value, str | int | float) for member in enum):
        raise ConfigurationError(
            f"{enum.__name__} cannot be stored: the members of an enum need text or numbers as values"
        )
    members: Mapping[Any, Any] = {member.value: member for member in enum}

    def load(value: Any) -> Any:
        try:
            return members[value]
        except (KeyError, TypeError):
            raise ValueError(f"must be one of {', '.join(map(repr, members))}, not {value!r}") from None

    def dump(value: Any) -> Any:
        if type(value) is not enum:
            raise ValueError(f"must be a {enum.__name__}, not {kind_of(value)}")
        return value.value

    return Codec(load, dump)


def _sequence(declared: FieldType, item: Codec) -> Codec:
    python = declared.python

    def load(value: Any) -> Any:
        if type(value) is not list:
            raise ValueError(f"expected a list, found {kind_of(value)}")
        return python([item.load(part) for part in value])

    def dump(value: Any) -> Any:
        if not isinstance(value, python):
            raise ValueError(f"must be a {python.__name__}, not {kind_of(value)}")
        return [item.dump(part) for part in value]

    return Codec(load, dump, mutable=python not in {tuple, frozenset} or item.mutable)


def _dict(item: Codec) -> Codec:
    def load(value: Any) -> Any:
        if type(value) is not dict:
            raise ValueError(f"expected a document, found {kind_of(value)}")
        return {key: item.load(part) for key, part in value.items()}

    def dump(value: Any) -> Any:
        if not isinstance(value, dict):
            raise ValueError(f"must be a dictionary, not {kind_of(value)}")
        return {check_key(key): item.dump(part) for key, part in value.items()}

    return Codec(load, dump, mutable=True)


def _load_free_dict(value: Any) -> Any:
    if type(value) is not dict:
        raise ValueError(f"expected a document, found {kind_of(value)}")
    for item in value.values():
        if item.__class__ not in _LEAVES:
            return load_free(value)
    return value


def _dump_free_dict(value: Any) -> Any:
    if not isinstance(value, dict):
        raise ValueError(f"must be a dictionary, not {kind_of(value)}")
    return value if type(value) is dict and _is_plain(value) else dump_free(dict(value))


_FREE_DICT = Codec(_load_free_dict, _dump_free_dict, mutable=True)
_CODECS: Mapping[Kind, Codec] = {
    Kind.ID: Codec(load_id, dump_id),
    Kind.STR: _text(),
    Kind.INT: Codec(_load_int, _check_int),
    Kind.FLOAT: Codec(_check_float, _check_float),
    Kind.BOOL: _exactly(bool, "True or False", bool),
    Kind.DATETIME: Codec(load_datetime, dump_datetime),
    Kind.DECIMAL: Codec(_load_decimal, _dump_decimal),
    Kind.BYTES: _exactly(bytes, "bytes", bytes),
    Kind.UUID: _exactly(UUID, "a UUID", lambda value: UUID(int=value.int)),
    Kind.FREE: Codec(load_free, dump_free, mutable=True),
}
