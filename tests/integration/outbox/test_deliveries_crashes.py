"""Processes that call services and deliver are killed between any two steps, on a real server."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest
from contracts.outbox.delivered_once import (
    AFTER_LEASE,
    backlog,
    check_books,
    deliver,
    deliver_all,
    open_at,
    settle_in,
)

from tristore import FixedClock
from tristore.testing import MongoServer
from tristore.three_stores import Stores

from ..core_store import Raw
from .deliveries_process import POINTS, SOURCES

pytestmark = pytest.mark.soak

NAMES = ("core", "analytics", "systemlogs")
TESTS = Path(__file__).parents[2]

FREE_AT_LAST = 20.0
"""Seconds in which the server has certainly ended the transaction of a process that died."""


@pytest.fixture
def urls(tristore_mongod: MongoServer, raw: Raw) -> Iterator[dict[str, str]]:
    """Three databases that do not exist yet."""
    names = {store: f"killed_{store}_{uuid4().hex[:8]}" for store in NAMES}
    yield {store: tristore_mongod.url_for(name) for store, name in names.items()}
    for name in names.values():
        raw.drop_database(name)


@pytest.fixture
def clock() -> FixedClock:
    """A clock by which the process that is killed began just now."""
    return FixedClock(datetime.now(UTC))


@pytest.fixture
def stores(urls: dict[str, str], clock: FixedClock) -> Iterator[Stores]:
    """The stores there, prepared, with users and a project."""
    with open_at(urls, clock) as stores:
        stores.prepare()
        settle_in(stores)
        yield stores


def run_until_killed(urls: dict[str, str], source: str, point: str) -> int:
    """Run a process up to a point, and return what it ended with."""
    program = str(TESTS / "integration" / "outbox" / "deliveries_process.py")
    command = [sys.executable, program, *(urls[name] for name in NAMES), source, point]
    environment = {**os.environ, "PYTHONPATH": str(TESTS)}
    return subprocess.run(command, env=environment, check=False, timeout=60).returncode


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("source", ["core", "analytics"])
def test_a_process_that_is_killed_leaves_one_entry_or_none(
    source: str, point: str, urls: dict[str, str], stores: Stores, clock: FixedClock
) -> None:
    """X1, X5: killed before its commit a deed is neither done nor told; killed later, it is audited or counted once."""
    code = run_until_killed(urls, source, point)
    end = time.monotonic() + FREE_AT_LAST
    while deliver_all(stores, clock) and time.monotonic() < end:
        time.sleep(0.1)
    clock.advance(AFTER_LEASE)
    again = deliver(stores, clock)

    done = 0 if point == "before_commit" else 1
    assert -signal.SIGKILL == code
    assert tuple(done if name == source else 0 for name in SOURCES) == check_books(stores)
    assert (0, 0) == (again, backlog(stores, clock))
