"""The records of an outbox, as a relay finds and changes them.

What is due is found by its status. A record that waits for its next attempt, or was parked, holds back the later ones
of its aggregate and no others.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from attrs import frozen

from ...domain.clock import Clock
from ...domain.errors import NotFound
from ...domain.ids import Id
from ...domain.outbox import LANES, Backlog, Parked
from ...domain.predicates import EVERYTHING, All, AnyOf, Comparator, Compare, IsNone, Not, OneOf, Predicate
from ...domain.queries import Query, SortKey
from ..backend import Document, Update, WritePlan
from ..documents.codecs import dump_datetime, dump_id, load_datetime
from ..documents.naming import ID_KEY
from ..documents.outbox import COLLECTION, DONE, NEW, PARKED, REVISION
from ..documents.scope import TransactionScope
from .access import Access
from .lanes import Lease

_BATCH = 100
_ORDER = tuple(SortKey((key,)) for key in ("aggregateId", "era", "version", "n"))
_EVERY_LANE = OneOf(("lane",), tuple(range(LANES)))
"""Stands in front of every question about all lanes, so that the index can answer it."""


@frozen
class Records:
    """The records of one outbox.

    Attributes:
        access: its store.
        clock: tells what is due.
    """

    access: Access
    clock: Clock

    def busy_lanes(self, types: Sequence[str]) -> list[int]:
        """Return the lanes in which something may be delivered: every lane if there is much to do."""
        if not self._count(All((_EVERY_LANE, *self._due(types))), limit=1):
            return []
        found = self._next(_EVERY_LANE, types, ())
        return sorted({record["lane"] for record in found}) if len(found) < _BATCH else list(range(LANES))

    def due(self, lane: int, types: Sequence[str]) -> list[Document]:
        """Return the next records of a lane in the order of each aggregate, without those that are held back."""
        return self._next(_is("lane", lane), types, _ORDER)

    def _next(self, where: Predicate, types: Sequence[str], order: tuple[SortKey, ...]) -> list[Document]:
        ours = OneOf(("type",), tuple(types))
        later = Compare(("nextAt",), Comparator.GT, self._now())
        holding = AnyOf((All((where, _is("status", PARKED), ours)), All((where, _is("status", NEW), ours, later))))
        held = self.access.read(COLLECTION, Query(holding))
        parts = (where, *self._due(types), _not_about(held))
        return self.access.read(COLLECTION, Query(All(parts), order, limit=_BATCH))

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
        done = {"status": DONE, "doneAt": self._now()}
        return self.change(lease, record, done, ("nextAt", "error", "delivered"))

    def backlog(self, types: Sequence[str]) -> Backlog:
        """Count what is left to do."""
        waiting = All((_EVERY_LANE, _is("status", NEW)))
        parked = All((_EVERY_LANE, _is("status", PARKED)))
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
        where = All((_EVERY_LANE, _is("status", PARKED)))
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
        wanted = Query(_is(ID_KEY, _stored_id(event_id)), limit=1)

        def work(scope: TransactionScope) -> None:
            found = scope.read(COLLECTION, wanted)
            if not found:
                raise NotFound("outbox record", event_id)
            scope.write(_change(found[0], {"status": NEW, "attempts": 0}, ("nextAt", "error", "doneAt")))

        self.access.run(work)

    def _due(self, types: Sequence[str]) -> tuple[Predicate, ...]:
        now = AnyOf((IsNone(("nextAt",)), Compare(("nextAt",), Comparator.LE, self._now())))
        return _is("status", NEW), OneOf(("type",), tuple(types)), now

    def _count(self, where: Predicate, limit: int | None = None) -> int:
        return self.access.count(COLLECTION, Query(where, limit=limit))

    def _now(self) -> datetime:
        return dump_datetime(self.clock.now())


def _is(key: str, value: Any) -> Predicate:
    return Compare((key,), Comparator.EQ, value)


def _not_about(held: Iterable[Document]) -> Predicate:
    """Leave out the aggregates of these records."""
    by_type: dict[str, list[Any]] = {}
    for record in held:
        by_type.setdefault(record["aggregateType"], []).append(record["aggregateId"])
    if not by_type:
        return EVERYTHING
    return Not(
        AnyOf(
            tuple(
                All((_is("aggregateType", name), OneOf(("aggregateId",), tuple(aggregates))))
                for name, aggregates in by_type.items()
            )
        )
    )


def _change(record: Document, fields: Document, unset: Sequence[str]) -> WritePlan:
    step = {**fields, REVISION: record[REVISION] + 1}
    return WritePlan(COLLECTION, REVISION, updates=[Update(record[ID_KEY], record[REVISION], step, unset)])


def _stored_id(event_id: Id) -> Any:
    try:
        return dump_id(event_id)
    except ValueError:
        raise NotFound("outbox record", event_id) from None


__all__ = ["Records"]
