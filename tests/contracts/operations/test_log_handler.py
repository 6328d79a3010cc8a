"""The contract of the handler of logging on each backend."""

import pytest

from tristore.three_stores import Stores

from .log_handler_suite import LogHandlerContract


class TestMemory(LogHandlerContract):
    """In memory."""

    @pytest.fixture
    def stores(self, memory_stores: Stores) -> Stores:
        return memory_stores


class TestMongo(LogHandlerContract):
    """On a real mongod."""

    @pytest.fixture
    def stores(self, mongo_stores: Stores) -> Stores:
        return mongo_stores
