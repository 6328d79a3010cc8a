"""Threads that read and write through a cache while something happens to it, and what they must never see."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from attrs import define, field

from ..core_store import CoreStore, load, save, user

USERS = 4
ENOUGH = 0.4
"""Seconds of load between two things that happen."""


def cached(store: CoreStore, id: Any, ttl: float = 300) -> int:
    """The credits of a user, read through the cache."""
    with store.reader() as core:
        return core.users.cached(ttl=ttl).get(id).credits


def cached_count(store: CoreStore, credits_: int) -> int:
    """How many users have so many credits, counted through the cache."""
    with store.reader() as core:
        return core.users.cached().count(lambda u: u.credits == credits_)


def credit(store: CoreStore, id: Any) -> int:
    """Add one credit, and return how many there are then."""
    with store.unit_of_work() as core:
        found = core.users.get(id)
        found.credits += 1
    return found.credits


def failed_invalidations(store: CoreStore) -> int:
    """How many invalidations have failed so far."""
    return store.cache_stats().total("error", method="")


def hits(store: CoreStore) -> int:
    """How many reads the cache has answered so far."""
    return store.cache_stats().total("hit")


def until(holds: Any, timeout: float = 20.0) -> bool:
    """Whether it becomes true in time."""
    end = time.monotonic() + timeout
    while not holds():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


@define
class Load:
    """Two stores as two processes have them, over one cache: one writes and reads, the other reads.

    Attributes:
        here: the store that writes.
        there: the other one.
        stale: reads that broke the law.
        errors: reads and writes that failed.
        reads, commits, failed: how many there were, and how many commits could not be invalidated.
    """

    here: CoreStore
    there: CoreStore
    stale: list[str] = field(factory=list)
    errors: list[BaseException] = field(factory=list)
    reads: int = 0
    commits: int = 0
    failed: int = 0
    _here_floor: dict[Any, int] = field(factory=dict)
    _there_floor: dict[Any, int] = field(factory=dict)
    _stop: threading.Event = field(factory=threading.Event)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Read and write until the end of the block."""
        users = [user(f"user{number}") for number in range(USERS)]
        save(self.here, *users)
        ids = [one.id for one in users]
        self._here_floor = dict.fromkeys(ids, 0)
        self._there_floor = dict.fromkeys(ids, 0)
        threads = [
            threading.Thread(target=self._shielded, args=(self._write, ids)),
            *(threading.Thread(target=self._shielded, args=(self._read, self.here, self._here_floor)) for _ in "ab"),
            *(threading.Thread(target=self._shielded, args=(self._read, self.there, self._there_floor)) for _ in "ab"),
        ]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._stop.set()
            for thread in threads:
                thread.join()

    def fresh_everywhere(self) -> bool:
        """Whether both stores show, through the cache, what is stored."""
        stores = (self.here, self.there)
        return all(load(self.here, id).credits == cached(store, id) for id in self._here_floor for store in stores)

    def _shielded(self, work: Any, *arguments: Any) -> None:
        try:
            work(*arguments)
        except BaseException as error:  # noqa: BLE001 - the test shows it
            self.errors.append(error)

    def _write(self, ids: list[Any]) -> None:
        """One thread writes, so that what is counted meanwhile is of its own commit."""
        while not self._stop.is_set():
            for id in ids:
                before = failed_invalidations(self.here)
                value = credit(self.here, id)
                self.commits += 1
                self._here_floor[id] = value
                if failed_invalidations(self.here) == before:
                    self._there_floor[id] = value
                else:
                    self.failed += 1
                time.sleep(0.005)

    def _read(self, store: CoreStore, floor: dict[Any, int]) -> None:
        while not self._stop.is_set():
            for id, least in floor.items():
                found = cached(store, id)
                self.reads += 1
                if found < least:
                    self.stale.append(f"{found} after {least}")
