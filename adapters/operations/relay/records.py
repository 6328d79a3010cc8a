"""The records of an outbox, as a relay finds and changes them.

What is due is found by its status. A record that waits for its next attempt or for a receiver that is down, or was
parked, holds back the later ones of its aggregate and no others.
"""

import math
from collections.abc import Container, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from attrs import frozen

from ....domain.entities.bounds import Comparator
from ....domain.entities.clock import Clock
from ....domain.entities.ids import Id
from ....domain.errors import NotFound
from ....domain.queries.query import Query, SortKey
from ....domain.rules.predicates import All, AnyOf, Compare, IsNone, Not, OneOf, Predicate
from ....domain.unit_of_work.outbox import LANES, Backlog, Parked
from ...backend import Document, Update, WritePlan
from ...documents.context.outbox import COLLECTION, DONE, NEW, PARKED, REVISION
from ...documents.unit_of_work.transaction_scope import TransactionScope
from ...documents.values.codecs import dump_datetime, dump_id, load_datetime, real_time
from ...documents.values.keys import ID_KEY
from ...documents.values.own_records import of_store
from .lanes import Lease
from .store_access import Access

_BATCH = 100
_ORDER = tuple(SortKey((key,)) for key in ("aggregateId", "era", "version", "n"))
_EVERY_LANE = OneOf(("lane",), tuple(range(LANES)))
"""Stands in front of every question about all lanes, so that the index can answer it."""

Aggregate = tuple[str, Any]
Place = tuple[float, float, float]
"""Where a record stands among those of its aggregate: era, version, number in its unit."""

_LAST: Place = (math.inf, math.inf, math.inf)


@frozen
class Types:
    """The classes of events that a relay delivers, by name.

    Attributes:
        open: those that can go now.
        blocked: those with a receiver that is down; they hold back what follows of their aggregates, and nothing else.
    """

    open: tuple[str, ...]
    blocked: tuple[str, ...] = ()

    @property
    def all(self) -> tuple[str, ...]:
        """All of them."""
        return self.open + self.blocked


