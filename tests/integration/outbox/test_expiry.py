"""What is kept for a time only: the server itself removes receipts, keys and delivered records after 7 days."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from contracts.billing import DOCUMENTS, BillingUnitOfWork, Customer, CustomerId, CustomerMoved, customer
from contracts.outbox.outbox_base import BillingStore, Blocked, add_mover
from pymongo.collection import Collection

from tristore import new_id, open_store
from tristore.operations import OutboxRelay

from ..core_store import Raw, RawDatabase, database_name, eventually

OLD, YOUNG = timedelta(days=8), timedelta(days=6)
AGES = (OLD, YOUNG)

SEEN_TO = 30.0
"""Seconds in which the server of the tests, which looks every second instead of every minute, has certainly looked."""


@pytest.fixture
def store(mongo_url: str) -> Iterator[BillingStore]:
    """A store that leaves receipts and publishes."""
    store = open_store(
        BillingUnitOfWork,
        url=mongo_url,
        documents=DOCUMENTS,
        publishes=(CustomerMoved, Blocked),
        receipts=True,
        prepare="create",
    )
    store.prepare()
    yield store
    store.close()


@pytest.fixture
def database(mongo_url: str, raw: Raw) -> RawDatabase:
    """Its database, through a bare client."""
    return raw[database_name(mongo_url)]


def grow_old(collection: Collection[dict[str, Any]], key: str, age: timedelta) -> None:
    """Let what was recorded just now have been recorded some days ago: nobody can wait for that long."""
    now = datetime.now(UTC)
    collection.update_many({key: {"$gt": now - timedelta(hours=1)}}, {"$set": {key: now - age}})


def add(new: Customer, billing: BillingUnitOfWork) -> None:
    """Store a customer."""
    billing.customers.add(new)


def test_receipts_and_keys_expire(store: BillingStore, database: RawDatabase) -> None:
    """U6: what was recorded of keys and units 8 days ago is removed, of 6 days stays; what they wrote stays too."""

    for age in AGES:
        one = customer(f"{age.days}@example.org")
        store.run(partial(add, one), key=f"of {age.days} days")
        grow_old(database["tristore_units"], "at", age)

    assert eventually(lambda: "run:billing:of 8 days" not in database["tristore_units"].distinct("_id"), SEEN_TO)
    assert eventually(lambda: database["tristore_units"].count_documents({}) == 2)
    assert "run:billing:of 6 days" in database["tristore_units"].distinct("_id")
    assert 2 == database["customers"].count_documents({})


def test_delivered_records_expire(store: BillingStore, database: RawDatabase) -> None:
    """X2: a record that was delivered 8 days ago is removed; one of 6 days stays, and one that waits, however old."""
    relay = OutboxRelay(store)
    relay.on(CustomerMoved, "nothing", lambda event, delivery: None)
    with store.unit_of_work() as billing:
        billing.publish(Blocked(customer_id=CustomerId(new_id()), reason="waits"))
    for age in AGES:
        add_mover(store, f"m{age.days}", f"delivered {age.days}")
        relay.run_once()
        grow_old(database["tristore_outbox"], "doneAt", age)

    assert eventually(lambda: "delivered 8" not in database["tristore_outbox"].distinct("payload.city"), SEEN_TO)
    assert ["delivered 6"] == database["tristore_outbox"].distinct("payload.city")
    assert ["waits"] == database["tristore_outbox"].distinct("payload.reason")
