"""What the contracts of the outbox share: stores that publish, and a store that keeps what arrived."""

import itertools
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from zlib import crc32

import pytest
from attrs import frozen

from tristore import DocumentStore, Event, FixedClock, new_id, open_store
from tristore.adapters.backend import All, Query
from tristore.operations import Delivery, OutboxRelay

from ..billing import DOCUMENTS, BillingUnitOfWork, Customer, CustomerId, CustomerMoved, customer
from ..stores import BillingContract, OpenBilling

BillingStore = DocumentStore[BillingUnitOfWork]
SECOND, MINUTES = timedelta(seconds=1), timedelta(minutes=5)
ANYTHING = Query(All(()))


@frozen(kw_only=True)
class Blocked(Event):
    """Another event of a customer, with a field of each sort that matters."""

    customer_id: CustomerId
    reason: str | None = None


@frozen(kw_only=True)
class FarAway(CustomerMoved):
    """A subclass of a published event that is not published itself."""

    country: str


class OutboxContract(BillingContract):
    """The fixtures; a subclass says where, with `url` and `other_url`."""

    @pytest.fixture
    def store(self, open_billing: OpenBilling) -> BillingStore:
        """The store that publishes."""
        return open_billing(publishes=(CustomerMoved, Blocked))

    @pytest.fixture
    def other(self, other_url: str, clock: FixedClock) -> Iterator[BillingStore]:
        """The store in which effects happen."""
        store = open_store(
            BillingUnitOfWork, url=other_url, documents=DOCUMENTS, prepare="create", clock=clock, name="other"
        )
        yield store
        store.close()

    @pytest.fixture
    def relay(self, store: BillingStore) -> OutboxRelay:
        """A relay without handlers."""
        return OutboxRelay(store)


class Arrivals:
    """A plain handler that writes down what arrives, and fails where it is told to."""

    def __init__(self) -> None:
        self.cities: list[str] = []
        self.deliveries: list[Delivery] = []
        self.failing: dict[str, Exception] = {}
        self.tried: list[str] = []

    def __call__(self, event: CustomerMoved, delivery: Delivery) -> None:
        """Take an event."""
        self.tried.append(event.city)
        if event.city in self.failing:
            raise self.failing[event.city]
        self.cities.append(event.city)
        self.deliveries.append(delivery)


def record_in(uow: BillingUnitOfWork, event: CustomerMoved) -> None:
    """An effect that shows how often and in which order it happened: cities are named ``aggregate/number``."""
    name, _, number = event.city.partition("/")
    found = uow.customers.first(lambda c: c.name == name)
    if found is None:
        found = customer(f"{name}@example.org", name=name)
        uow.customers.add(found)
    found.tags.append(number)
    found.credits += 1


def arrived(other: BillingStore) -> dict[str, list[str]]:
    """What `record_in` left, by aggregate."""
    with other.reader() as billing:
        return {one.name: one.tags for one in billing.customers.find()}


def add_mover(store: BillingStore, name: str, *cities: str) -> Customer:
    """Store a customer who moved to these cities in one unit."""
    mover = customer(f"{name}@example.org")
    with store.unit_of_work() as billing:
        billing.customers.add(mover)
        for city in cities:
            mover.move(city)
    return mover


def move(store: BillingStore, mover: Customer, city: str) -> None:
    """Let a stored customer move, in a unit of its own."""
    store.run(lambda billing: billing.customers.get(mover.id).move(city))


def ids_of_one_lane(count: int) -> list[CustomerId]:
    """Ids of customers whose events share a lane, the smallest first."""
    ids = (CustomerId(new_id()) for _ in itertools.count())
    # the first of the 64 lanes: they are the same in every process and for ever
    return sorted(itertools.islice((id for id in ids if crc32(f"Customer:{id}".encode()) % 64 == 0), count))


def records(store: BillingStore) -> list[dict[str, Any]]:
    """What the outbox holds."""
    cursor = store.backend.find("tristore_outbox", ANYTHING, transaction=None, timeout=5)
    return cursor.to_list()
