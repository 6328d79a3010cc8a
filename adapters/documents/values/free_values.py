"""Values of no declared type: whatever BSON keeps so that it comes back as it was."""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from bson import Decimal128, Int64, ObjectId

from ....domain.entities.plain_values import INT64_MAX, INT64_MIN, is_text
from ...backend.bson import MAX_DEPTH, check_key, check_text, kind_of
from .codecs import DATES, Codec, check_int, dump_datetime, dump_decimal, load_datetime


def dump_free(value: Any, depth: int = 1) -> Any:
    """Check a value of no declared type, and bring it into BSON's types."""
    kind = type(value)
    if kind in _UNCHANGED:
        return check_text(value) if kind is str else value
    if kind is int or kind is Int64:
        return check_int(value)
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
    (Decimal, dump_decimal),
    (str, lambda value: check_text(str.__str__(value))),
    (int, check_int),
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
    if kind in DATES:
        return load_datetime(value)
    if kind is Decimal128:
        return value.to_decimal()
    return int(value) if kind is Int64 else value


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


FREE = Codec(load_free, dump_free, mutable=True)
FREE_DICT = Codec(_load_free_dict, _dump_free_dict, mutable=True)
