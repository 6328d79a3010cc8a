"""The contract of queries without an index on each backend."""

import pytest

from tristore.adapters.testing.stores import AnyStore

from .scans_suite import ScanContract


class TestMemory(ScanContract):
    """In memory."""

    @pytest.fixture
    def open_store_here(self, memory_store: AnyStore) -> AnyStore:
        return memory_store


class TestMongo(ScanContract):
    """On a real MongoDB."""

    @pytest.fixture
    def open_store_here(self, mongo_store: AnyStore) -> AnyStore:
        return mongo_store
