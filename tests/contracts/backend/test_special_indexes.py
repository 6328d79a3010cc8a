"""The contract of indexes of text, places and hashes, on each backend."""

from collections.abc import Iterator
from typing import Any

import pytest
from pymongo import MongoClient

from tristore.testing import MongoServer

from .special_indexes_suite import SpecialIndexesContract


class TestMemory(SpecialIndexesContract):
    """In memory."""

    @pytest.fixture
    def url(self) -> str:
        """Where the store is."""
        return "memory://"


class TestMongo(SpecialIndexesContract):
    """On a real mongod."""

    @pytest.fixture
    def url(self, tristore_mongod: MongoServer, raw: MongoClient[dict[str, Any]]) -> Iterator[str]:
        """Where the store is; the collection is dropped after each test."""
        raw.special_indexes.drop_collection("shops")
        yield tristore_mongod.url_for("special_indexes")
        raw.special_indexes.drop_collection("shops")
