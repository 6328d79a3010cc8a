"""The contract of indexes with rules over every type, on each backend."""

from collections.abc import Iterator
from typing import Any

import pytest
from pymongo import MongoClient

from tristore.testing import MongoServer

from .partial_types_suite import PartialTypesContract, PartialTypesOnServerContract


class TestMemory(PartialTypesContract):
    """In memory."""

    @pytest.fixture
    def url(self) -> str:
        """Where the store is."""
        return "memory://"


class TestMongo(PartialTypesOnServerContract):
    """On a real mongod."""

    @pytest.fixture
    def url(self, tristore_mongod: MongoServer, raw: MongoClient[dict[str, Any]]) -> Iterator[str]:
        """Where the store is; the collection is dropped after each test."""
        yield tristore_mongod.url_for("partial_types")
        raw.partial_types.drop_collection("lots")
