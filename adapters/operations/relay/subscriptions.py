"""The subscriptions of a relay: who takes events of which classes, and what of a record is due for whom."""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Any

from attrs import define, field

from ....domain.entities.bounds import Comparator
from ....domain.rules.predicates import All, AnyOf, Compare, IsNone, OneOf, Predicate
from ....domain.unit_of_work.outbox import Delivery, EventHandler
from ...backend import Document
from ...documents.context.outbox import CLOSED, NEW, PARKED, PROGRESS
from .progress import all_progress, is_expected, key_of

Handler = Callable[[Any, Delivery], object]


@define
class Subscriptions:
    """Handlers by the name of their subscription, and of the class of events that they take."""

    _handlers: dict[str, dict[str, EventHandler]] = field(factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the subscriptions."""
        return tuple(self._handlers)

    @property
    def types(self) -> tuple[str, ...]:
        """The names of all classes that somebody takes."""
        return tuple(dict.fromkeys(type for handlers in self._handlers.values() for type in handlers))

    def __contains__(self, key: tuple[str, str]) -> bool:
        name, type = key
        return type in self._handlers.get(name, ())

    def add(self, name: str, type: str, handler: EventHandler) -> None:
        """Let a subscription take a class."""
        self._handlers.setdefault(name, {})[type] = handler

    def handler(self, name: str, type: str) -> EventHandler:
        """Return who takes a class for a subscription."""
        return self._handlers[name][type]

    def types_of(self, name: str) -> tuple[str, ...]:
        """The classes that a subscription takes."""
        return tuple(self._handlers.get(name, ()))

    def of(self, type: str) -> list[str]:
        """The subscriptions that take a class."""
        return [name for name, handlers in self._handlers.items() if type in handlers]

    def without(self, names: Collection[str]) -> "Subscriptions":
        """The same without some of them."""
        return Subscriptions({name: handlers for name, handlers in self._handlers.items() if name not in names})

    # What is due, blocked and left, as a question about records and as one about a record

    def due(self, now: datetime) -> Predicate:
        """What holds of records that are due for one of them, if nothing of their entity holds them back."""
        return AnyOf(tuple(self._due(name, now) for name in self._handlers))

    def _due(self, name: str, now: datetime) -> Predicate:
        part, at = (PROGRESS, key_of(name)), (PROGRESS, key_of(name), "nextAt")
        again = AnyOf((IsNone(at), Compare(at, Comparator.LE, now)))
        waits = All((_has_status(part, NEW), again))
        return All((self._takes(name), AnyOf((_is_expected(part), waits))))

    def is_due(self, record: Document, name: str, now: datetime) -> bool:
        """Tell whether a record is due for a subscription that takes its class."""
        part = record.get(PROGRESS, {}).get(key_of(name))
        if part is None:
            return is_expected(record, name)
        return part["status"] == NEW and ("nextAt" not in part or part["nextAt"] <= now)

    def blocked(self, now: datetime) -> Predicate:
        """What holds of records that cannot go to one of them now, and hold back what follows of their entity."""
        before = All((Compare(("status",), Comparator.EQ, PARKED), IsNone((PROGRESS,))))
        return AnyOf((before, *(self._blocked(name, now) for name in self._handlers)))

    def _blocked(self, name: str, now: datetime) -> Predicate:
        part = (PROGRESS, key_of(name))
        later = All((_has_status(part, NEW), Compare((*part, "nextAt"), Comparator.GT, now)))
        return All((self._takes(name), AnyOf((_has_status(part, PARKED), later))))

    def blocks(self, record: Document, now: datetime) -> list[str]:
        """Return the subscriptions to which a record cannot go now."""
        found = all_progress(record)
        parked = record["status"] == PARKED and PROGRESS not in record
        return [
            name
            for name in self.of(record["type"])
            if ((one := found.get(name)) is None and parked)
            or (one is not None and (one.status == PARKED or (one.status == NEW and (one.next_at or now) > now)))
        ]

    def left(self, name: str) -> Predicate:
        """What holds of records that a subscription has still to get; of one that is not known, those that it met."""
        part = (PROGRESS, key_of(name))
        waits = _has_status(part, NEW)
        return AnyOf((waits, All((self._takes(name), _is_expected(part))))) if name in self._handlers else waits

    def _takes(self, name: str) -> Predicate:
        return OneOf(("type",), self.types_of(name))


def _is_expected(part: Sequence[str]) -> Predicate:
    return All((IsNone(tuple(part)), IsNone((CLOSED,))))


def _has_status(part: Sequence[str], status: str) -> Predicate:
    return Compare((*part, "status"), Comparator.EQ, status)
