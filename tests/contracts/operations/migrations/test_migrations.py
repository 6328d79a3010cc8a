"""The contracts of schema versions and migrations on each backend."""

import pytest
from pymongo import MongoClient

from tristore import Documents, InvalidQuery
from tristore.operations import Migrations
from tristore.testing import MongoServer

from ...parcels import ParcelRepository, insert, old
from ...stores import OnMemory
from .migrations_suite import MixedVersionsContract, OpenParcels
from .runner_suite import RunnerContract


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

    def test_older_code_at_work_again_reopens_the_migration(self, open_parcels: OpenParcels) -> None:
        """After a rollback older code writes its form, and code of now asks again whether something old is stored."""
        store = open_parcels()
        Migrations(store).run()
        assert Migrations(store).status().collections[0].complete
        before = Documents(ParcelRepository, collection="parcels", schema_version=1)
        with open_parcels(before).reader() as reader:
            assert 0 == reader.parcels.count()
        insert(store, [old(1)])

        with store.reader() as reader, pytest.raises(InvalidQuery, match="complete the migration"):
            reader.parcels.find(lambda p: p.first == "Ada")
        assert Migrations(store).run().ok
        with store.reader() as reader:
            assert ["Ada"] == [one.first for one in reader.parcels.find(lambda p: p.first == "Ada")]


class TestRunnerInMemory(OnMemory, RunnerContract):
    """In memory."""


class TestRunnerOnMongo(OnParcelServer, RunnerContract):
    """On a real mongod."""
