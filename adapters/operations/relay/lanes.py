"""Lanes and their leases: who may deliver the events of an aggregate now.

A lane is claimed by writing its document in the version that was seen, and each claim raises that version, the fence.
Whoever slept beyond its lease, for whatever reason, finds another fence and stops: no acknowledgement
of it is applied any more. Clocks decide how soon a lane changes hands, never whether something is done twice.
"""

import logging
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any, Self

from ....domain.entities.clock import Clock
from ....domain.entities.ids import new_id
from ....domain.errors import DeadlineExceeded, TristoreError, WriteConflict
from ....domain.queries.query import Query
from ....domain.rules.predicates import OneOf
from ...backend import Document, KeyTaken, Update, WritePlan, WriteResult
from ...documents.context.outbox import LANES_COLLECTION
from ...documents.unit_of_work.transaction_scope import TransactionScope
from ...documents.values.codecs import EPOCH_NAIVE, dump_datetime, load_datetime
from ...documents.values.keys import ID_KEY
from ...documents.values.own_records import STORE, owned_id
from .store_access import Access

log = logging.getLogger("tristore.relay")

_FENCE = "fence"


class LeaseLost(Exception):
    """Another relay has the lane now; nothing that the lost lease stood for was applied."""


class Lanes:
    """The lanes of one outbox, as one relay sees them."""

    def __init__(self, access: Access, clock: Clock, length: timedelta) -> None:
        self.access = access
        self.clock = clock
        self.length = length
        self._owner = f"{socket.gethostname()}:{os.getpid()}:{new_id()}"

    def claim(self, lane: int) -> "Lease | None":
        """Take a lane that nobody has, or whose lease is over; return None if somebody has it."""
        id = owned_id("lane", self.access.name, str(lane))
        # a relay from before lanes carried the name of their store has them by their numbers
        records = {
            one[ID_KEY]: one for one in self.access.find_now(LANES_COLLECTION, Query(OneOf((ID_KEY,), (id, lane))))
        }
        if any(load_datetime(record["until"]) > self.clock.now() for record in records.values()):
            return None
        found = records.get(id)
        until = self.clock.now() + self.length
        taken = {"owner": self._owner, "until": dump_datetime(until), "beat": 0}
        try:
            if found is None:
                new = {ID_KEY: id, STORE: self.access.name, _FENCE: 1, **taken}
                self.access.write_now(WritePlan(LANES_COLLECTION, _FENCE, inserts=[new]))
                return Lease(self, lane, 1, until)
            fence = found[_FENCE]
            result = self.access.write_now(_change(id, fence, {**taken, _FENCE: fence + 1}))
        except (KeyTaken, WriteConflict, DeadlineExceeded):
            return None  # somebody else is writing it
        return Lease(self, lane, fence + 1, until) if result.matched == 1 else None


class Lease:
    """A claimed lane, kept by a thread of its own while handlers take their time, given back at the end.

    Attributes:
        lane: which.
        fence: the version of the lane's document while this lease lasts.
    """

    def __init__(self, lanes: Lanes, lane: int, fence: int, until: datetime) -> None:
        self.lane = lane
        self._id = owned_id("lane", lanes.access.name, str(lane))
        self.fence = fence
        self._lanes = lanes
        self._until = until
        self._beat = 0
        self._lost = False
        self._writing = threading.RLock()
        self._over = threading.Event()
        self._keeper = threading.Thread(target=self._keep, name=f"tristore-lane-{lane}", daemon=True)

    def __enter__(self) -> Self:
        """Begin to renew it."""
        self._keeper.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give the lane back; whoever cannot leaves it to the end of the lease."""
        self._over.set()
        self._keeper.join()
        try:
            self._renew(EPOCH_NAIVE)
        except LeaseLost:
            return
        except TristoreError as problem:
            log.warning("lane %d of store %s was not given back: %s", self.lane, self._lanes.access.name, problem)

    def check(self) -> None:
        """Renew the lease if a third of it is over.

        Raises:
            LeaseLost: if another relay has the lane.
        """
        if self._lost:
            raise LeaseLost
        if self._until - self._lanes.clock.now() <= self._lanes.length * 2 / 3:
            self.renew()

    def renew(self) -> None:
        """Keep the lane for another length of time.

        Raises:
            LeaseLost: if another relay has the lane.
        """
        until = self._lanes.clock.now() + self._lanes.length
        self._renew(dump_datetime(until))
        self._until = until

    @contextmanager
    def guarding(self) -> Iterator[Callable[[TransactionScope], None]]:
        """Give what proves inside a transaction that the lease lasts: a claim meanwhile conflicts with it."""
        with self._writing:
            yield self._guard

    def _guard(self, scope: TransactionScope) -> None:
        self._write(scope.write, {})

    def _renew(self, until: datetime) -> None:
        with self._writing:
            self._write(self._lanes.access.write_now, {"until": until})

    def _write(self, write: Callable[[WritePlan], WriteResult], fields: Document) -> None:
        self._beat += 1  # an update that changes nothing would be no write, and conflict with none
        if write(_change(self._id, self.fence, {**fields, "beat": self._beat})).matched != 1:
            self._lost = True
            raise LeaseLost

    def _keep(self) -> None:
        while not self._over.wait(self._lanes.length.total_seconds() / 3):
            try:
                self.renew()
            except LeaseLost:
                return
            except TristoreError as problem:
                log.warning("lane %d of store %s was not renewed: %s", self.lane, self._lanes.access.name, problem)


def _change(id: str, fence: int, fields: dict[str, Any]) -> WritePlan:
    return WritePlan(LANES_COLLECTION, _FENCE, updates=[Update(id, fence, fields)])
