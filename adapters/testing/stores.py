"""Stores of your own units of work for tests, each on data that nobody else has.

`AnyStore` is the type of the fixtures ``any_store``, ``memory_store`` and ``mongo_store``.
"""

import os
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar
from uuid import uuid4

from attrs import define, evolve

from ...domain.errors import ConfigurationError
from ...domain.unit_of_work import UnitOfWork
from ..documents.declarations import Documents
from ..documents.store import DocumentStore, open_store
from .server import MongoServer

UnitT = TypeVar("UnitT", bound=UnitOfWork[Any])

_CHOSEN = frozenset({"url", "prepare"})
_SHAPING = ("publishes", "receipts")
"""Options that say which collections a store has."""


class AnyStore(Protocol):
    """Opens a store on data of its own; called twice, it opens two stores with nothing in common."""

    def __call__(self, unit: type[UnitT], *, documents: Sequence[Documents], **options: Any) -> DocumentStore[UnitT]:
        """Open a store; it is prepared and empty, and is closed after the test.

        Args:
            unit: the unit of work.
            documents: the document side of each repository.
            options: what `open_store` takes besides; the place and the preparation are chosen here.

        Raises:
            ConfigurationError: as `open_store` does, and for ``url`` and ``prepare``.
        """


class MemoryStores:
    """Stores in memory; a context manager that closes them."""

    def __init__(self) -> None:
        self._opened: list[DocumentStore[Any]] = []

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close what was opened."""
        for store in self._opened:
            store.close()
        self._opened.clear()

    def __call__(self, unit: type[UnitT], *, documents: Sequence[Documents], **options: Any) -> DocumentStore[UnitT]:
        """Open a store."""
        _check_options(options)
        store = open_store(unit, url="memory://", documents=documents, prepare="create", **options)
        self._opened.append(store)
        return store


@define(eq=False)
class _Place:
    """Databases for the stores of one shape: prepared once, then lent to one test after the other."""

    shape: tuple[object, ...]
    documents: Sequence[Documents]
    names: list[str]
    lent_to: DocumentStore[Any] | None = None


class MongoStores:
    """Stores on a server, for a whole test session: what a test gave back is emptied and lent again.

    Creating collections and indexes takes a hundred times as long as emptying them. The names of the databases are
    those of this object alone, so that sessions and the workers of pytest-xdist can share a server; they are dropped at
    the end. A `Documents` that names another database of the server gets one here too.
    """

    def __init__(self, server: MongoServer) -> None:
        from pymongo import MongoClient

        self._server = server
        self._prefix = f"tristore_test_{os.getpid()}_{uuid4().hex[:8]}"
        self._client: MongoClient[dict[str, Any]] = MongoClient(server.url, connect=False, w="majority")
        self._places: list[_Place] = []

    def __enter__(self) -> Self:
        """Begin; nothing is connected."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Drop the databases."""
        self.give_back()
        for place in self._places:
            for name in place.names:
                self._client.drop_database(name)
        self._client.close()

    def __call__(self, unit: type[UnitT], *, documents: Sequence[Documents], **options: Any) -> DocumentStore[UnitT]:
        """Open a store; its databases are prepared if none of its shape is free."""
        _check_options(options)
        shape = (unit, *documents, *(options.get(name) for name in _SHAPING))
        free = [place for place in self._places if place.lent_to is None and place.shape == shape]
        place = free[0] if free else self._new_place(shape, documents)
        url = self._server.url_for(place.names[0])
        store = open_store(unit, url=url, documents=place.documents, prepare="off", **options)
        place.lent_to = store
        if not free:
            self._places.append(place)
            store.prepare()
        return store

    def give_back(self) -> None:
        """Close what was opened since the last time, and empty its databases; collections and indexes stay."""
        for place in self._places:
            if place.lent_to is not None:
                place.lent_to.close()
                place.lent_to = None
                for name in place.names:
                    empty(self._client[name])

    def _new_place(self, shape: tuple[object, ...], documents: Sequence[Documents]) -> _Place:
        number = len(self._places)
        own: dict[str | None, str] = {None: f"{self._prefix}_{number}"}
        moved = []
        for declared in documents:
            name = own.setdefault(declared.database, f"{self._prefix}_{number}_{len(own)}")
            moved.append(declared if declared.database is None else evolve(declared, database=name))
        return _Place(shape, moved, list(own.values()))


def empty(database: Any) -> None:
    """Remove every document of a database; collections and indexes stay, for making them takes far longer."""
    for collection in database.list_collection_names():
        database[collection].delete_many({})


def _check_options(options: dict[str, Any]) -> None:
    wrong = sorted(_CHOSEN & options.keys())
    if wrong:
        raise ConfigurationError(f"the fixture chooses {' and '.join(wrong)} itself: leave it out, or call open_store")


__all__ = ["AnyStore", "MemoryStores", "MongoStores", "empty"]
