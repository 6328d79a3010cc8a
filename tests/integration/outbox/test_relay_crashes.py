"""Processes that publish or deliver die between any two steps, or sleep beyond their lease, on a real server."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from contracts.billing import DOCUMENTS, BillingUnitOfWork, CustomerMoved
from contracts.outbox.outbox_base import BillingStore, add_mover, arrived, move, record_in, records
from sized import sized

from tristore import FixedClock, open_store
from tristore.errors import WriteConflict
from tristore.operations import OutboxRelay
from tristore.testing import MongoServer

from ..core_store import Raw
from .relay_process import DIED, POINTS

pytestmark = pytest.mark.soak

LEASE = timedelta(seconds=31)
FREE_AT_LAST = 20.0
"""Seconds in which the server has certainly ended the transaction of a process that died."""

MOVERS = 8
PATIENCE = 60.0
"""Seconds for everything to arrive, after relays were killed in the midst of transactions."""

TESTS = Path(__file__).parents[2]


@pytest.fixture
def urls(tristore_mongod: MongoServer, raw: Raw) -> Iterator[tuple[str, str]]:
    """Two databases that do not exist yet: where events come from, and where effects happen."""
    names = [f"relay_{part}_{uuid4().hex[:8]}" for part in ("source", "receiver")]
    yield tristore_mongod.url_for(names[0]), tristore_mongod.url_for(names[1])
    for name in names:
        raw.drop_database(name)


@pytest.fixture
def store(urls: tuple[str, str]) -> Iterator[BillingStore]:
    """The store that publishes."""
    store = open_store(
        BillingUnitOfWork, url=urls[0], documents=DOCUMENTS, publishes=(CustomerMoved,), prepare="create"
    )
    yield store
    store.close()


@pytest.fixture
def receiver(urls: tuple[str, str]) -> Iterator[BillingStore]:
    """The store in which effects happen."""
    store = open_store(BillingUnitOfWork, url=urls[1], documents=DOCUMENTS, prepare="create")
    yield store
    store.close()


def die_at(point: str, urls: tuple[str, str]) -> int:
    """Run a process up to a point, and return its exit code."""
    environment = {**os.environ, "PYTHONPATH": str(TESTS)}
    command = [sys.executable, str(TESTS / "integration" / "outbox" / "relay_process.py"), *urls, point]
    return subprocess.run(command, env=environment, check=False, timeout=60).returncode


def publish_again(store: BillingStore) -> None:
    """Do what a caller does who was told nothing: the same again, until the rows of the dead process are free."""
    end = time.monotonic() + FREE_AT_LAST
    while True:
        try:
            add_mover(store, "ada", "ada/1")
        except WriteConflict:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)
        else:
            return


@pytest.mark.parametrize("point", POINTS)
def test_a_process_that_dies_leaves_one_effect(
    point: str, urls: tuple[str, str], store: BillingStore, receiver: BillingStore
) -> None:
    """X1, X5: wherever it dies, a change and its effect both happen once, or neither before it is repeated."""
    code = die_at(point, urls)
    published = [one["payload"]["city"] for one in records(store)]
    if point == "before_commit":
        publish_again(store)
    clock = FixedClock(datetime.now(UTC) + LEASE)  # by it, the lease of whoever died is over
    relay = OutboxRelay(store, clock=clock)
    relay.into(CustomerMoved, "effect", receiver, record_in)

    end = time.monotonic() + FREE_AT_LAST
    while relay.backlog().waiting and time.monotonic() < end:
        relay.run_once()
        clock.advance(LEASE)
        time.sleep(0.1)

    assert DIED == code
    assert ([] if point == "before_commit" else ["ada/1"]) == published
    assert {"ada": ["1"]} == arrived(receiver)
    assert ["done"] == [one["status"] for one in records(store)]


def test_delivered_records_expire(store: BillingStore, raw: Raw, urls: tuple[str, str]) -> None:
    """X2: the server removes a record 7 days after its delivery, and finds the others by an index."""
    store.prepare()
    indexes = raw[urls[0].rpartition("/")[2].partition("?")[0]].tristore_outbox.index_information()

    assert {7 * 86_400} == {one["expireAfterSeconds"] for one in indexes.values() if "expireAfterSeconds" in one}
    assert [(key, 1) for key in ("store", "lane", "status", "aggregateId", "era", "version", "n")] in [
        one["key"] for one in indexes.values()
    ]


@contextmanager
def relay_process(urls: tuple[str, str]) -> Iterator[subprocess.Popen[str]]:
    """A relay that delivers until the end of the block, at the latest."""
    command = [sys.executable, str(TESTS / "integration" / "outbox" / "relay_process.py"), *urls, "never"]
    environment = {**os.environ, "PYTHONPATH": str(TESTS)}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert "ready\n" == process.stdout.readline()
            yield process
        finally:
            process.kill()


@sized(15, soak=80, name="steps")
def test_relays_that_are_killed_and_paused_deliver_once_and_in_order(
    urls: tuple[str, str],
    store: BillingStore,
    receiver: BillingStore,
    steps: int,
) -> None:
    """X4, X5: one relay is killed and one sleeps far beyond its lease while events keep coming: each effect is there
    once, in the order of its aggregate."""
    movers = [add_mover(store, f"m{number}") for number in range(MOVERS)]

    def publish(number: int) -> None:
        for step in range(steps):
            move(store, movers[number], f"m{number}/{step}")
            time.sleep(0.02)

    watcher = OutboxRelay(store)
    watcher.into(CustomerMoved, "effect", receiver, record_in)
    with relay_process(urls) as killed, relay_process(urls) as paused, relay_process(urls):
        with ThreadPoolExecutor(4) as pool:
            publishing = [pool.submit(publish, number) for number in range(MOVERS)]
            time.sleep(0.5)
            paused.send_signal(signal.SIGSTOP)
            killed.kill()
            for one in publishing:
                one.result(timeout=PATIENCE)
        time.sleep(1)
        paused.send_signal(signal.SIGCONT)
        end = time.monotonic() + PATIENCE
        while watcher.backlog().waiting and time.monotonic() < end:
            time.sleep(0.1)

    expected = {f"m{number}": [str(step) for step in range(steps)] for number in range(MOVERS)}
    assert expected == arrived(receiver)
    assert {"done"} == {one["status"] for one in records(store)}
