"""A Redis that stands still during a commit, and a cache that accepts and never answers."""

import socket
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from uuid import uuid4

import pytest
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
