"""The contract of subclasses of stored types, on each backend."""

from collections.abc import Iterator
from typing import Any

import pytest
from pymongo import MongoClient

from tristore.testing import MongoServer

from .subclasses_suite import SubclassesContract


class TestMemory(SubclassesContract):
    """In memory."""

    @pytest.fixture
    def url(self) -> str:
        """Where the store is."""
        return "memory://"


class TestMongo(SubclassesContract):
    """On a real mongod."""

    @pytest.fixture
    def url(self, tristore_mongod: MongoServer, raw: MongoClient[dict[str, Any]]) -> Iterator[str]:
        """Where the store is; its documents are removed after each test."""
        yield tristore_mongod.url_for("subclasses")
        raw.subclasses.things.delete_many({})