@frozen
class Records:
    """The records of one outbox.

    Attributes:
        access: its store.
        clock: tells what is due.
    """

    access: Access
    clock: Clock

    @property
    def _ours(self) -> Predicate:
        return of_store(self.access.name)

    def busy_lanes(self, types: Types) -> list[int]:
        """Return the lanes in which something can go now: every lane if there is much to do."""
        found = self.access.read(COLLECTION, Query(All((_EVERY_LANE, self._ours, *self._due(types))), limit=_BATCH))
        if len(found) == _BATCH:
            return list(range(LANES))
        held = self._first_held(All((_EVERY_LANE, self._ours)), types, found) if found else {}
        return sorted({record["lane"] for record in found if _may_go(record, held)})

    def due(self, lane: int, types: Types, failed: Container[Aggregate]) -> Iterator[Document]:
        """Yield what is due in a lane, in the order of each aggregate, without what is held back.

        Args:
            lane: which.
            types: the classes of events that are looked for.
            failed: the aggregates with a record whose delivery failed in this pass; the caller adds to them. Every
                other record is changed before the next one is taken.
        """
        where = All((_is("lane", lane), self._ours))
        left = 0
        while True:
            wanted = Query(All((where, *self._due(types))), _ORDER, skip=left, limit=_BATCH)
            batch = self.access.read(COLLECTION, wanted)
            held = self._first_held(where, types, batch) if batch else {}
            for record in batch:
                if _may_go(record, held) and aggregate_of(record) not in failed:
                    yield record
                else:
                    left += 1
            if len(batch) < _BATCH:
                return

    def _first_held(self, where: Predicate, types: Types, batch: Sequence[Document]) -> dict[Aggregate, Place]:
        """Return, of each aggregate in a batch that has any, the place of the first record that cannot go now."""
        later = Compare(("nextAt",), Comparator.GT, self._now())
        waiting = AnyOf((All((_one_of_types(types.open), later)), _one_of_types(types.blocked)))
        parked = All((_is("status", PARKED), _one_of_types(types.all)))
        about = OneOf(("aggregateId",), tuple(record["aggregateId"] for record in batch))
        holding = AnyOf((All((where, parked, about)), All((where, _is("status", NEW), waiting, about))))
        first: dict[Aggregate, Place] = {}
        for record in self.access.read(COLLECTION, Query(holding)):
            aggregate = aggregate_of(record)
            first[aggregate] = min(first.get(aggregate, _LAST), _place(record))
        return first

    def change(self, lease: Lease, record: Document, fields: Document, unset: Sequence[str] = ()) -> bool:
        """Change a record while the lease lasts, both in one transaction; tell whether it was as it is known.

        Raises:
            LeaseLost: if another relay has the lane; then nothing is changed.
        """
        plan = _change(record, fields, unset)
        with lease.guarding() as guard:

            def work(scope: TransactionScope) -> bool:
                guard(scope)
                return scope.write(plan).matched == 1

            return self.access.run(work)

    def acknowledge(self, lease: Lease, record: Document) -> bool:
        """Say that a record was delivered to every handler."""
        done = {"status": DONE, "doneAt": real_time()}
        return self.change(lease, record, done, ("nextAt", "error", "delivered"))

    def backlog(self, types: Sequence[str]) -> Backlog:
        """Count what is left to do."""
        waiting = All((_EVERY_LANE, self._ours, _is("status", NEW)))
        parked = All((_EVERY_LANE, self._ours, _is("status", PARKED)))
        oldest = self.access.read(COLLECTION, Query(waiting, (SortKey(("createdAt",)),), limit=1))
        return Backlog(
            waiting=self._count(waiting),
            failing=self._count(All((waiting, Compare(("attempts",), Comparator.GT, 0)))),
            unhandled=self._count(All((waiting, Not(OneOf(("type",), tuple(types)))))),
            parked=self._count(parked),
            oldest=load_datetime(oldest[0]["createdAt"]) if oldest else None,
        )

    def parked(self, limit: int) -> list[Parked]:
        """Return the records that were given up, the oldest first."""
        where = All((_EVERY_LANE, self._ours, _is("status", PARKED)))
        found = self.access.read(COLLECTION, Query(where, (SortKey(("createdAt",)),), limit=limit))
        return [
            Parked(
                event_id=Id(str(record[ID_KEY])),
                type=record["type"],
                aggregate_type=record["aggregateType"],
                aggregate_id=str(record["aggregateId"]) if record["aggregateType"] else "",
                attempts=record["attempts"],
                error=record.get("error", ""),
                created_at=load_datetime(record["createdAt"]),
            )
            for record in found
        ]

    def replay(self, event_id: Id) -> None:
        """Make a record due now, as if no attempt had failed; one that was delivered goes to every handler again.

        Raises:
            NotFound: if there is none with that id.
        """
        wanted = Query(All((_is(ID_KEY, _stored_id(event_id)), self._ours)), limit=1)

        def work(scope: TransactionScope) -> None:
            found = scope.read(COLLECTION, wanted)
            if not found:
                raise NotFound("outbox record", event_id)
            scope.write(_change(found[0], {"status": NEW, "attempts": 0}, ("nextAt", "error", "doneAt")))

        self.access.run(work)

    def _due(self, types: Types) -> tuple[Predicate, ...]:
        now = AnyOf((IsNone(("nextAt",)), Compare(("nextAt",), Comparator.LE, self._now())))
        return _is("status", NEW), _one_of_types(types.open), now

    def _count(self, where: Predicate, limit: int | None = None) -> int:
        return self.access.count(COLLECTION, Query(where, limit=limit))

    def _now(self) -> datetime:
        return dump_datetime(self.clock.now())


def _is(key: str, value: Any) -> Predicate:
    return Compare((key,), Comparator.EQ, value)


def _one_of_types(names: Sequence[str]) -> Predicate:
    return OneOf(("type",), tuple(names))


def aggregate_of(record: Document) -> Aggregate:
    """Return what names the entity that a record is about."""
    return record["aggregateType"], record["aggregateId"]


def _may_go(record: Document, held: Mapping[Aggregate, Place]) -> bool:
    return _place(record) < held.get(aggregate_of(record), _LAST)


def _place(record: Document) -> Place:
    return record["era"], record["version"], record["n"]


def _change(record: Document, fields: Document, unset: Sequence[str]) -> WritePlan:
    step = {**fields, REVISION: record[REVISION] + 1}
    return WritePlan(COLLECTION, REVISION, updates=[Update(record[ID_KEY], record[REVISION], step, unset)])


def _stored_id(event_id: Id) -> Any:
    try:
        return dump_id(event_id)
    except ValueError:
        raise NotFound("outbox record", event_id) from None


__all__ = ["Aggregate", "Records", "Types", "aggregate_of"]
