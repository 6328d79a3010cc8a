"""A process that is cut off from the cache that others go on using: what it commits, and what each of them reads."""

import time
from collections.abc import Iterator

import pytest
from attrs import frozen

from tristore import CacheSettings
from tristore.operations import OutboxRelay
from tristore.testing import RedisServer

from ..core_store import CoreStore, OpenCore, save, user
from .cached_load import cached, credit, failed_invalidations, hits, until
from .line import Line


@pytest.fixture(scope="module")
def redis() -> Iterator[RedisServer]:
    """A Redis of these tests' own."""
    with RedisServer(own=True) as server:
        yield server


@pytest.fixture
def line(redis: RedisServer) -> Iterator[Line]:
    """What connects the one process with Redis."""
    with Line(redis.url) as line:
        yield line


@frozen
class Two:
    """The store as two processes have it.

    Attributes:
        here: whose line to the cache can be cut.
        there: which always reaches it.
        id: of a user who has no credits, and is cached.
    """

    here: CoreStore
    there: CoreStore
    id: object


def two(open_core: OpenCore, redis: RedisServer, line: Line, *, strict: bool = False) -> Two:
    """Open them."""
    here = open_core(cache=CacheSettings(url=line.url, strict=strict))
    there = open_core(cache=CacheSettings(url=redis.url, strict=strict))
    ada = user()
    save(here, ada)
    assert [0, 0] == [cached(there, ada.id), cached(there, ada.id)]
    assert 1 == hits(there)
    return Two(here, there, ada.id)


@pytest.fixture
def both(open_core: OpenCore, redis: RedisServer, line: Line) -> Two:
    """The store as two processes have it."""
    return two(open_core, redis, line)


def test_who_only_wrote_reads_nothing_old(both: Two, line: Line) -> None:
    """C18: after a failed invalidation no read of this process is stale, also if it has never read before."""
    line.cut()
    assert 1 == credit(both.here, both.id)
    assert 1 == failed_invalidations(both.here)
    assert 1 == cached(both.here, both.id)
    line.mend()
    assert 1 == cached(both.here, both.id)


def test_others_read_what_is_old_until_it_is_made_good(both: Two, line: Line) -> None:
    """C18: the others read what they have, at most for its time to live; the first reads after the cut end that."""
    line.cut()
    credit(both.here, both.id)
    assert 0 == cached(both.there, both.id)
    line.mend()
    assert until(lambda: cached(both.here, both.id) == cached(both.there, both.id) == 1)
    before = hits(both.here)
    assert until(lambda: cached(both.here, both.id) == 1 and hits(both.here) > before)


def test_the_next_commit_makes_good_what_failed(both: Two, line: Line) -> None:
    """C4, C18: a process that only writes pays its debts with fresh tokens, in the round trip of its next commit."""
    line.cut()
    credit(both.here, both.id)
    line.mend()
    save(both.here, user("bob"))
    assert 1 == cached(both.there, both.id)


def test_its_time_to_live_ends_what_is_old(open_core: OpenCore, redis: RedisServer, nobody: int) -> None:
    """C13, C18: what a process could never invalidate is seen for one time to live at most."""
    here = open_core(cache=CacheSettings(url=f"redis://127.0.0.1:{nobody}/0"))
    there = open_core(cache=CacheSettings(url=redis.url))
    ada = user()
    save(there, ada)
    assert 0 == cached(there, ada.id, ttl=1)
    cached_at = time.monotonic()
    credit(here, ada.id)
    while (seen := cached(there, ada.id, ttl=1)) == 0 and time.monotonic() < cached_at + 10:
        time.sleep(0.02)
    assert 1 == seen
    assert 0.5 < time.monotonic() - cached_at < 3


def test_the_outbox_makes_good_what_failed(open_core: OpenCore, redis: RedisServer, line: Line) -> None:
    """C12, C18: with strict another process makes it good from the outbox, though the writer never comes back."""
    both = two(open_core, redis, line, strict=True)
    line.cut()
    credit(both.here, both.id)
    both.here.close()
    assert 0 == cached(both.there, both.id)
    relay = OutboxRelay(both.there)
    relay.run_once()
    assert 1 == cached(both.there, both.id)
