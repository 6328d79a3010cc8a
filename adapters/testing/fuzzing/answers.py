"""Answers as values that compare exactly: types, NaN, the order of keys, the facts of errors."""

from collections.abc import Mapping
from enum import Enum
from typing import Any

import attrs
from attrs import frozen

from ....domain.entities.entity import Entity
from ....domain.entities.schema import schema_of
from ....domain.errors import TristoreError
from ....domain.queries.pages import Page

_FACTS = ("entity", "fields", "problems", "stale", "balance", "amount", "bound")
"""The attributes of errors that are facts; ids of units and messages of servers are not."""


class Order(Enum):
    """What the order of an answer means, worst last."""

    FIXED = "fixed"
    """Two stores must agree in it."""
    OPEN = "open"
    """The query left it to the store: the same entities, in whatever order."""
    CUT = "cut"
    """It was left to the store and then cut: only how many there are can be compared."""


@frozen
class Answer:
    """What one side said.

    Attributes:
        value: what was returned, None if an error was raised.
        error: what was raised.
    """

    value: Any = attrs.field(default=None, eq=False)
    error: Exception | None = attrs.field(default=None, eq=False)
    facts: Any = None

    @classmethod
    def returned(cls, value: Any, order: Order = Order.FIXED) -> "Answer":
        """Take down what was returned, before anybody changes it."""
        facts = plain(value) if order is Order.FIXED else _loose(value, order)
        return cls(value=value, facts=facts)

    @classmethod
    def raised(cls, error: Exception) -> "Answer":
        """Take down an error."""
        return cls(error=error, facts=_of_error(error))


def plain(value: Any) -> Any:
    """Return a value's types and contents, such that equal means alike in everything."""
    if isinstance(value, Entity):
        names = schema_of(type(value)).fields
        return (type(value).__name__, *((name, plain(getattr(value, name))) for name in names))
    if isinstance(value, Page):
        around = value.has_next, value.has_prev, value.next_cursor is not None, value.prev_cursor is not None
        return ("Page", plain(value.items), value.page, value.limit, value.total_count, around)
    if isinstance(value, Mapping):
        return (type(value).__name__, *((plain(key), plain(item)) for key, item in value.items()))
    if isinstance(value, list | tuple):
        return ("sequence", *map(plain, value))
    if isinstance(value, set | frozenset):
        return (type(value).__name__, *sorted(map(repr, map(plain, value))))
    if attrs.has(type(value)):
        return (
            type(value).__name__,
            *((one.name, plain(getattr(value, one.name))) for one in attrs.fields(type(value))),
        )
    return (type(value).__name__, repr(value))


def _loose(value: Any, order: Order) -> Any:
    """The same of an answer whose order was left to the store."""
    if isinstance(value, Page):
        return ("Page", _loose(value.items, order), value.page, value.limit, value.total_count)
    if isinstance(value, list | tuple):
        return ("some", len(value)) if order is Order.CUT else ("some", *sorted(map(repr, map(plain, value))))
    if isinstance(value, Entity) and order is Order.CUT:
        return ("any", type(value).__name__)
    return plain(value)


def _of_error(error: Exception) -> Any:
    if not isinstance(error, TristoreError):
        return ("error", type(error).__name__)
    return ("error", type(error).__name__, *((name, repr(getattr(error, name, None))) for name in _FACTS))
