"""What a cache that does not answer costs its readers, and what is counted and logged of it."""

import logging
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from tristore import CacheSettings
from tristore.testing import RedisServer

from ..core_store import CoreStore, OpenCore, save, user
from .cached_load import cached, credit, failed_invalidations, hits, until
from .line import Line

ERRORS, PAUSE = 5, 5.0
"""After how many failures in a row a cache is left alone, and for how many seconds."""

ADDED = 0.3
"""Seconds that a cache may add to a read that finds it dead."""

BUSY = 0.3
"""Seconds that a busy machine may take for the read itself."""


@pytest.fixture
def black_hole() -> Iterator[str]:
    """The URL of a cache that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=256) as listener:
        yield f"redis://127.0.0.1:{listener.getsockname()[1]}/0"


@pytest.fixture(scope="module")
def redis() -> Iterator[RedisServer]:
    """A Redis of these tests' own."""
    with RedisServer(own=True) as server:
        yield server


@pytest.fixture
def short_pause(monkeypatch: pytest.MonkeyPatch) -> float:
    """Seconds for which a cache is left alone here: a fifth, for tests that wait for the end of it."""
    pause = PAUSE / 5
    monkeypatch.setattr("tristore.adapters.caching.regions.breaker.PAUSE", pause)
    return pause


def bypasses(store: CoreStore) -> dict[str, int]:
    """How many reads went past the cache, by reason."""
    return {counted.reason: number for counted, number in store.cache_stats() if counted.outcome == "bypass"}


def test_a_hundred_reads_at_a_black_hole(open_core: OpenCore, black_hole: str) -> None:
    """C17: they take under 3 s: five wait for the cache, the others do not ask it; the counters say which."""
    store = open_core(cache=CacheSettings(url=black_hole))
    ada = user()
    with store.bulk() as core:
        core.users.add_many([ada])
    store.close()  # so that no failed invalidation is among what is counted
    store = open_core(cache=CacheSettings(url=black_hole))
    took = []
    for _ in range(100):
        began = time.monotonic()
        assert 0 == cached(store, ada.id)
        took.append(time.monotonic() - began)
    assert sum(took) < 3
    assert max(took) < ADDED + BUSY
    stats = store.cache_stats()
    assert (ERRORS, {"breaker open": 100 - ERRORS}) == (stats.total("error"), bypasses(store))
    assert "bypass 95 (breaker open 95), error 5" in str(stats)


def test_a_paused_redis_adds_little(open_core: OpenCore) -> None:
    """C17: a read that finds Redis paused takes less than 0.3 s more; after five of them none does."""
    with RedisServer(own=True) as redis:
        store = open_core(cache=CacheSettings(url=redis.url))
        ada = user()
        save(store, ada)
        assert [0, 0] == [cached(store, ada.id), cached(store, ada.id)]
        redis.process.pause()
        for number in range(ERRORS + 20):
            began = time.monotonic()
            assert 0 == cached(store, ada.id)
            assert time.monotonic() - began < (ADDED if number < ERRORS else 0) + BUSY
        assert {"breaker open": 20} == bypasses(store)
        before = hits(store)
        redis.process.resume()
        assert until(lambda: cached(store, ada.id) == 0 and hits(store) > before)


def test_who_waits_for_a_load_does_not_wait_for_the_cache_too(
    open_core: OpenCore, redis: RedisServer, failpoint: object
) -> None:
    """C15, C17: eight readers of one key, whose cache dies during the load, do not wait for it one after the other."""
    with Line(redis.url) as line:
        store = open_core(cache=CacheSettings(url=line.url))
        ada = user()
        save(store, ada)
        cached(store, ada.id)
        credit(store, ada.id)
        took: list[float] = []

        def read() -> None:
            began = time.monotonic()
            assert 1 == cached(store, ada.id)
            took.append(time.monotonic() - began)

        load = 0.3
        with failpoint(["find"], times=None, blockConnection=True, blockTimeMS=int(load * 1000)):  # type: ignore[operator]
            threads = [threading.Thread(target=read) for _ in range(8)]
            for thread in threads:
                thread.start()
            time.sleep(load / 2)
            line.cut()
            for thread in threads:
                thread.join()
        assert 8 == len(took)
        assert max(took) < 2 * load + ADDED + BUSY


def test_what_is_logged(
    open_core: OpenCore, redis: RedisServer, caplog: pytest.LogCaptureFixture, short_pause: float
) -> None:
    """C22: one line when it begins and one when it is over, however many reads and commits there are meanwhile."""
    caplog.set_level(logging.WARNING, "tristore.cache")
    with Line(redis.url) as line:
        store = open_core(cache=CacheSettings(url=line.url))
        ada = user()
        save(store, ada)
        cached(store, ada.id)
        line.cut()
        for _ in range(10):
            credit(store, ada.id)
            cached(store, ada.id)
        assert 10 == failed_invalidations(store)
        began = [record.getMessage() for record in caplog.records]
        line.mend()
        assert until(lambda: cached(store, ada.id) == 10 and hits(store) > 0, timeout=20 * short_pause)
        over = [record.getMessage() for record in caplog.records][len(began) :]
    assert [
        f"store under-test: what was committed could not be invalidated in the cache at {line.url} (TimeoutError); "
        "this process reads past it until that is made good, others may read what is old until its time to live is "
        "over",
        f"the cache at {line.url} has failed 5 times in a row (TimeoutError): it is left alone, and tried again every "
        f"{short_pause:g} s",
    ] == began
    assert [
        f"the cache at {line.url} answers again",
        f"store under-test: the cache at {line.url} is up to date again, and used again: users",
    ] == over
