"""The backends in memory and on MongoDB."""

import os
from collections.abc import Iterator
from typing import Any

import pytest
from pymongo import MongoClient

from tristore.adapters.backend import Backend, BackendOptions, Capability, backend_for
from tristore.testing import BackendConformance, MemoryBackend, MongoServer

BOTH = Capability.TRANSACTIONS | Capability.SNAPSHOT_READS | Capability.ROLLUPS | Capability.LEASES
DATABASE = f"test_contract_{os.getpid()}"
OPTIONS = BackendConformance.options
DECLARED = {declared.name for declared in OPTIONS.collections}


@pytest.fixture(scope="module")
def prepared(tristore_mongod: MongoServer, raw: MongoClient[dict[str, Any]]) -> Iterator[Backend]:
    """A prepared backend on MongoDB."""
    url = tristore_mongod.url_for(DATABASE)
    backend = backend_for(url).open(url, OPTIONS)
    backend.prepare(OPTIONS.collections, timeout=30.0)
    yield backend
    backend.close()
    raw.drop_database(DATABASE)


@pytest.fixture
def mongo_backend(prepared: Backend, raw: MongoClient[dict[str, Any]]) -> Iterator[Backend]:
    """A backend on MongoDB, prepared and empty."""
    yield prepared
    database = raw[DATABASE]
    for name in database.list_collection_names():
        if name in DECLARED:
            database[name].delete_many({})
        else:
            database.drop_collection(name)


class TestMemory(BackendConformance):
    """In memory."""

    capabilities = BOTH

    def open_backend(self, options: BackendOptions) -> Backend:
        return MemoryBackend.open("memory://", options)


class TestMongo(BackendConformance):
    """On a real MongoDB."""

    capabilities = BOTH | Capability.PIPELINES | Capability.CHANGE_STREAMS

    @pytest.fixture
    def backend(self, mongo_backend: Backend) -> Backend:
        return mongo_backend
