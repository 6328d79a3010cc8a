"""The built-in deliveries on each backend."""

import pytest

from tristore.three_stores import Stores

from .deliveries_suite import DeliveriesContract


class TestDeliveriesInMemory(DeliveriesContract):
    """In memory."""

    @pytest.fixture
    def stores(self, memory_stores: Stores) -> Stores:
        return memory_stores


class TestDeliveriesOnMongoDB(DeliveriesContract):
    """On a real MongoDB."""

    @pytest.fixture
    def stores(self, mongo_stores: Stores) -> Stores:
        return mongo_stores
