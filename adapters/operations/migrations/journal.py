"""The lease of the runner of a store, and the records that only its holder writes.

Every claim of the lease raises its fence. A record carries the fence of the runner that wrote it last, and is written
only where that fence is still there; whoever comes first adopts it by putting its own fence in. So a runner that slept
beyond its lease writes no record any more, whatever its clock says.
"""

import logging
import os
import socket
import threading
import time
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

from ....domain.entities.ids import new_id
from ....domain.errors import ConfigurationError, LeaseLost, MigrationRunning, TristoreError
from ....domain.queries.query import Query
from ...backend import Capability, Document, KeyTaken, LeaseState, Update, WritePlan
from ...documents.context.store_context import Environment
from ...documents.evolution.migration_state import (
    COLLECTION,
    FENCE,
    about,
    schema_record,
    take_back,
    unnamed_schema_record,
    wanted,
)
from ...documents.values.keys import ID_KEY
from ...documents.values.own_records import STORE, owned_id

log = logging.getLogger("tristore.migrations")

_UNNAMED_LEASE = "runner"
"""The id of the lease from before it carried the name of its store."""

_LOOK_AGAIN = 0.2
"""The most seconds between two looks at a lease that somebody has."""


class Journal:
    """The records of a store, read by anybody and written under a lease."""

    def __init__(self, environment: Environment) -> None:
        self.environment = environment

    def record(self, id: str) -> Document | None:
        """Return a record, None if there is none."""
        found = self.find(wanted(id))
        return found[0] if found else None

    def schema_record(self, collection: str) -> Document:
        """Return what is recorded of a collection's migration by this store, or before records carried its name."""
        ids = schema_record(self.environment.name, collection), unnamed_schema_record(collection)
        found = {record[ID_KEY]: record for record in self.find(wanted(*ids))}
        return next((found[id] for id in ids if id in found), {})

    def take_back(self, collection: str) -> None:
        """Let no store's record say that a collection's migration is complete."""
        take_back(self.find(Query(about(collection))), self._write)

    def make_lease(self, id: str) -> None:
        """Make the record of the lease as the unnamed one stands: whoever has that, and its fence, count on."""
        if self.record(id) is None and (unnamed := self.record(_UNNAMED_LEASE)) is not None:
            with suppress(KeyTaken):  # another runner made it just now
                self._write(WritePlan(COLLECTION, FENCE, inserts=[{**unnamed, **self._named(id)}]))

    def _named(self, id: str) -> Document:
        return {ID_KEY: id, STORE: self.environment.name}

    def find(self, query: Query) -> list[Document]:
        """Return the records that a query meets."""
        environment = self.environment
        timeout = environment.operation_timeout
        return environment.backend.find(COLLECTION, query, transaction=None, timeout=timeout).to_list()

    def adopt(self, id: str, fence: int) -> Document:
        """Make a record, or take it over, for the runner with this fence; return what it holds.

        Raises:
            LeaseLost: if a later runner has it.
        """
        while True:
            found = self.record(id)
            if found is None:
                made = {**self._named(id), FENCE: fence}
                try:
                    self._write(WritePlan(COLLECTION, FENCE, inserts=[made]))
                except KeyTaken:
                    continue  # another runner made it just now
                return made
            if found[FENCE] > fence:
                raise LeaseLost(self.environment.name)
            if self._update(id, found[FENCE], {FENCE: fence}):
                return found

    def save(self, id: str, fence: int, values: Document) -> None:
        """Change an adopted record.

        Raises:
            LeaseLost: if a later runner has it.
        """
        if not self._update(id, fence, values):
            raise LeaseLost(self.environment.name)

    def _update(self, id: str, fence: int, values: Document) -> bool:
        return self._write(WritePlan(COLLECTION, FENCE, updates=[Update(id, fence, values)])) == 1

    def _write(self, plan: WritePlan) -> int:
        environment = self.environment
        return environment.backend.write(plan, transaction=None, timeout=environment.operation_timeout).matched


