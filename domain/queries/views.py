"""Views: plain attrs classes that hold some fields of an entity, for reads that need no more."""

from typing import Any

import attrs

from ..entities.entity import Entity
from ..entities.scalars import Kind
from ..entities.schema import FieldSchema, FieldType, schema_of
from ..errors import ConfigurationError, InvalidQuery
from ..rules.predicates import Path


def paths_of(entity: type[Any], view: type[Any]) -> tuple[Path, ...]:
    """Return the paths that a view is made of.

    Raises:
        InvalidQuery: if it is no plain attrs class, or has a field that the entity has not, or with another type there.
    """
    if not isinstance(view, type) or not attrs.has(view) or issubclass(view, Entity):
        shown = view.__name__ if isinstance(view, type) else type(view).__name__
        raise InvalidQuery(f"select= takes a plain attrs class with some fields of {entity.__name__}, not {shown}")
    try:
        wanted, known = schema_of(view), schema_of(entity)
    except ConfigurationError as error:
        raise InvalidQuery(f"select={view.__name__}: {error}") from error
    if not wanted.fields:
        raise InvalidQuery(f"select={view.__name__}: a view needs at least one field of {entity.__name__}")
    for name, field in wanted.fields.items():
        _check(view, field, known.field_of(name))
    return tuple((name,) for name in wanted.fields)


def _check(view: type[Any], field: FieldSchema, known: FieldSchema) -> None:
    name = f"{view.__name__}.{field.name}"
    if not same_type(field.type, known.type):
        raise InvalidQuery(f"{name} is {field.type}, and the entity's {field.name} is {known.type}: give it that type")
    if known.secret and not (field.secret and field.attribute.repr is False):
        raise InvalidQuery(f"{name} is a secret of the entity: declare it with field(repr=False, metadata=SECRET)")


def same_type(one: FieldType | None, other: FieldType | None) -> bool:
    """Tell whether two fields hold the same values; `Optional` may be written in either way."""
    if one is None or other is None:
        return one is other
    if (one.kind, one.python, one.optional) != (other.kind, other.python, other.optional):
        return False
    if one.kind in {Kind.SEQUENCE, Kind.DICT}:
        return same_type(one.item, other.item)
    return one.annotation == other.annotation
