"""The records of an outbox, as a relay finds and changes them.

What is due is found by its status. A record that waits for its next attempt, or was parked, holds back the later ones
of its aggregate for that subscription, and nothing else.
"""

import math
from collections.abc import Collection, Container, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from attrs import frozen

from ....domain.entities.bounds import Comparator
from ....domain.entities.clock import Clock
from ....domain.entities.ids import Id
from ....domain.queries.query import Query, SortKey
from ....domain.rules.predicates import All, AnyOf, Compare, Contains, Exists, Not, OneOf, Predicate
from ....domain.unit_of_work.outbox import LANES, Backlog, Parked, SubscriptionBacklog
from ...backend import Document, Update, WritePlan
from ...documents.context.outbox import COLLECTION, FAILING, NEW, PARKED, PARKED_FOR, REVISION
from ...documents.unit_of_work.transaction_scope import TransactionScope
from ...documents.values.codecs import dump_datetime, load_datetime
from ...documents.values.keys import ID_KEY
from ...documents.values.own_records import of_store
from .lanes import Lease
from .progress import Progress, all_progress, is_expected, with_progress
from .store_access import Access
from .subscriptions import Subscriptions

_BATCH = 100
_ORDER = tuple(SortKey((key,)) for key in ("aggregateId", "era", "version", "n"))
_EVERY_LANE = OneOf(("lane",), tuple(range(LANES)))
"""Stands in front of every question about all lanes, so that the index can answer it."""

Aggregate = tuple[str, Any]
Place = tuple[float, float, float]
"""Where a record stands among those of its aggregate: era, version, number in its unit."""

Line = tuple[Aggregate, str]
"""The events of an aggregate on their way to one subscription: they go in order."""

_LAST: Place = (math.inf, math.inf, math.inf)


@frozen
class Records:
    """The records of one outbox.

    Attributes:
        access: its store.
        clock: tells what is due.
    """

    access: Access
    clock: Clock

    def busy_lanes(self, subscriptions: Subscriptions) -> list[int]:
        """Return the lanes in which something can go now: every lane if there is much to do."""
        where, now = self._where(_EVERY_LANE), self._now()
        wanted = Query(All((where, _is("status", NEW), subscriptions.due(now))), limit=_BATCH)
        found = self.access.read(COLLECTION, wanted)
        if len(found) == _BATCH:
            return list(range(LANES))
        held = self._first_held(where, subscriptions, found, now) if found else {}
        return sorted({record["lane"] for record in found if _going(record, subscriptions, held, now)})

    def due(
        self, lane: int, subscriptions: Subscriptions, stopped: Container[Line]
    ) -> Iterator[tuple[Document, list[str]]]:
        """Yield what is due in a lane and for whom, in the order of each aggregate, without what is held back.

        Args:
            lane: which.
            subscriptions: whose events are looked for.
            stopped: where a delivery failed in this pass; the caller adds to it, and takes what it has changed of a
                record over into the record before it takes the next one.
        """
        where = self._where(_is("lane", lane))
        left = 0
        while True:
            now = self._now()
            wanted = All((where, _is("status", NEW), subscriptions.due(now)))
            batch = self.access.read(COLLECTION, Query(wanted, _ORDER, skip=left, limit=_BATCH))
            held = self._first_held(where, subscriptions, batch, now) if batch else {}
            for record in batch:
                going = _going(record, subscriptions, held, now)
                going = [name for name in going if (aggregate_of(record), name) not in stopped]
                if going:
                    yield record, going
                left += _is_due(record, subscriptions, now)
            if len(batch) < _BATCH:
                return

    def _first_held(
        self, where: Predicate, subscriptions: Subscriptions, batch: Sequence[Document], now: datetime
    ) -> dict[Line, Place]:
        """Return, of each aggregate in a batch, the place of the first record that cannot go to a subscription now."""
        about = OneOf(("aggregateId",), tuple(record["aggregateId"] for record in batch))
        unfinished = OneOf(("status",), (NEW, PARKED))
        first: dict[Line, Place] = {}
        for record in self.access.read(COLLECTION, Query(All((where, unfinished, about, subscriptions.blocked(now))))):
            for name in subscriptions.blocks(record, now):
                line = aggregate_of(record), name
                first[line] = min(first.get(line, _LAST), _place(record))
        return first

    def settle(
        self, lease: Lease, record: Document, changed: Mapping[str, Progress], expected: Collection[str]
    ) -> bool:
        """Write down what became of deliveries, while the lease lasts; tell whether nothing is left for those here.

        Raises:
            LeaseLost: if another relay has the lane; then nothing is changed.
        """
        fields, unset = with_progress(record, changed, expected)
        plan = change_of(record, fields, unset)
        with lease.guarding() as guard:

            def work(scope: TransactionScope) -> bool:
                guard(scope)
                return scope.write(plan).matched == 1

            if not self.access.run(work):
                return False  # somebody replayed or discarded it meanwhile
        for key in unset:
            record.pop(key, None)
        record.update(fields)
        found = all_progress(record)
        return not any(not found[name].is_settled if name in found else is_expected(record, name) for name in expected)

    def backlog(self, subscriptions: Subscriptions, types: Sequence[str]) -> Backlog:
        """Count what is left to do; records of other classes than these have nobody who takes them."""
        everywhere = self._where(_EVERY_LANE)
        waiting = All((everywhere, _is("status", NEW)))
        unfinished = All((everywhere, OneOf(("status",), (NEW, PARKED))))
        oldest = self.access.read(COLLECTION, Query(waiting, (SortKey(("createdAt",)),), limit=1))
        names = {*subscriptions.names}
        for key in (FAILING, PARKED_FOR):
            names.update(self.access.distinct(COLLECTION, (key,), unfinished))
        return Backlog(
            waiting=self._count(waiting),
            failing=self._count(All((waiting, Compare(("attempts",), Comparator.GT, 0)))),
            unhandled=self._count(All((waiting, Not(OneOf(("type",), tuple(types)))))),
            parked=self._count(All((unfinished, _is_parked()))),
            oldest=load_datetime(oldest[0]["createdAt"]) if oldest else None,
            subscriptions=tuple(
                SubscriptionBacklog(
                    name=name,
                    waiting=self._count(All((waiting, subscriptions.left(name)))),
                    failing=self._count(All((waiting, Contains((FAILING,), name)))),
                    parked=self._count(All((unfinished, Contains((PARKED_FOR,), name)))),
                )
                for name in sorted(names)
            ),
        )

    def parked(self, limit: int) -> list[Parked]:
        """Return what was given up, each subscription's for itself, the oldest records first."""
        where = All((self._where(_EVERY_LANE), OneOf(("status",), (NEW, PARKED)), _is_parked()))
        found = self.access.read(COLLECTION, Query(where, (SortKey(("createdAt",)),), limit=limit))
        return [parked for record in found for parked in _parked(record)][:limit]

    def _where(self, lanes: Predicate) -> Predicate:
        return All((of_store(self.access.name), lanes))

    def _count(self, where: Predicate) -> int:
        return self.access.count(COLLECTION, Query(where))

    def _now(self) -> datetime:
        return dump_datetime(self.clock.now())


