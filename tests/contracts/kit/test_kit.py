"""The contract of the test kit on each backend."""

import pytest

from tristore.testing import AnyStore
from tristore.three_stores import Stores

from .kit_suite import KitContract


class TestMemory(KitContract):
    """In memory."""

    @pytest.fixture
    def stores(self, memory_stores: Stores) -> Stores:
        return memory_stores

    @pytest.fixture
    def open_any(self, memory_store: AnyStore) -> AnyStore:
        return memory_store


class TestMongo(KitContract):
    """A real mongod."""

    @pytest.fixture
    def stores(self, mongo_stores: Stores) -> Stores:
        return mongo_stores

    @pytest.fixture
    def open_any(self, mongo_store: AnyStore) -> AnyStore:
        return mongo_store
