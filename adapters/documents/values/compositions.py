"""The codec of any declared type: a row's own, or one that is put together for enums, lists and dictionaries."""

from collections.abc import Callable, Mapping
from enum import Flag
from typing import Any

from ....domain.entities.scalars import Kind
from ....domain.entities.schema import FieldType
from ....domain.errors import ConfigurationError
from ...backend.bson import check_key, kind_of
from .codecs import STORED, Codec
from .free_values import FREE, FREE_DICT


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
                return FREE_DICT
            return _dict(_optional(declared.item, nested, unusual))
        case Kind.OTHER:
            return unusual(declared)
        case Kind.FREE:
            return FREE
        case kind:
            return STORED[kind].codec


def _optional(
    declared: FieldType | None, nested: Callable[[type[Any]], Codec], unusual: Callable[[FieldType], Codec]
) -> Codec:
    """The codec of an item, None included where the type allows it."""
    if declared is None:
        return FREE
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
