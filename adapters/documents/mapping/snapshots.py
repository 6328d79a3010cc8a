"""Whether a value is still what it was when it was loaded, by the types that a store keeps.

Immutable values are kept by reference. Of a mutable value a copy is kept: a shallow one where its items are
immutable, its BSON bytes otherwise.
"""

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from bson import ObjectId, decode, encode
from bson.errors import BSONError

from ....domain.entities.scalars import SCALARS, Kind
from ....domain.entities.schema import FieldType
from ...backend.bson import CODEC_OPTIONS
from .code_generation import compiled
from .mapped_field import MappedField

Snapshot = tuple[Any, ...]
"""The values of an entity's fields as they were, in the order of its mapping."""

Comparison = tuple[Callable[[Any], Snapshot], Callable[[Any, Snapshot], bool], Callable[[Any, Snapshot], list[str]]]
"""Takes a snapshot of an entity, tells whether it is the same since, and names the fields that changed."""

_IMMUTABLE = frozenset({type(None), ObjectId, *(scalar.python for scalar in SCALARS.values())})
_EQUAL_IS_SAME = frozenset({str, int, bool, bytes, ObjectId, UUID})
"""The types whose values are stored alike if they are equal: of exactly these types, not of subclasses."""

_UNENCODABLE = (BSONError, OverflowError, ValueError, TypeError, RecursionError)


def sameness(field: MappedField) -> Callable[[Any, Any], bool]:
    """Return how to tell whether two values of a field that cannot be edited in place are stored alike.

    What Python holds for equal is not enough: Decimals of other digits, 0.0 and -0.0, an hour that the clock strikes
    twice, numbers of several types inside a tuple.
    """
    to_bytes = _encoder(field)

    def same(new: Any, old: Any) -> bool:
        kind = new.__class__
        if kind is old.__class__:
            if kind in _EQUAL_IS_SAME:
                return bool(new == old)
            if kind is float and new != new and old != old:  # noqa: PLR0124 - NaN differs from itself
                return True
        return bool(to_bytes(new) == to_bytes(old))

    return same


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


def thawed(field: MappedField, frozen: Any) -> Any:
    """Return, as it is stored, a value of which a snapshot was kept; None is None."""
    if frozen is None:
        return None
    if field.codec.mutable:
        if isinstance(frozen, bytes):
            return decode(frozen, CODEC_OPTIONS)[""]
        if isinstance(frozen, tuple):
            return [decode(item, CODEC_OPTIONS)[""] for item in frozen]
    return field.codec.dump(frozen)


def is_free_dict(declared: FieldType) -> bool:
    """Tell whether values of a type are dictionaries with items of any type."""
    return declared.kind is Kind.DICT and (declared.item is None or declared.item.kind is Kind.FREE)


def _encoder(field: MappedField) -> Callable[[Any], object]:
    """Return how to bring a value into its BSON bytes; None stays None."""
    dump = field.codec.dump
    unordered = field.type.kind is Kind.SEQUENCE and field.type.python in {set, frozenset}
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
            if unordered:  # two sets that are equal may be walked in two orders
                return tuple(sorted(encode({"": item}, False, CODEC_OPTIONS) for item in dump(value)))
            return encode({"": dump(value)}, False, CODEC_OPTIONS)
        except _UNENCODABLE:
            return _Unstorable()

    return to_bytes


def comparison(name: str, watched: Sequence[tuple[int, MappedField]]) -> Comparison:
    """Generate `snapshot`, `is_same` and `changed_fields`: they run for every tracked entity of every scan.

    Args:
        name: of the entity.
        watched: the fields in which edits are looked for, each with a number of its own.
    """
    names: dict[str, Any] = {}
    taken: list[str] = []
    equal: list[str] = []
    for number, field in watched:
        value = f"subject.{field.name}"
        if field.codec.mutable:
            names[f"freeze_{number}"], names[f"same_{number}"] = freezer(field)
            taken.append(f"freeze_{number}({value})")
            equal.append(f"same_{number}({value}, old_{number})")
        else:
            names[f"same_{number}"] = sameness(field)
            taken.append(value)
            equal.append(f"({value} is old_{number} or same_{number}({value}, old_{number}))")
    unpack = f"{''.join(f'old_{number}, ' for number, _ in watched)}= since"
    tests = [f"if not {test}: changed.append({field.name!r})" for test, (_, field) in zip(equal, watched, strict=True)]
    return (
        compiled("snapshot(subject)", [f"return ({', '.join(taken)},)"], names, name),
        compiled("is_same(subject, since)", [unpack, f"return {' and '.join(equal)}"], names, name),
        compiled("changed_fields(subject, since)", [unpack, "changed = []", *tests, "return changed"], names, name),
    )
