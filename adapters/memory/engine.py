"""The committed state of a store, and who is about to change which part of it.

Conflicts follow WiredTiger: the first to write a slot has it until it ends, and a slot that was written after a
transaction's snapshot cannot be written in it.
"""

import threading
from collections import deque
from collections.abc import Iterable, Mapping
from itertools import count
from time import monotonic
from types import MappingProxyType

from ...domain.errors import (
    ConfigurationError,
    DeadlineExceeded,
    Unavailable,
    ValidationError,
    WriteConflict,
)
from ..backend import CollectionDeclaration
from .indexes.index import Index
from .tables import Draft, Slot, Table

NO_TABLE = Table()

_LOOK_AGAIN = 0.05
"""Seconds after which a waiting writer looks for transactions that were dropped without an end."""


class Claims:
    """The slots that one open transaction has written.

    Attributes:
        number: of the transaction.
        since: the number of the last commit that its snapshot holds.
        slots: what it has written.
    """

    __slots__ = ("number", "since", "slots")

    def __init__(self, number: int, since: int) -> None:
        self.number = number
        self.since = since
        self.slots: list[Slot] = []


class Engine:
    """Tables by collection. Readers take `tables` as it is; every change holds the lock.

    Attributes:
        tables: the committed state; replaced as a whole, never changed.
        sequence: numbers the rows in the order of their insertion.
        lock: held while state changes.
    """

    def __init__(
        self,
        collections: Iterable[CollectionDeclaration],
        tables: Mapping[str, Table] = MappingProxyType({}),
        sequence: "count[int] | None" = None,
    ) -> None:
        self.tables: Mapping[str, Table] = tables
        self.sequence = count() if sequence is None else sequence
        self.lock = threading.RLock()
        self._ended = threading.Condition(self.lock)
        self._numbers = count(1)
        self._commits = 0
        self._open: dict[int, Claims] = {}
        self._holders: dict[Slot, int] = {}
        self._written: dict[Slot, int] = {}
        self._log: deque[tuple[int, list[Slot]]] = deque()
        self._dropped: deque[int] = deque()
        self._stopped = False
        self._declare(collections)

    def enter(self) -> tuple[Claims, Mapping[str, Table]]:
        """Begin a transaction here and now: return its claims and its snapshot."""
        with self.lock:
            self._release_dropped()
            claims = Claims(next(self._numbers), self._commits)
            self._open[claims.number] = claims
            return claims, self.tables

    def claim(self, claims: Claims, slot: Slot) -> None:
        """Reserve a slot for a transaction's write.

        Raises:
            WriteConflict: if another one has it, or wrote it after the snapshot.
        """
        if not self.is_mine(claims, slot):
            self._holders[slot] = claims.number
            claims.slots.append(slot)

    def is_mine(self, claims: Claims, slot: Slot) -> bool:
        """Tell whether a transaction has a slot; if not, it may take it.

        Raises:
            WriteConflict: if another one has it, or wrote it after the snapshot.
        """
        holder = self._holders.get(slot)
        if holder == claims.number:
            return True
        if holder is not None:
            self._release_dropped()
        if slot in self._holders or self._written.get(slot, 0) > claims.since:
            raise WriteConflict
        return False

    def commit(self, claims: Claims, drafts: Mapping[str, Draft]) -> None:
        """Make a transaction's changes the state, and end it.

        Raises:
            Unavailable: if the store was closed meanwhile.
        """
        with self.lock:
            if claims.slots:
                self.check_running()
                tables = dict(self.tables)
                for name, draft in drafts.items():
                    tables[name] = draft.merged(self._table(name))
                self.tables = tables
                self._commits += 1
                if len(self._open) > 1:  # nobody else's snapshot can come before this
                    self._log.append((self._commits, claims.slots))
                    self._written.update(dict.fromkeys(claims.slots, self._commits))
            self.leave(claims.number)

    def stop(self) -> None:
        """Take no more commits: the state is saved as it is now."""
        with self.lock:
            self._stopped = True

    def check_running(self) -> None:
        """Refuse a write after the stop.

        Raises:
            Unavailable: if it came.
        """
        if self._stopped:
            raise Unavailable("the store was closed meanwhile; nothing was written")

    def go_on(self) -> None:
        """Take commits again."""
        with self.lock:
            self._stopped = False

    def leave(self, number: int) -> None:
        """End a transaction and free what it holds; ending it twice is allowed."""
        with self.lock:
            claims = self._open.pop(number, None)
            if claims is None:
                return
            for slot in claims.slots:
                del self._holders[slot]
            if self._log:
                self._forget()
            self._ended.notify_all()

    def drop(self, number: int) -> None:
        """End a transaction from a finalizer, which may run in the midst of anything: later, but soon."""
        self._dropped.append(number)

    def wait(self, end: float) -> None:
        """Wait, with the lock held, until some transaction ends.

        Raises:
            DeadlineExceeded: if the time is over.
        """
        left = end - monotonic()
        if left <= 0:
            raise DeadlineExceeded("another open transaction holds what this write needs, and did not end in time")
        self._release_dropped()
        self._ended.wait(min(left, _LOOK_AGAIN))

    def prepare(self, collections: Iterable[CollectionDeclaration], timeout: float) -> None:
        """Add the indexes that are not there, once no transaction is open.

        Raises:
            ConfigurationError: if stored documents break one.
            DeadlineExceeded: if transactions stay open.
        """
        end = monotonic() + timeout
        with self.lock:
            wanted = list(collections)
            while self._open and any(self.missing(collection) for collection in wanted):
                self.wait(end)
            self._declare(wanted)

    def missing(self, collection: CollectionDeclaration) -> list[Index]:
        """Return the indexes of a declaration that are not there."""
        there = {index.declaration for index in self._table(collection.name).indexes.all}
        return [Index(declared) for declared in collection.indexes if declared not in there]

    def _table(self, name: str) -> Table:
        return self.tables.get(name, NO_TABLE)

    def _declare(self, collections: Iterable[CollectionDeclaration]) -> None:
        tables = dict(self.tables)
        for collection in collections:
            table = self._table(collection.name)
            for index in self.missing(collection):
                _refuse_other_options(collection.name, table, index)
                try:
                    table = table.with_index(index)
                except (ValueError, ValidationError) as error:
                    raise ConfigurationError(f"index {index.declaration.name} of {collection.name}: {error}") from error
            tables[collection.name] = table
        self.tables = tables

    def _forget(self) -> None:
        """Forget who wrote what before the oldest open snapshot: no conflict can come of it."""
        oldest = next(iter(self._open.values())).since if self._open else self._commits
        while self._log and self._log[0][0] <= oldest:
            commit, slots = self._log.popleft()
            for slot in slots:
                if self._written[slot] == commit:
                    del self._written[slot]

    def _release_dropped(self) -> None:
        while self._dropped:
            self.leave(self._dropped.popleft())


def _refuse_other_options(collection: str, table: Table, index: Index) -> None:
    """A server makes no second index of the same name."""
    name = index.declaration.name
    if any(name == there.declaration.name for there in table.indexes.all):
        raise ConfigurationError(
            f"{collection}: an index on {', '.join(index.names)} exists with other options than those declared: "
            "declare it once"
        )
