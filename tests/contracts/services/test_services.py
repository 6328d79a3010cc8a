"""The services on every backend."""

import pytest

from .services_base import ThreeStores
from .services_suite import ServicesContract


class TestServicesInMemory(ServicesContract):
    """In memory."""

    @pytest.fixture
    def stores(self, memory_stores: ThreeStores) -> ThreeStores:
        return memory_stores


class TestServicesOnMongoDB(ServicesContract):
    """On a real MongoDB."""

    @pytest.fixture
    def stores(self, mongo_stores: ThreeStores) -> ThreeStores:
        return mongo_stores
