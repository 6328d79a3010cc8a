"""The core store on a real server, as the tests of this folder open it."""

import os
import socket
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from listening import Listen

from tristore import open_store
from tristore.domain.core import CoreUnitOfWork
from tristore.testing import MongoServer
from tristore.three_stores import CORE

from .core_store import NAME, Commands, CoreStore, OpenCore, Raw, RawDatabase, database_name


@pytest.fixture(scope="session")
def core_url(tristore_mongod: MongoServer, raw: Raw) -> Iterator[str]:
    """The URL of a database that is prepared, once for all tests."""
    name = f"test_core_{os.getpid()}_{uuid4().hex[:8]}"
    url = tristore_mongod.url_for(name)
    store = open_store(CoreUnitOfWork, url=url, documents=CORE)
    store.prepare()
    store.close()
    yield url
    raw.drop_database(name)


@pytest.fixture
def database(core_url: str, raw: Raw) -> Iterator[RawDatabase]:
    """The prepared database, through a bare client; emptied after the test."""
    database = raw[database_name(core_url)]
    yield database
    for collection in database.list_collection_names():
        database[collection].delete_many({})


@pytest.fixture
def empty_database(mongo_url: str, raw: Raw) -> RawDatabase:
    """The database that does not exist yet, through a bare client."""
    return raw[database_name(mongo_url)]


@pytest.fixture
def open_core(core_url: str, database: RawDatabase) -> Iterator[OpenCore]:
    """Open the core store with options of the test's own, by default on the prepared database."""
    opened: list[CoreStore] = []

    def open_it(**options: Any) -> CoreStore:
        settings = {"heartbeatFrequencyMS": 500, **options.pop("settings", {})}
        given = {"url": core_url, "documents": CORE, "name": NAME, "prepare": "off", "settings": settings, **options}
        store = open_store(CoreUnitOfWork, **given)
        opened.append(store)
        return store

    yield open_it
    for store in opened:
        store.close()


@pytest.fixture
def commands(listen: Listen) -> Commands:
    """The commands of every store that the test opens from now on."""
    commands = Commands()
    listen(commands)
    return commands


@pytest.fixture
def nobody() -> int:
    """A port at which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
