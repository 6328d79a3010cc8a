"""Opening stores for the contracts: what differs between the backends."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest
from pymongo import MongoClient

from tristore import DocumentStore, FixedClock, open_store
from tristore.testing import MongoServer

from .billing import DOCUMENTS, BillingUnitOfWork

OpenBilling = Callable[..., DocumentStore[BillingUnitOfWork]]


class OnMemory:
    """The in-memory backend: each store has its own data."""

    @pytest.fixture
    def url(self) -> str:
        """Where the store is."""
        return "memory://"


class OnMongo:
    """A real mongod: its databases are emptied before each test."""

    @pytest.fixture
    def url(self, tristore_mongod: MongoServer) -> str:
        """Where the store is."""
        url = tristore_mongod.url_for("billing")
        with MongoClient[dict[str, Any]](url) as client:
            for database in (client.billing, client.ledger):
                for name in database.list_collection_names():
                    database[name].delete_many({})
        return url


class BillingContract:
    """The fixtures that every contract over the billing domain uses; a subclass adds where."""

    @pytest.fixture
    def clock(self) -> FixedClock:
        """A clock that stands still."""
        return FixedClock(datetime(2026, 1, 31, 12, 0, tzinfo=UTC))

    @pytest.fixture
    def open_billing(self, url: str, clock: FixedClock) -> Iterator[OpenBilling]:
        """Open the store with options of the test's own; closed after the test."""
        opened: list[DocumentStore[BillingUnitOfWork]] = []

        def open_it(**options: Any) -> DocumentStore[BillingUnitOfWork]:
            given = {"prepare": "create", "clock": clock, "documents": DOCUMENTS, **options}
            store = open_store(BillingUnitOfWork, url=url, **given)
            opened.append(store)
            return store

        yield open_it
        for store in opened:
            store.close()

    @pytest.fixture
    def store(self, open_billing: OpenBilling) -> DocumentStore[BillingUnitOfWork]:
        """The store."""
        return open_billing()


def elsewhere(work: Callable[[], Any]) -> Any:
    """Run in another thread, outside every unit of work of this one; return the result or raise its error."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(work).result(timeout=30)
