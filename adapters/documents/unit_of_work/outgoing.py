"""What one unit of work publishes: its events become records of the outbox, written last in its transaction."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from attrs import define, field
from bson import ObjectId

from ....domain.entities.bounds import Comparator
from ....domain.entities.events import Event
from ....domain.entities.ids import new_id
from ....domain.errors import UnitOfWorkError
from ....domain.queries.query import Query
from ....domain.rules.predicates import All, AnyOf, Compare, OneOf
from ....domain.unit_of_work.outbox import lane_of
from ...backend import Document, Update, WritePlan
from ..context.outbox import COLLECTION, NEW, PARKED, REVISION, Outbox
from ..values.keys import ID_KEY
from ..values.own_records import STORE, of_store
from .identity_map import Record, State, TrackedCollection
from .transaction_scope import TransactionScope


@define
class _Note:
    """An event to be published: about which record, and behind how many events that its entity recorded."""

    event: Event
    about: Record | None
    position: int


@define
class Outgoing:
    """What one unit of work publishes.

    Attributes:
        outbox: the event classes of the store.
    """

    outbox: Outbox
    _notes: list[_Note] = field(factory=list)

    @property
    def events(self) -> list[Event]:
        """The events that were published without being recorded by an entity, in order."""
        return [note.event for note in self._notes]

    def publish(self, event: Event, about: Record | None) -> None:
        """Remember an event for the commit; the version of what it is about takes a step, which gives it its place.

        Raises:
            UnitOfWorkError: if the store does not publish its class.
        """
        if not self.outbox.holds(event):
            raise UnitOfWorkError(
                f"this store does not publish {type(event).__name__}: name it in open_store(publishes=)"
            )
        if about is not None:
            about.locked = True
        self._notes.append(_Note(event, about, 0 if about is None else len(about.entity.recorded_events)))

    def hold(self, tracked: Sequence[TrackedCollection]) -> bool:
        """Let each entity with events to publish take a version step, changed or not; tell whether one needs it."""
        found = False
        for record in _records(tracked):
            recorded = record.entity.recorded_events
            if recorded and record.state is State.STORED and not record.written and not record.locked:
                record.locked = any(map(self.outbox.holds, recorded))
                found = found or record.locked
        return found

    def write(self, scope: TransactionScope, tracked: Sequence[TrackedCollection], now: datetime) -> int:
        """Write the records, after everything else was flushed; return how many.

        Args:
            scope: the transaction.
            tracked: the identity maps.
            now: the time of the unit, as it is stored.
        """
        if not (self._notes or scope.removed or any(record.entity.recorded_events for record in _records(tracked))):
            return 0
        names = {one.binding.collection: one.mapping.name for one in tracked}
        ended = {(names[collection], id) for collection, id in scope.removed if collection in names}
        inserts = [
            self._record(number, event, about, name, now)
            for number, (event, about, name) in enumerate(self._in_order(tracked))
        ]
        updates = _one_era_back(scope, self.outbox.store, ended) if ended else []
        if inserts or updates:
            scope.write(WritePlan(COLLECTION, REVISION, updates=updates, inserts=inserts))
        return len(inserts)

    def _in_order(self, tracked: Sequence[TrackedCollection]) -> Iterator[tuple[Event, Record | None, str]]:
        """Yield every event with what it is about, those of one entity in the order in which they happened."""
        about: dict[int, list[_Note]] = {}
        for note in self._notes:
            if note.about is None:
                yield note.event, None, ""
            else:
                about.setdefault(id(note.about), []).append(note)
        for collection in tracked:
            for record in collection.records.values():
                recorded = [
                    (position, 1, event)
                    for position, event in enumerate(record.entity.recorded_events)
                    if self.outbox.holds(event)
                ]
                published = [(note.position, 0, note.event) for note in about.pop(id(record), ())]
                for _, _, event in sorted((*recorded, *published), key=lambda one: one[:2]):
                    yield event, record, collection.mapping.name
        for note in (note for notes in about.values() for note in notes):
            # its entity was removed, and came back in the same unit: the event belongs to the ended life
            if note.about is not None and note.about.state is State.GONE:
                yield note.event, note.about, type(note.about.entity).__name__

    def _record(self, number: int, event: Event, about: Record | None, name: str, now: datetime) -> Document:
        event_id = ObjectId(new_id())
        gone = about is not None and about.state is State.GONE
        aggregate = event_id if about is None else about.stored_id
        version = 0 if about is None else (about.version or 0) + gone
        return {
            ID_KEY: event_id,
            STORE: self.outbox.store,
            "aggregateType": name,
            "aggregateId": aggregate,
            "era": -1 if gone else 0,
            "version": version,
            "n": number,
            "lane": lane_of(f"{name}:{aggregate}"),
            **self.outbox.dump(event),
            "createdAt": now,
            "status": NEW,
            "attempts": 0,
            REVISION: 1,
        }


def _records(tracked: Sequence[TrackedCollection]) -> Iterator[Record]:
    for collection in tracked:
        yield from collection.records.values()


def _one_era_back(scope: TransactionScope, store: str, ended: set[tuple[str, Any]]) -> list[Update]:
    """Return what moves the waiting records of ended lives, so that those of a next life come behind them."""
    by_lane: dict[int, list[Any]] = {}
    for name, aggregate in ended:
        by_lane.setdefault(lane_of(f"{name}:{aggregate}"), []).append(aggregate)
    waiting = AnyOf(
        tuple(
            All(
                (
                    Compare(("lane",), Comparator.EQ, lane),
                    OneOf(("status",), (NEW, PARKED)),
                    OneOf(("aggregateId",), tuple(aggregates)),
                )
            )
            for lane, aggregates in by_lane.items()
        )
    )
    return [
        Update(found[ID_KEY], found[REVISION], {"era": found["era"] - 1})
        for found in scope.read(COLLECTION, Query(All((of_store(store), waiting))))
        if (found["aggregateType"], found["aggregateId"]) in ended
    ]
