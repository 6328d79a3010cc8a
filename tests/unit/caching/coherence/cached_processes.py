"""Two processes over one database, as the machine over cached reads plays them."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from attrs import frozen
from contracts.caching.caching_base import DOCUMENTS, Things, ThingStore

from tristore import open_store
from tristore.adapters.backend import EVERYTHING, Backend, Query
from tristore.adapters.caching.store_cache import StoreCache
from tristore.testing import ObservedBackend, Operation

from .cache_law import Applied, Law, State
from .shared_cache import Line

T = TypeVar("T")

TIMEOUT = 5.0


class Watched(ObservedBackend):
    """The backend as one process sees it: the law notes what it changes, and others act in its midst."""

    def __init__(self, inner: Backend, process: "Process") -> None:
        super().__init__(inner)
        self.answers_at_once = True  # type: ignore[misc] # pages are read one after the other: one moment at a time
        self._process = process

    def _around(self, operation: Operation, call: Callable[[], T]) -> T:
        process = self._process
        if operation.name in {"find", "count", "distinct", "rollup"}:
            if operation.transaction is not None or not process.is_reading:
                return call()
            process.line.moments.come("before load")
            answer = call()
            process.line.moments.come("after load")
            return answer
        try:
            return call()
        finally:
            if operation.name == "commit" or (operation.name == "write" and operation.transaction is None):
                process.note()


class Process:
    """One process: its store, its line to the cache, and how often it was started.

    Attributes:
        store: over the same data as that of the other.
        line: to the shared memory.
        life: tells one run of it from all others.
        is_reading: whether it is in the midst of a read.
    """

    def __init__(self, url: str, inner: Backend | None) -> None:
        self.store: ThingStore = open_store(Things, url=url, documents=DOCUMENTS, cache=None, prepare="create")
        if inner is not None:
            self.store.backend.close()
        self.inner = self.store.backend if inner is None else inner
        self.store.environment.backend = Watched(self.inner, self)
        self.life = 0
        self.is_reading = False
        self.changes: list[Applied] = []

    def begin(self, law: Law, line: Line, cache: StoreCache, life: int) -> None:
        """Start, with a cache of its own over the line."""
        self.end()
        self._law, self.line, self.life = law, line, life
        self.store.environment.cache = cache

    def end(self) -> None:
        """Stop: what it has in its own memory is gone."""
        cache, self.store.environment.cache = self.store.environment.cache, None
        if cache is not None:
            cache.close()

    def note(self) -> None:
        """Note what this process may have changed."""
        change = self._law.note(stored(self.inner))
        if change is not None:
            self.changes.append(change)
            self.line.moments.come("after commit")

    def failed(self) -> Counter[str]:
        """How many invalidations of each collection failed so far."""
        counted = self.store.cache_stats()
        return Counter({one.collection: n for one, n in counted if one.outcome == "error" and not one.method})

    def used(self) -> int:
        """How many reads went through the cache so far."""
        stats = self.store.cache_stats()
        return stats.total("hit") + stats.total("miss")


def stored(backend: Backend) -> State:
    """Everything that is stored."""

    def of(collection: str) -> list[Any]:
        return backend.find(collection, Query(), transaction=None, timeout=TIMEOUT).to_list()

    things = {one["_id"]: (one.get("group", ""), one.get("number", 0)) for one in of("things")}
    return {"things": things, "notes": {one["_id"]: () for one in of("notes")}}


@frozen
class Data:
    """Where the processes of a machine have their data."""

    processes: Sequence[Process]

    def empty(self) -> None:
        """Remove everything."""
        for collection in ("things", "notes"):
            self.processes[0].inner.remove_where(collection, EVERYTHING, transaction=None, timeout=TIMEOUT)

    def close(self) -> None:
        """Close the stores."""
        for process in self.processes:
            process.end()
            process.store.close()


def processes_at(url: str) -> Data:
    """Open the stores of two processes on one database; in memory they share the backend."""
    first = Process(url, None)
    return Data([first, Process(url, first.inner if first.inner.is_private else None)])


__all__ = ["Data", "Process", "processes_at", "stored"]
