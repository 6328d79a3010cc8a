"""A Redis that is killed, paused and started again while threads read through it and write beside it."""

import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from uuid import uuid4

import pytest
from attrs import define, field
from contracts.caching_base import DOCUMENTS, Thing, Things, ThingStore, change, number_of, outcomes, save

from tristore import CacheSettings, OutboxRelay, open_store
from tristore.adapters.testing.redis_server import RedisServer

from .core_store import eventually

THINGS = 4
READERS = 3
PATIENCE = 20.0
"""Seconds in which a cache that is back is used again: it is left alone for five at most."""


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    """A Redis of the test's own."""
    with RedisServer(own=True) as server:
        yield server


@contextmanager
def opened(url: str, cache: CacheSettings) -> Iterator[ThingStore]:
    """Open a store."""
    with closing(open_store(Things, url=url, documents=DOCUMENTS, cache=cache, prepare="create")) as store:
        yield store


@define
class Load:
    """Readers and a writer of a few things, until they are told to stop.

    Attributes:
        reads: how many were answered.
        old: those that were older than a commit that had returned before they began.
        slowest: seconds of the slowest read since somebody last asked.
    """

    store: ThingStore
    reads: int = 0
    old: list[str] = field(factory=list)
    errors: list[Exception] = field(factory=list)
    slowest: float = 0.0
    _committed: list[int] = field(factory=lambda: [0] * THINGS)
    _stop: threading.Event = field(factory=threading.Event)
    _lock: threading.Lock = field(factory=threading.Lock)
    _threads: list[threading.Thread] = field(factory=list)

    def __enter__(self) -> "Load":
        """Begin."""
        save(self.store, *(Thing(id=number) for number in range(THINGS)))
        self._threads = [threading.Thread(target=self._guarded, args=(self._read,)) for _ in range(READERS)]
        self._threads.append(threading.Thread(target=self._guarded, args=(self._write,)))
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End."""
        self._stop.set()
        for thread in self._threads:
            thread.join(30)

    def goes_on(self) -> None:
        """Wait until every reader has read several times more."""
        before = self.reads
        assert eventually(lambda: self.reads > before + 50 * READERS or bool(self.errors), PATIENCE)

    def is_kept_again(self) -> None:
        """Wait until reads are hits again."""
        before = outcomes(self.store, "hit")[0]
        assert eventually(lambda: outcomes(self.store, "hit")[0] > before + 50, PATIENCE)

    def _guarded(self, work: Callable[[int], None]) -> None:
        turn = 0
        try:
            while not self._stop.is_set():
                work(turn % THINGS)
                turn += 1
        except Exception as error:  # noqa: BLE001 - the test shows whatever it is
            self.errors.append(error)

    def _read(self, id_: int) -> None:
        committed, began = self._committed[id_], time.monotonic()
        found = number_of(self.store, id_, ttl=60)
        took = time.monotonic() - began
        with self._lock:
            self.reads += 1
            self.slowest = max(self.slowest, took)
            if found < committed:
                self.old.append(f"thing {id_}: {found} after the commit of {committed}")

    def _write(self, id_: int) -> None:
        number = self._committed[id_] + 1
        change(self.store, id_, number=number)
        self._committed[id_] = number
        self._stop.wait(0.02)


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_a_redis_that_comes_and_goes(mongo_url: str, redis: RedisServer) -> None:
    """C16, C17, C18: whatever happens to Redis, reads are answered, never older than a commit, and kept again later."""
    settings = CacheSettings(url=redis.url, prefix=uuid4().hex[:8])
    slowest: dict[str, float] = {}
    with opened(mongo_url, settings) as store, Load(store) as load:
        load.goes_on()
        load.is_kept_again()
        for trouble, back in (
            (redis.process.kill, redis.restart),
            (redis.process.pause, redis.process.resume),
            (redis.restart, lambda: None),
        ):
            load.slowest = 0.0
            trouble()
            load.goes_on()
            slowest[trouble.__name__] = load.slowest
            back()
            load.goes_on()
            load.is_kept_again()
    counted = store.cache_stats()

    sys.stdout.write(f"\nslowest read in s: {slowest}\nreads: {load.reads:,}; {counted}\n")
    assert ([], []) == (load.errors, load.old)
    assert counted.total("error") > 0


@pytest.mark.slow
def test_what_a_paused_redis_kept_is_not_revived(mongo_url: str, redis: RedisServer) -> None:
    """C18: a Redis that stands still during a commit wakes with what it kept before; nobody here finds it again."""
    settings = CacheSettings(url=redis.url, prefix=uuid4().hex[:8])
    with opened(mongo_url, settings) as store:
        save(store, Thing(id=1))
        assert [0, 0] == [number_of(store, 1) for _ in range(2)]
        redis.process.pause()
        change(store, 1, number=1)
        assert 1 == number_of(store, 1)
        redis.process.resume()

        assert [1] * 50 == [number_of(store, 1) for _ in range(50)]
        before = outcomes(store, "hit")[0]
        assert eventually(lambda: number_of(store, 1) == 1 and outcomes(store, "hit")[0] > before, PATIENCE)


@pytest.mark.slow
def test_a_strict_store_makes_good_for_others(mongo_url: str, redis: RedisServer) -> None:
    """C12, C18: what one process could not invalidate, a relay does later; the others then read what was committed."""
    settings = CacheSettings(url=redis.url, prefix=uuid4().hex[:8], strict=True)
    with ExitStack() as stack:
        writer, reader = (stack.enter_context(opened(mongo_url, settings)) for _ in range(2))
        save(writer, Thing(id=1))
        relay = OutboxRelay(reader)
        relay.run_once()
        assert [0, 0] == [number_of(reader, 1, ttl=3_600) for _ in range(2)]
        redis.process.pause()
        change(writer, 1, number=1)
        redis.process.resume()
        assert eventually(lambda: relay.run_once().delivered > 0, PATIENCE)

        assert eventually(lambda: number_of(reader, 1, ttl=3_600) == 1, PATIENCE)
        before = outcomes(reader, "hit")[0]
        assert eventually(lambda: number_of(reader, 1) == 1 and outcomes(reader, "hit")[0] > before, PATIENCE)


@pytest.mark.slow
def test_a_cache_that_accepts_and_never_answers(mongo_url: str) -> None:
    """C17: a hundred reads beside a black hole take less than 3 s in all, once it is left alone nothing at all."""
    with socket.socket() as hole:
        hole.bind(("127.0.0.1", 0))
        hole.listen(64)
        settings = CacheSettings(url=f"redis://127.0.0.1:{hole.getsockname()[1]}/0")
        with opened(mongo_url, CacheSettings(url="null://")) as other:
            save(other, Thing(id=1))
        with opened(mongo_url, settings) as store:
            began = time.monotonic()
            assert [0] * 100 == [number_of(store, 1) for _ in range(100)]
            took = time.monotonic() - began
            began = time.monotonic()
            assert [0] * 100 == [number_of(store, 1) for _ in range(100)]
            after = time.monotonic() - began

    sys.stdout.write(f"\n100 reads beside a black hole: {took:.2f} s, the next 100: {after:.2f} s\n")
    assert took < 3
    assert after < took