def _is(key: str, value: Any) -> Predicate:
    return Compare((key,), Comparator.EQ, value)


def _is_parked() -> Predicate:
    return AnyOf((_is("status", PARKED), Exists((PARKED_FOR,))))


def _parked(record: Document) -> list[Parked]:
    found = [one for one in all_progress(record).values() if one.status == PARKED]
    # from before each subscription had its part, a record was parked as a whole
    return [
        Parked(
            event_id=Id(str(record[ID_KEY])),
            subscription=one.name,
            type=record["type"],
            aggregate_type=record["aggregateType"],
            aggregate_id=str(record["aggregateId"]) if record["aggregateType"] else "",
            attempts=one.attempts,
            error=one.error,
            created_at=load_datetime(record["createdAt"]),
        )
        for one in found or [Progress("", PARKED, record.get("attempts", 0), error=record.get("error", ""))]
    ]


def aggregate_of(record: Document) -> Aggregate:
    """Return what names the entity that a record is about."""
    return record["aggregateType"], record["aggregateId"]


def _going(record: Document, subscriptions: Subscriptions, held: Mapping[Line, Place], now: datetime) -> list[str]:
    """The subscriptions to which a record can go now."""
    done = record.get("delivered", ())
    place, aggregate = _place(record), aggregate_of(record)
    return [
        name
        for name in subscriptions.of(record["type"])
        if subscriptions.is_due(record, name, now) and name not in done and place < held.get((aggregate, name), _LAST)
    ]


def _is_due(record: Document, subscriptions: Subscriptions, now: datetime) -> bool:
    if record["status"] != NEW:
        return False
    return any(subscriptions.is_due(record, name, now) for name in subscriptions.of(record["type"]))


def _place(record: Document) -> Place:
    return record["era"], record["version"], record["n"]


def change_of(record: Document, fields: Document, unset: Sequence[str]) -> WritePlan:
    """Return what changes a record that nobody has changed since it was read."""
    step = {**fields, REVISION: record[REVISION] + 1}
    return WritePlan(COLLECTION, REVISION, updates=[Update(record[ID_KEY], record[REVISION], step, unset)])
