"""The contract of indexes on each backend."""

import os
from collections.abc import Iterator
from typing import Any

import pytest
from pymongo import MongoClient

from tristore.adapters.backend import Backend, BackendOptions, backend_for
from tristore.testing import MemoryBackend, MongoServer

from ..repository.partial_suite import PartialContract
from ..stores import OnMemory, OnMongo
from .index_cases import KEYS
from .index_suite import IndexContract

OPTIONS = BackendOptions("indexes", KEYS)
DATABASE = f"test_indexes_{os.getpid()}"
DECLARED = {declared.name for declared in KEYS}


@pytest.fixture(scope="module")
def prepared(tristore_mongod: MongoServer) -> Iterator[Backend]:
    """A prepared backend on MongoDB."""
    url = tristore_mongod.url_for(DATABASE)
    backend = backend_for(url).open(url, OPTIONS)
    backend.prepare(KEYS, timeout=30.0)
    yield backend
    backend.close()
    with MongoClient[dict[str, Any]](tristore_mongod.url) as client:
        client.drop_database(DATABASE)


class TestMemory(IndexContract):
    """In memory."""

    @pytest.fixture
    def backend(self) -> Backend:
        return MemoryBackend.open("memory://", OPTIONS)


class TestMongo(IndexContract):
    """On a real MongoDB."""

    @pytest.fixture
    def backend(self, prepared: Backend, tristore_mongod: MongoServer) -> Iterator[Backend]:
        yield prepared
        with MongoClient[dict[str, Any]](tristore_mongod.url) as client:
            database = client[DATABASE]
            for name in database.list_collection_names():
                if name in DECLARED:
                    database[name].delete_many({})
                else:
                    database.drop_collection(name)


class TestPartialInMemory(OnMemory, PartialContract):
    """Rules over entities, in memory."""


class TestPartialOnMongo(OnMongo, PartialContract):
    """Rules over entities, on a real MongoDB."""
