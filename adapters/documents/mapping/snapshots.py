"""Whether a value is still what it was when it was loaded, by the types that a store keeps.

Immutable values are kept by reference. Of a mutable value a copy is kept: a shallow one where its items are
immutable, its BSON bytes otherwise.
"""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from bson import ObjectId, encode
from bson.errors import BSONError

from ....domain.entities.schema import FieldType, Kind
from ...backend.bson import CODEC_OPTIONS
from .mapped_field import MappedField

Snapshot = tuple[Any, ...]
"""The values of an entity's fields as they were, in the order of its mapping."""

_IMMUTABLE = frozenset({str, int, float, bool, bytes, type(None), ObjectId, UUID, datetime, Decimal})
_BASES = (bool, int, float, str, bytes, UUID, datetime, Decimal)
_UNENCODABLE = (BSONError, OverflowError, ValueError, TypeError, RecursionError)


def same(new: Any, old: Any) -> bool:
    """Tell whether two immutable values are stored alike: 1, 1.0 and True are not, two NaNs are."""
    if type(new) is not type(old) and _base_of(new) is not _base_of(old):
        return False
    if new == old:
        return True
    if isinstance(new, datetime) and new.tzinfo is not None and old.tzinfo is not None:
        return abs(new - old).total_seconds() < 0.001 and _milliseconds(new) == _milliseconds(old)
    return bool(new != new and old != old)  # noqa: PLR0124 - NaN differs from itself


def _base_of(value: Any) -> type[Any]:
    """The type as which a value is stored; an object of a subclass is the value that it is."""
    return next((base for base in _BASES if isinstance(value, base)), type(value))


def _milliseconds(moment: datetime) -> tuple[int, int]:
    return int(moment.timestamp() // 1), moment.microsecond // 1000


class _Unstorable:
    """Stands for a value that cannot be encoded: it differs from everything, so the flush meets it and says why."""

    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        return False


def freezer(field: MappedField) -> tuple[Callable[[Any], Any], Callable[[Any, Any], bool]]:
    """Return, for a field that can be edited in place, how to copy its value and how to compare with the copy."""
    to_bytes = _encoder(field)

    def freeze(value: Any) -> Any:
        kind = value.__class__
        if kind is not dict and kind is not list:
            return to_bytes(value)
        for item in value.values() if kind is dict else value:
            if item.__class__ not in _IMMUTABLE:
                return to_bytes(value)
        return value.copy()

    def is_same(value: Any, frozen: Any) -> bool:
        kind = frozen.__class__
        if kind is dict or kind is list:
            # the very same objects in the same order are the same; anything else is compared as it is stored
            if value.__class__ is kind and len(value) == len(frozen):
                for new, old in zip(value, frozen):  # noqa: B905 - equally long; a keyword would cost a third
                    if new is not old or (kind is dict and value[new] is not frozen[old]):
                        break
                else:
                    return True
            frozen = to_bytes(frozen)
        return bool(to_bytes(value) == frozen)

    return freeze, is_same


def is_free_dict(declared: FieldType) -> bool:
    """Tell whether values of a type are dictionaries with items of any type."""
    return declared.kind is Kind.DICT and (declared.item is None or declared.item.kind is Kind.FREE)


def _encoder(field: MappedField) -> Callable[[Any], object]:
    """Return how to bring a value into its BSON bytes; None stays None."""
    dump = field.codec.dump
    free = field.type.kind is Kind.FREE or is_free_dict(field.type)

    def to_bytes(value: Any) -> object:
        if value is None:
            return None
        try:
            if free:
                return encode({"": value}, False, CODEC_OPTIONS)
        except _UNENCODABLE:
            pass  # Decimals and the like: dump brings them into BSON's types, or refuses them below
        try:
            return encode({"": dump(value)}, False, CODEC_OPTIONS)
        except _UNENCODABLE:
            return _Unstorable()

    return to_bytes
