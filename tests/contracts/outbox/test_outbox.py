"""The contracts of outbox and relays on each backend."""

from typing import Any

import pytest
from pymongo import MongoClient

from tristore.testing import MongoServer

from ..stores import OnMemory, OnMongo
from .outbox_suite import OutboxRecordsContract
from .relay_suite import RelayContract


class InMemory(OnMemory):
    """Both stores in memory."""

    @pytest.fixture
    def other_url(self) -> str:
        """Where effects happen."""
        return "memory://"


class OnServer(OnMongo):
    """Both stores on one server, in databases of their own."""

    @pytest.fixture
    def other_url(self, tristore_mongod: MongoServer) -> str:
        """Where effects happen."""
        url = tristore_mongod.url_for("receiver")
        with MongoClient[dict[str, Any]](url) as client:
            for name in client.receiver.list_collection_names():
                client.receiver[name].delete_many({})
        return url


class TestOutboxInMemory(InMemory, OutboxRecordsContract):
    """In memory."""


class TestOutboxOnMongo(OnServer, OutboxRecordsContract):
    """On a real mongod."""


class TestRelayInMemory(InMemory, RelayContract):
    """In memory."""


class TestRelayOnMongo(OnServer, RelayContract):
    """On a real mongod."""