class RunnerLease:
    """The lease of one runner: a context manager that claims it, keeps it by a thread of its own, and gives it back.

    Attributes:
        fence: the number of the claim.
    """

    def __init__(self, environment: Environment, seconds: float, wait: float) -> None:
        """Prepare.

        Args:
            environment: the store.
            seconds: how long the lease lasts unless it is renewed, which happens three times as often.
            wait: how many seconds to wait for another runner to end.

        Raises:
            ConfigurationError: if the backend has no leases.
        """
        if Capability.LEASES not in environment.backend.capabilities:
            raise ConfigurationError(
                f"{environment.backend.location} has no leases, without which two runners could be at work: migrate "
                "on a backend that has Capability.LEASES"
            )
        self.fence = 0
        self._environment = environment
        self._id = lease_of(environment.name)
        self._seconds = seconds
        self._wait = wait
        self._owner = f"{socket.gethostname()}:{os.getpid()}:{new_id()}"
        self._renewed = 0.0
        self._lost = False
        self._over = threading.Event()
        self._keeper = threading.Thread(target=self._keep, name=f"tristore-migrations-{environment.name}", daemon=True)

    def __enter__(self) -> Self:
        """Claim it.

        Raises:
            MigrationRunning: if another runner has it, also after the time to wait.
        """
        Journal(self._environment).make_lease(self._id)
        end = time.monotonic() + self._wait
        while (state := self._claim()).owner != self._owner:
            left = end - time.monotonic()
            if left <= 0:
                raise MigrationRunning(self._environment.name, _short(state.owner), state.seconds)
            time.sleep(min(left, _LOOK_AGAIN, max(state.seconds, 0.01)))
        self.fence = state.fence
        self._keeper.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give it back; whoever cannot leaves it to its end."""
        self._over.set()
        self._keeper.join()
        try:
            self._renew(0)
        except TristoreError as problem:
            log.warning("the lease on store %s was not given back: %s", self._environment.name, problem)

    def check(self) -> None:
        """Go on only while the lease lasts.

        Raises:
            LeaseLost: if another runner has it, or if it was not renewed in time, so that another one may.
        """
        if self._lost or time.monotonic() - self._renewed >= self._seconds:
            raise LeaseLost(self._environment.name)

    def _claim(self) -> LeaseState:
        environment = self._environment
        self._renewed = time.monotonic()
        return environment.backend.claim_lease(
            COLLECTION, self._id, owner=self._owner, seconds=self._seconds, timeout=environment.operation_timeout
        )

    def _renew(self, seconds: float) -> None:
        environment = self._environment
        began = time.monotonic()
        mine = environment.backend.renew_lease(
            COLLECTION,
            self._id,
            owner=self._owner,
            fence=self.fence,
            seconds=seconds,
            timeout=min(self._seconds, environment.operation_timeout),
        )
        if mine:
            self._renewed = began
        else:
            self._lost = True

    def _keep(self) -> None:
        while not self._over.wait(self._seconds / 3) and not self._lost:
            try:
                self._renew(self._seconds)
            except TristoreError as problem:
                log.warning("the lease on store %s was not renewed: %s", self._environment.name, problem)


def lease_of(store: str) -> str:
    """Return the id of the lease of a store."""
    return owned_id("runner", store)


def runner_of(journal: Journal, now: Any) -> str | None:
    """Return who has the lease, None if nobody, by the clock of this machine: for display alone."""
    ids = lease_of(journal.environment.name), _UNNAMED_LEASE
    records = {record[ID_KEY]: record for record in journal.find(wanted(*ids))}
    found = next((records[id] for id in ids if id in records), None)
    if found is None or "until" not in found or found["until"] <= now:
        return None
    return _short(found["owner"])


def _short(owner: str) -> str:
    """Host and process."""
    return owner.rpartition(":")[0]
