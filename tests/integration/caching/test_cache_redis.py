"""A Redis that is killed, paused and started again under load: no read fails, and none is older than the law allows."""

import time
from collections.abc import Iterator

import pytest

from tristore import CacheSettings
from tristore.testing import RedisServer

from ..core_store import CoreStore, OpenCore
from .cached_load import ENOUGH, Load, hits, until


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    """A Redis of the test's own."""
    with RedisServer(own=True) as server:
        yield server


def opened(open_core: OpenCore, redis: RedisServer) -> CoreStore:
    """A store whose cache is there."""
    return open_core(cache=CacheSettings(url=redis.url))


@pytest.fixture
def under_load(open_core: OpenCore, redis: RedisServer) -> Iterator[Load]:
    """Two stores over one Redis, with threads that read and write."""
    load = Load(opened(open_core, redis), opened(open_core, redis))
    with load.running():
        time.sleep(ENOUGH)
        yield load


def check(load: Load) -> None:
    """No read failed, none was stale, and the cache is used again."""
    before = (hits(load.here), hits(load.there))
    used_again = until(lambda: hits(load.here) > before[0] + 20 and hits(load.there) > before[1] + 20)
    assert [] == load.errors
    assert [] == load.stale
    assert used_again
    assert until(load.fresh_everywhere)


def test_killed_and_restarted(under_load: Load, redis: RedisServer) -> None:
    """C16, C17, C18: dead Redis fails no read and revives nothing; an empty one in its place is used."""
    redis.process.kill()
    time.sleep(ENOUGH)
    redis.restart()
    check(under_load)


def test_paused_and_resumed(under_load: Load, redis: RedisServer) -> None:
    """C4, C18: a Redis that comes back with its old entries shows nobody what was committed over meanwhile."""
    for _ in range(2):
        redis.process.pause()
        assert until(lambda: under_load.failed > 0)
        time.sleep(ENOUGH)
        redis.process.resume()
        time.sleep(ENOUGH)
    check(under_load)


def test_restarted_at_once(under_load: Load, redis: RedisServer) -> None:
    """C3: lost tokens cost misses and revive nothing."""
    for _ in range(5):
        redis.restart()
        time.sleep(ENOUGH / 2)
    check(under_load)
