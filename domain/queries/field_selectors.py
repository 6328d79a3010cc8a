"""Fields that a lambda names, such as ``lambda u: u.status``: one whose values can be asked for."""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from ..entities.scalars import Kind
from ..entities.schema import schema_of
from ..errors import InvalidQuery
from ..rules.capture import EntityStandIn, FieldStandIn
from ..rules.predicates import Path, dotted

T = TypeVar("T")

_WHOLE = frozenset({Kind.NESTED, Kind.DICT, Kind.SEQUENCE})


def asked_field(entity: type[Any], ask: Callable[[Any], object]) -> Path:
    """Return the path of the field that a lambda gives.

    Raises:
        InvalidQuery: if it gives something else, or a field whose values have no order.
    """
    if isinstance(ask, type) or not callable(ask):
        raise InvalidQuery("distinct() takes a lambda that gives a field, such as lambda u: u.status")
    found = ask(EntityStandIn(schema_of(entity)))
    if isinstance(found, EntityStandIn):
        raise InvalidQuery("distinct() cannot give nested values as a whole: name a field of them")
    if not isinstance(found, FieldStandIn):
        raise InvalidQuery(f"distinct() takes a lambda that gives a field, and this one gave {type(found).__name__}")
    values = found.type.item if found.type.kind is Kind.SEQUENCE else found.type
    if values is None or values.kind in _WHOLE:
        raise InvalidQuery(f"{dotted(found.path)} is {found.type}: distinct() gives plain values or items")
    return found.path


def references(entities: Iterable[T], reference: Callable[[T], object]) -> tuple[Any, ...]:
    """Return the ids that a function gives for entities: one, none, or several for each; each of them once.

    Raises:
        InvalidQuery: for what cannot be an id.
    """
    found: list[object] = []
    for entity in entities:
        given = reference(entity)
        found += given if isinstance(given, Iterable) and not isinstance(given, str | bytes) else (given,)
    return once(id for id in found if id is not None)


def once(ids: Iterable[Any]) -> tuple[Any, ...]:
    """Return each id once, in the order in which they come.

    Raises:
        InvalidQuery: for what cannot be an id.
    """
    try:
        return tuple(dict.fromkeys(ids))
    except TypeError as error:
        raise InvalidQuery(f"this cannot be an id: {error}") from error
