"""The contract of queries without an index on each backend."""

import pytest

from tristore.testing import AnyStore, scans
from tristore.three_stores import Stores

from .scans_suite import ScanContract


def test_the_named_queries_of_the_three_stores_are_served(any_stores: Stores) -> None:
    """Every named query of the core, analytics and systemlogs stores has an index, on every backend."""
    for store in any_stores:
        report = scans(store)

        assert ((), ()) == (report.scans, report.skipped)
        assert 5 <= len(report.explained)


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
