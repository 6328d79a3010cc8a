"""Crash points over the built-in deliveries on each backend."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from pymongo import MongoClient

from tristore import Clock, SystemClock
from tristore.testing import MongoServer
from tristore.three_stores import Stores

from .delivered_once import open_at
from .delivered_once_suite import DeliveredOnceContract

NAMES = ("core", "analytics", "systemlogs")


class TestDeliveredOnceInMemory(DeliveredOnceContract):
    """In memory."""

    def open_empty(self, clock: Clock) -> Stores:
        return open_at(dict.fromkeys(NAMES, "memory://"), clock)


@pytest.mark.soak
class TestDeliveredOnceOnMongoDB(DeliveredOnceContract):
    """On a real MongoDB: the stores are opened once, for a closed one connects again, and each run finds no data."""

    stores: Stores | None = None

    @pytest.fixture(autouse=True)
    def databases(self, tristore_mongod: MongoServer) -> Iterator[None]:
        """Three databases of the test's own, prepared once."""
        names = [f"once_{store}_{uuid4().hex[:8]}" for store in NAMES]
        self.urls = dict(zip(NAMES, map(tristore_mongod.url_for, names), strict=True))
        with MongoClient[dict[str, Any]](tristore_mongod.url, w="majority") as self.client:
            with open_at(self.urls, SystemClock()) as stores:
                stores.prepare()
            self.emptied = [self.client[name] for name in names]
            yield
            for name in names:
                self.client.drop_database(name)

    def open_empty(self, clock: Clock) -> Stores:
        for database in self.emptied:
            for collection in database.list_collection_names():
                database[collection].delete_many({})
        self.stores = self.stores or open_at(self.urls, clock, "off")
        return self.stores
