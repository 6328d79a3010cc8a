"""A process that dies between its commit and the invalidation: what the others read through their shared cache."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tristore import CacheSettings, OutboxRelay
from tristore.adapters.testing.redis_server import RedisServer
from tristore.domain.core import User

from .cached_load import cached, until
from .core_store import CoreStore, OpenCore, load, save, user

TESTS = Path(__file__).parents[1]


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    """A Redis that nobody else writes to."""
    with RedisServer(own=True) as server:
        yield server


def opened(open_core: OpenCore, core_url: str, redis: RedisServer, strict: str) -> CoreStore:
    """A store of this process."""
    return open_core(url=core_url, cache=CacheSettings(url=redis.url, strict=strict == "strict"))


def crashed(store: CoreStore, core_url: str, redis: RedisServer, ada: User, strict: str) -> None:
    """Let a process commit 7 credits and die before it tells the cache."""
    command = [sys.executable, str(TESTS / "integration" / "cached_process.py"), core_url, redis.url, ada.id, strict]
    environment = {**os.environ, "PYTHONPATH": str(TESTS)}
    code = subprocess.run(command, env=environment, check=False, timeout=60).returncode

    assert -signal.SIGKILL == code
    assert 7 == load(store, ada.id).credits


@pytest.mark.slow
def test_a_strict_store_leaves_the_invalidation_to_a_relay(
    open_core: OpenCore, core_url: str, redis: RedisServer
) -> None:
    """C12: the record of the invalidation is committed with the change; once a relay has run, reads are fresh."""
    store = opened(open_core, core_url, redis, "strict")
    ada = user(credits=0)
    save(store, ada)
    relay = OutboxRelay(store)
    relay.run_once()
    assert [0, 0] == [cached(store, ada.id, ttl=3_600) for _ in range(2)]
    crashed(store, core_url, redis, ada, "strict")
    before = cached(store, ada.id, ttl=3_600)

    relay.run_once()

    assert (0, 7) == (before, cached(store, ada.id, ttl=3_600))


@pytest.mark.slow
def test_otherwise_the_time_to_live_ends_it(open_core: OpenCore, core_url: str, redis: RedisServer) -> None:
    """C12: without the record the others read what they have for one time to live, and what was committed then."""
    store = opened(open_core, core_url, redis, "no")
    ada = user(credits=0)
    save(store, ada)
    crashed_at = time.monotonic()
    assert 0 == cached(store, ada.id, ttl=20)
    crashed(store, core_url, redis, ada, "no")
    seen = cached(store, ada.id, ttl=20)

    assert seen == (0 if time.monotonic() < crashed_at + 20 else 7)
    assert until(lambda: cached(store, ada.id, ttl=1) == 7)
