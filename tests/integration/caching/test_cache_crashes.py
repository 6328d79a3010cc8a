"""A process that dies when its commit is applied and the cache does not know: what the others read then."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import pytest
from contracts.caching.caching_base import DOCUMENTS, Thing, Things, ThingStore, number_of, outcomes, read, save

from tristore import CacheSettings, open_store
from tristore.operations import OutboxRelay
from tristore.testing import RedisServer

from .cache_process import WORK

pytestmark = pytest.mark.soak

TESTS = Path(__file__).parents[2]
TTL = 2.0
LONG = 3_600.0
TRANSACTIONS = sorted({*WORK} - {"in_a_bulk"})

Run = Callable[[str, str], "Prepared"]


@pytest.fixture(scope="module")
def redis() -> Iterator[RedisServer]:
    """A Redis."""
    with RedisServer() as server:
        yield server


class Prepared:
    """A process that waits for the word to begin."""

    def __init__(self, *arguments: str) -> None:
        command = [sys.executable, str(TESTS / "integration" / "caching" / "cache_process.py"), *arguments]
        environment = {**os.environ, "PYTHONPATH": str(TESTS)}
        self._process = subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        assert "ready\n" == self._process.stdout.readline()

    def go(self) -> tuple[int, str]:
        """Let it begin and come to its end; return its exit code, and what it said."""
        said, _ = self._process.communicate("\n", timeout=60)
        return self._process.returncode, said.strip()


@pytest.fixture
def prefix() -> str:
    """Names the entries of one test."""
    return uuid4().hex[:8]


@pytest.fixture
def process(mongo_url: str, redis: RedisServer, prefix: str) -> Run:
    """Start a process of this kind with this work."""
    return lambda kind, work: Prepared(mongo_url, redis.url, prefix, kind, work)


@pytest.fixture
def here(mongo_url: str, redis: RedisServer, prefix: str, kind: str) -> Iterator[ThingStore]:
    """The store as this process has it, which reads, with one thing; nothing waits in its outbox."""
    cache = CacheSettings(url=redis.url, prefix=prefix, strict=kind == "strict")
    with closing(open_store(Things, url=mongo_url, documents=DOCUMENTS, cache=cache, prepare="create")) as store:
        save(store, Thing(id=1))
        if kind == "strict":
            OutboxRelay(store).run_once()
        yield store


def seen(store: ThingStore, ttl: float) -> list[int]:
    """The number of the thing, by its id and by a query, through the cache."""
    return [number_of(store, 1, ttl=ttl), read(store, lambda t: t.find(), ttl=ttl)[0].number]


def truth(store: ThingStore) -> int:
    """The number of the thing, past the cache."""
    with store.reader() as reader:
        return reader.things.get(1).number


@pytest.mark.parametrize(("kind", "work"), [("strict", work) for work in TRANSACTIONS])
def test_a_relay_makes_good_what_a_dead_process_left_out(here: ThingStore, process: Run, kind: str, work: str) -> None:
    """C12: killed between commit and invalidation; a relay in another process runs, and reads are fresh, and found."""
    dying, relay = process(kind, work), process(kind, "relay")
    assert [0, 0] == seen(here, LONG)
    assert -signal.SIGKILL == dying.go()[0]
    assert 1 == truth(here)
    assert [0, 0] == seen(here, LONG), "the process told the cache before it died: the test shows nothing"

    assert (0, "1") == relay.go()
    assert [1, 1] == seen(here, LONG)
    before = outcomes(here, "hit")[0]
    assert [1, 1] == seen(here, LONG)
    assert before + 2 == outcomes(here, "hit")[0]


@pytest.mark.parametrize(("kind", "work"), [("plain", "in_a_unit"), ("strict", "in_a_bulk")])
def test_the_time_to_live_ends_what_a_dead_process_left_out(
    here: ThingStore, process: Run, kind: str, work: str
) -> None:
    """C12, C13: without a record reads are stale for one time to live at most; of a bulk there is none in any store."""
    dying = process(kind, work)
    began = time.monotonic()
    assert [0, 0] == seen(here, TTL)
    kept = time.monotonic()
    assert -signal.SIGKILL == dying.go()[0]
    assert 1 == truth(here)
    stale = seen(here, TTL)
    if time.monotonic() < began + TTL:  # on a machine that is not busy
        assert [0, 0] == stale

    time.sleep(max(0.0, kept + TTL - time.monotonic()))
    assert [1, 1] == seen(here, TTL)
