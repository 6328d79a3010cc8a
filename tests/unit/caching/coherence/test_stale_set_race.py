"""The race of a slow reader against a commit: nothing stale stays, while the plain way leaves stale results behind."""

import os
import random
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO
from uuid import uuid4

import pytest
from sized import sized

from tristore import CacheSettings
from tristore.testing import MongoServer, RedisServer

from .racing import SCHEMES, Racer, racers

TESTS = Path(__file__).parents[3]
READERS = 3
PAUSE = 0.008
"""Seconds that a load takes at most; the writer begins after half of them at the latest."""


@pytest.fixture(scope="module")
def redis() -> Iterator[RedisServer]:
    """A Redis."""
    with RedisServer() as server:
        yield server


def stale_rounds(rounds: int, race: Callable[[int], None], ask: Callable[[int], int]) -> int:
    """Let each round end, then ask once more; count the rounds in which the answer was not the last commit."""
    stale = 0
    for round_ in range(1, rounds + 1):
        race(round_)
        stale += ask(round_) != round_
    return stale


def in_threads(racer: Racer, rounds: int) -> int:
    """Race with threads of this process."""
    draw = random.Random(1)
    with ThreadPoolExecutor(READERS + 1) as pool:

        def race(round_: int) -> None:
            start = threading.Barrier(READERS + 1)

            def write(wait: float) -> None:
                start.wait()
                threading.Event().wait(wait)
                racer.write(round_)

            def read(pause: float) -> None:
                start.wait()
                racer.read(round_, pause)

            writing = pool.submit(write, draw.random() * PAUSE / 2)
            for reading in [pool.submit(read, draw.random() * PAUSE) for _ in range(READERS)]:
                reading.result(30)
            writing.result(30)

        return stale_rounds(rounds, race, lambda round_: racer.read(round_, 0.0))


@sized(80, soak=500, name="rounds")
@pytest.mark.parametrize("shared", [False, True], ids=["bounded", "redis"])
@pytest.mark.parametrize("backend", ["memory", "mongo"])
def test_threads(tristore_mongod: MongoServer, redis: RedisServer, backend: str, shared: bool, rounds: int) -> None:
    """C3: readers and a writer in threads; once all are quiet, a cached read is the last commit in every round."""
    settings = CacheSettings(url=redis.url if shared else "memory://", prefix=uuid4().hex[:8])
    url = "memory://" if backend == "memory" else tristore_mongod.url_for(f"race_{uuid4().hex[:8]}")
    with racers(url, settings, rounds=rounds) as ways:
        stale = {scheme: in_threads(ways[scheme], rounds) for scheme in SCHEMES}

    sys.stdout.write(f"\nstale after quiet, of {rounds} rounds: {stale}\n")
    assert stale["deletion"] > 0, "the race never happened: the look proves nothing"
    assert 0 == stale["tristore"]


class Process:
    """A racer in a process of its own."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._in: IO[str] = process.stdin
        self._out: IO[str] = process.stdout

    def tell(self, *words: object) -> None:
        """Begin."""
        print(*words, file=self._in, flush=True)

    def answer(self) -> str:
        """Wait for the answer."""
        return self._out.readline().strip()


@contextmanager
def processes(*arguments: str) -> Iterator[list[Process]]:
    """The readers and the writer, ready."""
    command = [sys.executable, str(TESTS / "unit" / "caching" / "coherence" / "racing.py"), *arguments]
    environment = {**os.environ, "PYTHONPATH": str(TESTS)}
    with ExitStack() as stack:
        started = [
            stack.enter_context(
                subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            )
            for _ in range(READERS)
        ]
        found = [Process(one) for one in started]
        assert ["ready"] * READERS == [one.answer() for one in found]
        yield found
        for one in started:
            assert one.stdin is not None
            one.stdin.close()


@sized(80, soak=500, name="rounds")
def test_processes(tristore_mongod: MongoServer, redis: RedisServer, rounds: int) -> None:
    """C3, C10: the same with readers and a writer in processes of their own, who share a Redis."""
    url = tristore_mongod.url_for(f"race_{uuid4().hex[:8]}")
    settings = CacheSettings(url=redis.url, prefix=uuid4().hex[:8])
    stale = {}
    with racers(url, settings, rounds=rounds), processes(url, settings.url, settings.prefix) as (writer, *readers):
        for scheme in SCHEMES:
            draw = random.Random(2)

            def race(round_: int, scheme: str = scheme, draw: random.Random = draw) -> None:
                for reader in readers:
                    reader.tell(scheme, "read", round_, draw.random() * PAUSE)
                writer.tell(scheme, "write", round_, draw.random() * PAUSE / 2)
                assert str(round_) == writer.answer()
                assert {str(round_), "0"} >= {reader.answer() for reader in readers}

            def ask(round_: int, scheme: str = scheme) -> int:
                readers[0].tell(scheme, "read", round_, 0)
                return int(readers[0].answer())

            stale[scheme] = stale_rounds(rounds, race, ask)

    sys.stdout.write(f"\nstale after quiet, of {rounds} rounds: {stale}\n")
    assert stale["deletion"] > 0, "the race never happened: the look proves nothing"
    assert 0 == stale["tristore"]
