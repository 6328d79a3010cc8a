"""The contracts of schema versions and migrations on each backend."""

import pytest
from pymongo import MongoClient

from tristore.adapters.testing.server import MongoServer

from .migrations_suite import MixedVersionsContract
from .runner_suite import RunnerContract
from .stores import OnMemory


class OnParcelServer:
    """A real mongod: the database goes before each test, with what was recorded of migrations."""

    @pytest.fixture
    def url(self, tristore_mongod: MongoServer) -> str:
        """Where the store is."""
        url = tristore_mongod.url_for("parcel_tests")
        with MongoClient[dict[str, object]](url) as client:
            for name in client.parcel_tests.list_collection_names():
                client.parcel_tests[name].delete_many({})
        return url


class TestMixedVersionsInMemory(OnMemory, MixedVersionsContract):
    """In memory."""


class TestMixedVersionsOnMongo(OnParcelServer, MixedVersionsContract):
    """On a real mongod."""


class TestRunnerInMemory(OnMemory, RunnerContract):
    """In memory."""


class TestRunnerOnMongo(OnParcelServer, RunnerContract):
    """On a real mongod."""
