"""The data of an in-memory store that stays: read from a folder when it is first used, and saved there."""

import os
import sys
import threading
from collections.abc import Iterable, Iterator, Sequence
from itertools import count
from pathlib import Path

from immutables import Map

from ....domain.errors import ConfigurationError, Problem, TristoreError, Unavailable, ValidationError
from ...backend import CollectionDeclaration, Document
from ...backend.checks.given_values import check_document
from ..bson.rows import Row, encoded
from ..bson.value_order import Key, identity_key
from ..engine import NO_TABLE, Engine
from ..indexes.index import NO_INDEXES
from ..indexes.index_views import Orders
from ..tables import Table
from .folder import Folder


class KeptData:
    """The data of an in-memory store that stays in a folder, from one opening to the next.

    Args:
        folder: its path; nothing is done there before the first load.
        collections: those that the store declares.

    Attributes:
        path: of the folder.
        lock: held while the store loads, saves or closes, and while it takes note of that.
    """

    def __init__(self, folder: str, collections: Sequence[CollectionDeclaration]) -> None:
        self.path = Path(folder)
        self.lock = threading.RLock()
        self._collections = collections
        self._loaded: _Loaded | None = None
        self._has_told = False  # whether somebody was told already that the data cannot be saved

    def load(self) -> Engine:
        """Return the engine that holds the data, read from the folder if it is not loaded.

        Raises:
            ConfigurationError: if another store has the folder, or a file in it cannot be read.
        """
        if self._loaded is None:
            self._loaded = _Loaded(self.path, self._collections)
        return self._loaded.engine

    def save(self) -> None:
        """Write what was committed since the last save, whole or not at all.

        Raises:
            ConfigurationError: in a fork, which has a copy of the data, and no folder.
            Unavailable: if the files cannot be written; they are as they were.
            ValidationError: if a document cannot be written, with its id; all others are.
        """
        if self._loaded is not None:
            self._loaded.save()
            self._has_told = False

    def close(self) -> None:
        """Save, and let others have the folder; the next load reads it again.

        Raises:
            Unavailable: if the files cannot be written; the data stays loaded.
            ValidationError: if a document cannot be written, with its id; all others are, and the folder is free.
        """
        if self._loaded is None:
            return
        try:
            self._loaded.close()
        except ValidationError:
            self._loaded = None
            raise
        except TristoreError:
            self._has_told = True
            raise
        self._loaded = None
        self._has_told = False

    def close_at_the_end(self) -> None:
        """Close when the store is dropped, or the process ends; what is lost then is told on standard error."""
        had_told = self._has_told
        try:
            self.close()
        except TristoreError as error:
            if not had_told:  # nobody is there any more who could handle it
                sys.stderr.write(f"tristore: what was committed since the last save is lost: {error}\n")


class _Loaded:
    """The data of one folder while a store has it.

    Attributes:
        engine: holds it.
    """

    def __init__(self, path: Path, collections: Sequence[CollectionDeclaration]) -> None:
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
        self._incomplete: set[str] = set()  # collections of which the last save left a document out
        self._saving = threading.Lock()
        self._process = os.getpid()

    def save(self) -> None:
        """Write the collections that have changed.

        Raises:
            ConfigurationError: in a fork, which has a copy of the data, and no folder.
            Unavailable: if the files cannot be written.
            ValidationError: if a document cannot be written; all others are.
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
                if name in self._incomplete or table.rows is not self._saved.get(name, NO_TABLE).rows
            }
            left_out: list[ValidationError] = []
            if changed:
                try:
                    left_out = self._folder.save(changed)
                except OSError as error:
                    raise Unavailable(
                        f"memory://{self._folder.path} cannot be saved ({error.strerror}): its files are as they "
                        "were, and the data is still in memory; make room, then save or close again"
                    ) from error
            self._saved = tables
            self._incomplete = {error.entity for error in left_out}
        if left_out:
            raise _without(left_out)

    def close(self) -> None:
        """Take no more commits, save, and let others have the folder."""
        if os.getpid() != self._process:  # a fork, which has a copy of the data, and no folder
            return
        self.engine.stop()
        try:
            self.save()
        except ValidationError:  # all that can be saved is
            self._folder.release()
            raise
        except TristoreError:
            self.engine.go_on()
            raise
        self._folder.release()


def _without(left_out: Sequence[ValidationError]) -> ValidationError:
    """Say which document was not saved, and how many others of its kind."""
    first = left_out[0]
    others = f", and so are {len(left_out) - 1} others" if len(left_out) > 1 else ""
    problems = [Problem(problem.field, f"{problem.message} ({_NOT_SAVED}{others})") for problem in first.problems]
    return ValidationError(problems, entity=first.entity, document_id=first.document_id)


_NOT_SAVED = "it is left out of the folder, where all other documents are saved"


def _table(collection: str, documents: Iterable[Document], sequence: Iterator[int]) -> Table:
    rows: dict[Key, Row] = {}
    for document in documents:
        try:
            check_document(document)
            id_key = identity_key(document["_id"])
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
