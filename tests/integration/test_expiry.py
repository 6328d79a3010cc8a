"""What is kept for a time only: the server itself removes receipts, keys and delivered records after 7 days."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from contracts.billing import DOCUMENTS, BillingUnitOfWork, Customer, CustomerId, CustomerMoved, customer
from contracts.outbox_base import BillingStore, Blocked, add_mover
from pymongo import MongoClient

from tristore import FixedClock, OutboxRelay, new_id, open_store
from tristore.adapters.testing.mongod_process import REPLICA_SET, MongodProcess, find_mongod
from tristore.adapters.testing.server import MongoServer

from .core_store import RawDatabase, eventually

OLD, YOUNG = timedelta(days=8), timedelta(days=6)
AGES = (OLD, YOUNG)

SEEN_TO = 30.0
"""Seconds in which a server that looks every second has certainly looked."""


@pytest.fixture(scope="module")
def server(tristore_mongod: MongoServer) -> Iterator[str]:
    """The host of a server that looks for what has expired every second instead of every minute.

    Where the replica set was skipped, this is too.
    """
    process = MongodProcess(find_mongod(), replica_set=True, parameters={"ttlMonitorSleepSecs": "1"})
    host = f"127.0.0.1:{process.port}"
    with MongoClient[dict[str, Any]](host, directConnection=True) as client:
        client.admin.command("replSetInitiate", {"_id": REPLICA_SET, "members": [{"_id": 0, "host": host}]})
        ready = eventually(lambda: bool(client.admin.command("hello")["isWritablePrimary"]), SEEN_TO)
    assert ready
    yield host
    process.stop()


@pytest.fixture
def database(server: str) -> Iterator[RawDatabase]:
    """Its database, through a bare client."""
    with MongoClient[dict[str, Any]](server, replicaSet=REPLICA_SET) as client:
        yield client["expiry"]
        client.drop_database("expiry")


@pytest.fixture
def clock() -> FixedClock:
    """A clock by which the test begins 8 days ago."""
    return FixedClock(datetime.now(UTC) - OLD)


@pytest.fixture
def store(server: str, database: RawDatabase, clock: FixedClock) -> Iterator[BillingStore]:
    """A store that leaves receipts and publishes."""
    store = open_store(
        BillingUnitOfWork,
        url=f"mongodb://{server}/{database.name}?replicaSet={REPLICA_SET}",
        documents=DOCUMENTS,
        publishes=(CustomerMoved, Blocked),
        receipts=True,
        prepare="create",
        clock=clock,
    )
    store.prepare()
    yield store
    store.close()


def add(new: Customer, billing: BillingUnitOfWork) -> None:
    """Store a customer."""
    billing.customers.add(new)


@pytest.mark.slow
def test_receipts_and_keys_expire(store: BillingStore, database: RawDatabase, clock: FixedClock) -> None:
    """U6: what was recorded of keys and units 8 days ago is removed, of 6 days stays; what they wrote stays too."""

    for age in AGES:
        one = customer(f"{age.days}@example.org")
        store.run(partial(add, one), key=f"of {age.days} days")
        clock.advance(OLD - YOUNG)

    assert eventually(lambda: "key:of 8 days" not in database["tristore_units"].distinct("_id"), SEEN_TO)
    assert eventually(lambda: database["tristore_units"].count_documents({}) == 2)
    assert "key:of 6 days" in database["tristore_units"].distinct("_id")
    assert 2 == database["customers"].count_documents({})


@pytest.mark.slow
def test_delivered_records_expire(store: BillingStore, database: RawDatabase, clock: FixedClock) -> None:
    """X2: a record that was delivered 8 days ago is removed; one of 6 days stays, and one that waits, however old."""
    relay = OutboxRelay(store)
    relay.on(CustomerMoved, "nothing", lambda event, delivery: None)
    with store.unit_of_work() as billing:
        billing.publish(Blocked(customer_id=CustomerId(new_id()), reason="waits"))
    for age in AGES:
        add_mover(store, f"m{age.days}", f"delivered {age.days}")
        relay.run_once()
        clock.advance(OLD - YOUNG)

    assert eventually(lambda: "delivered 8" not in database["tristore_outbox"].distinct("payload.city"), SEEN_TO)
    assert ["delivered 6"] == database["tristore_outbox"].distinct("payload.city")
    assert ["waits"] == database["tristore_outbox"].distinct("payload.reason")
