"""Many relays on one outbox, and one that sleeps beyond its lease with a lane in its hands."""

import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from contracts.billing import DOCUMENTS, BillingUnitOfWork, CustomerMoved
from contracts.outbox.outbox_base import BillingStore, add_mover, arrived, move, record_in, records

from tristore import open_store
from tristore.operations import OutboxRelay
from tristore.testing import MongoServer

from ..core_store import Raw, RawDatabase, database_name, eventually
from .test_relay_crashes import relay_process

pytestmark = pytest.mark.soak

RELAYS = 16
LEASE = timedelta(seconds=1)
MOVERS, STEPS = 16, 20
PATIENCE = 60.0
"""Seconds in which everything has certainly arrived."""


@pytest.fixture
def urls(tristore_mongod: MongoServer, raw: Raw) -> Iterator[tuple[str, str]]:
    """Two databases that do not exist yet: where events come from, and where effects happen."""
    names = [f"crowd_{part}_{uuid4().hex[:8]}" for part in ("source", "receiver")]
    yield tristore_mongod.url_for(names[0]), tristore_mongod.url_for(names[1])
    for name in names:
        raw.drop_database(name)


@pytest.fixture
def opened(urls: tuple[str, str]) -> Iterator[tuple[BillingStore, BillingStore]]:
    """The store that publishes, and the one in which effects happen."""
    given: Any = {"documents": DOCUMENTS, "prepare": "create"}
    store = open_store(BillingUnitOfWork, url=urls[0], publishes=(CustomerMoved,), **given)
    receiver = open_store(BillingUnitOfWork, url=urls[1], **given)
    yield store, receiver
    store.close()
    receiver.close()


def pause_with_a_lane(process: "subprocess.Popen[str]", database: RawDatabase) -> tuple[str, int]:
    """Stop a relay at a moment at which it has a lane; return the lane and its fence."""
    mine = {"owner": {"$regex": f":{process.pid}:"}}
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        process.send_signal(signal.SIGSTOP)
        lane = database["tristore_lanes"].find_one({**mine, "until": {"$gt": datetime.now(UTC)}})
        if lane is not None:
            return lane["_id"], lane["fence"]
        process.send_signal(signal.SIGCONT)
        time.sleep(0.003)
    raise AssertionError("the process never had a lane")


def test_sixteen_relays_and_one_that_sleeps_beyond_its_lease(
    urls: tuple[str, str], opened: tuple[BillingStore, BillingStore], raw: Raw
) -> None:
    """X4, X5: others take the lane of the sleeper, its fence rises, and each effect is there once and in order."""
    store, receiver = opened
    database = raw[database_name(urls[0])]
    movers = [add_mover(store, f"m{number}") for number in range(MOVERS)]
    stop = threading.Event()

    def relay() -> OutboxRelay:
        made = OutboxRelay(store, lease=LEASE)
        made.into(CustomerMoved, "effect", receiver, record_in)
        return made

    def publish(number: int) -> None:
        for step in range(STEPS):
            move(store, movers[number], f"m{number}/{step}")

    def taken_over() -> bool:
        return database["tristore_lanes"].count_documents({"_id": lane, "fence": {"$gt": fence}}) == 1

    with relay_process(urls) as sleeper, ThreadPoolExecutor(RELAYS + 4) as pool:
        try:
            working = [pool.submit(publish, number) for number in range(MOVERS // 2)]
            lane, fence = pause_with_a_lane(sleeper, database)
            relays = [pool.submit(relay().run, stop, poll=0.01) for _ in range(RELAYS)]
            working += [pool.submit(publish, number) for number in range(MOVERS // 2, MOVERS)]
            for one in working:
                one.result(timeout=PATIENCE)
            met = eventually(taken_over, PATIENCE)
            sleeper.send_signal(signal.SIGCONT)
            done = eventually(lambda: relay().backlog().waiting == 0, PATIENCE)
        finally:
            stop.set()
        for running in relays:
            running.result(timeout=PATIENCE)

    assert (True, True) == (met, done)
    assert {f"m{number}": [str(step) for step in range(STEPS)] for number in range(MOVERS)} == arrived(receiver)
    assert {"done"} == {one["status"] for one in records(store)}
