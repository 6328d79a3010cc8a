"""Databases of a test session: prepared once, emptied after each test, dropped at the end."""

import os
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

from attrs import evolve
from pymongo import MongoClient

from ..settings import STORES, Days, Settings
from ..stores import Stores, open_stores
from .server import MongoServer
from .stores import empty


class TestDatabases:
    """Three databases with names that no other session has, on a server that others may use too."""

    __test__ = False

    def __init__(self, server: MongoServer) -> None:
        prefix = f"tristore_test_{os.getpid()}_{uuid4().hex[:8]}"
        self._names = {store: f"{prefix}_{store}" for store in STORES}
        self._urls = {store: server.url_for(name) for store, name in self._names.items()}
        self._client: MongoClient[dict[str, Any]] = MongoClient(server.url, connect=False, w="majority")

    def __enter__(self) -> Self:
        """Create collections and indexes."""
        with self.open() as stores:
            stores.prepare()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Drop them."""
        for name in self._names.values():
            self._client.drop_database(name)
        self._client.close()

    def open(self) -> Stores:
        """Open the stores on them; whatever the clock of a test shows, nothing is too old to be kept."""
        core, analytics, systemlogs = (self._urls[store] for store in STORES)
        settings = Settings.from_environment()
        settings = evolve(settings, systemlogs=evolve(settings.systemlogs, retention_days=Days(0)))
        return open_stores(settings, core=core, analytics=analytics, systemlogs=systemlogs, prepare="off")

    def clean(self) -> None:
        """Remove every document; collections and indexes stay."""
        for name in self._names.values():
            empty(self._client[name])


__all__ = ["TestDatabases"]
