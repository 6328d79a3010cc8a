"""An in-memory store whose data stays: read from a folder when it is first used, and saved there."""

import os
import sys
import threading
import weakref
from collections.abc import Iterable, Iterator
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from immutables import Map

from ...domain.errors import ConfigurationError, TristoreError, Unavailable
from ..backend import BackendOptions, CollectionDeclaration, Document, ServerInfo
from .backend import MemoryBackend
from .engine import NO_TABLE, Engine
from .folder import Folder
from .indexes import NO_INDEXES
from .orders import Orders
from .rows import Row, checked_id, encoded
from .tables import Table
from .values import Key, identity_key

_MADE_AT_FIRST_USE = frozenset({"_engine", "_writer", "_many"})


class KeptBackend(MemoryBackend):
    """``memory:///some/folder``: loads at the first use; saves when it is closed or told to, and when the process ends.

    Between two saves a crash loses what was committed since the first one, and nothing else. One store at a time has a
    folder; it has it from its first use until it is closed.
    """

    def __init__(self, options: BackendOptions, folder: str, *, transactions: bool = True) -> None:
        self._declare(transactions=transactions)
        self._path = Path(folder)
        self._collections = options.collections
        self._opening = threading.RLock()
        self._kept: Kept | None = None
        # Made before anybody can use the store: what is to be called at the end of the process is called in reverse
        # order, so that whoever flushes into the store then does so before this.
        self._at_the_end = _AtTheEnd()
        weakref.finalize(self, self._at_the_end.close)

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> object:
            """Load when one of the parts that hold the data is first asked for."""
            if name not in _MADE_AT_FIRST_USE:
                raise AttributeError(name)
            self._load()
            return self.__dict__[name]

    @property
    def location(self) -> str:
        """The URL."""
        return f"memory://{self._path}{'' if self._transactions else '?transactions=false'}"

    def ping(self, *, timeout: float) -> ServerInfo:
        """Load, and say that it is here.

        Raises:
            ConfigurationError: if another store has the folder, or a file in it cannot be read.
        """
        found = super().ping(timeout=timeout)
        return ServerInfo(f"in memory, kept in {self._path}", found.latency, found.transactions)

    def save(self) -> None:
        """Write what was committed since the last save, whole or not at all.

        Raises:
            ConfigurationError: in a fork, which has a copy of the data, and no folder.
            Unavailable: if the files cannot be written; they are as they were.
        """
        with self._opening:
            self._load()
            assert self._kept is not None  # noqa: S101 - loaded
            self._kept.save()
            self._at_the_end.has_told = False

    def close(self) -> None:
        """Save, and let others have the folder; the next use loads again.

        Raises:
            Unavailable: if the files cannot be written; the store stays open with its data.
        """
        with self._opening:
            if self._kept is None:
                return
            try:
                self._kept.close()
            except TristoreError:
                self._at_the_end.has_told = True
                raise
            self._kept = self._at_the_end.kept = None
            self._at_the_end.has_told = False
            for name in _MADE_AT_FIRST_USE:
                del self.__dict__[name]

    def _load(self) -> None:
        with self._opening:
            if self._kept is None:
                kept = Kept(self._path, self._collections)
                self._use(kept.engine)
                self._kept = self._at_the_end.kept = kept


class _AtTheEnd:
    """Closes what a store has open when the store is dropped, or the process ends."""

    kept: "Kept | None" = None
    has_told = False
    """Whether somebody was told already that the data cannot be saved."""

    def close(self) -> None:
        if self.kept is None:
            return
        try:
            self.kept.close()
        except TristoreError as error:
            if not self.has_told:  # nobody is there any more who could handle it
                sys.stderr.write(f"tristore: what was committed since the last save is lost: {error}\n")


class Kept:
    """The data of one folder while a store has it.

    Attributes:
        engine: holds it.
    """

    def __init__(self, path: Path, collections: Iterable[CollectionDeclaration]) -> None:
        self._folder = Folder(path)
        try:
            sequence = count()
            tables = {name: _table(name, documents, sequence) for name, documents in self._folder.load().items()}
            self.engine = Engine(collections, tables, sequence)
        except ConfigurationError as error:
            self._folder.release()
            raise ConfigurationError(f"memory://{path} cannot be loaded: {error}") from error
        except BaseException:
            self._folder.release()
            raise
        self._saved = self.engine.tables
        self._saving = threading.Lock()
        self._process = os.getpid()

    def save(self) -> None:
        """Write the collections that have changed.

        Raises:
            ConfigurationError: in a fork, which has a copy of the data, and no folder.
            Unavailable: if the files cannot be written.
        """
        if os.getpid() != self._process:
            raise ConfigurationError(
                f"memory://{self._folder.path} belongs to process {self._process}, from which this one was forked with "
                "a copy of its data: save there, or open a store on another folder here"
            )
        with self._saving:
            tables = self.engine.tables
            changed = {
                name: _in_order(table)
                for name, table in tables.items()
                if table.rows is not self._saved.get(name, NO_TABLE).rows
            }
            if changed:
                try:
                    self._folder.save(changed)
                except OSError as error:
                    raise Unavailable(
                        f"memory://{self._folder.path} cannot be saved ({error.strerror}): its files are as they "
                        "were, and the data is still in memory; make room, then save or close again"
                    ) from error
            self._saved = tables

    def close(self) -> None:
        """Take no more commits, save, and let others have the folder."""
        if os.getpid() != self._process:  # a fork, which has a copy of the data, and no folder
            return
        self.engine.stop()
        try:
            self.save()
        except TristoreError:
            self.engine.go_on()
            raise
        self._folder.release()


def _table(collection: str, documents: Iterable[Document], sequence: Iterator[int]) -> Table:
    rows: dict[Key, Row] = {}
    for document in documents:
        try:
            id_key = identity_key(checked_id(document))
            row = Row(encoded(document), next(sequence))
        except TristoreError as error:
            raise ConfigurationError(f"{collection}: {error}") from error
        if id_key in rows:
            raise ConfigurationError(
                f"{collection}: two documents have the id {document['_id']}; remove one of the lines"
            )
        rows[id_key] = row
    return Table(Map(rows), orders=Orders(NO_INDEXES))


def _in_order(table: Table) -> Iterator[Document]:
    """The documents by their age, which they keep."""
    return (row.copy() for row in sorted(table.rows.values(), key=lambda row: row.sequence))


__all__ = ["KeptBackend"]
