"""The rows of one collection and its unique keys, as one state among those that share their parts."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from immutables import Map

from ...domain.errors import InvalidQuery, ValidationError
from ...domain.predicates import Path
from ..backend import Document, IndexDeclaration
from .paths import key_rows
from .rows import Row
from .values import MISSING, Key, stored_key

Rows = Map[Key, Row]
Entries = Map[Key, Key]
"""The values of a unique index, each with the id of the row that has it."""

Slot = tuple[Any, ...]
"""What two writers can get in each other's way about: an id of a collection, or a value of a unique index."""


class UniqueIndex:
    """A declared unique index.

    Attributes:
        declaration: as it was declared.
        names: its document keys, dotted.
        paths: its document keys.
        roots: the top-level keys that it depends on.
    """

    __slots__ = ("declaration", "names", "paths", "roots")

    def __init__(self, declaration: IndexDeclaration) -> None:
        self.declaration = declaration
        self.names = tuple(name for name, _ in declaration.keys)
        self.paths: tuple[Path, ...] = tuple(tuple(name.split(".")) for name in self.names)
        self.roots = frozenset(path[0] for path in self.paths)

    @property
    def holds_what_matches(self) -> bool:
        """Whether a document that equals given values in all keys is filed under just these values."""
        return len(self.roots) == len(self.paths)

    def keys_of(self, document: Document) -> frozenset[Key]:
        """Return the values under which a document is filed: several if there is a list, none if it is left out.

        Raises:
            ValidationError: if the document cannot be filed.
        """
        try:
            rows = key_rows(document, self.paths)
        except InvalidQuery as error:
            raise ValidationError.of(", ".join(self.names), str(error)) from error
        if self.declaration.sparse:
            rows = [row for row in rows if any(value is not MISSING for value in row)]
        return frozenset(tuple(map(stored_key, row)) for row in rows)


class Table(NamedTuple):
    """A state of a collection. It is never changed; the next one shares what it did not change."""

    rows: Rows = Map()
    indexes: tuple[UniqueIndex, ...] = ()
    entries: tuple[Entries, ...] = ()

    def with_index(self, index: UniqueIndex) -> "Table":
        """Return the table with one more unique index.

        Raises:
            ValueError: if two rows have the same values.
        """
        filed: dict[Key, Key] = {}
        for id_key, row in self.rows.items():
            for key in index.keys_of(row.document):
                if key in filed:
                    raise ValueError(f"two documents have the same {' + '.join(index.names)}")
                filed[key] = id_key
        return Table(self.rows, (*self.indexes, index), (*self.entries, Map(filed)))


class Draft:
    """A table with the changes of one transaction, for its own eyes until the commit."""

    __slots__ = ("base", "entries", "indexes", "refiled", "rows", "written")

    def __init__(self, base: Table) -> None:
        self.base = base
        self.rows = base.rows
        self.indexes = base.indexes
        self.entries = list(base.entries)
        self.written: set[Key] = set()
        self.refiled: list[set[Key]] = [set() for _ in base.indexes]

    def put(self, id_key: Key, row: Row) -> None:
        """Place a row."""
        self.rows = self.rows.set(id_key, row)
        self.written.add(id_key)

    def drop(self, id_key: Key) -> None:
        """Take a row away."""
        self.rows = self.rows.delete(id_key)
        self.written.add(id_key)

    def file(self, index: int, key: Key, id_key: Key) -> None:
        """Enter a value of a unique index."""
        self.entries[index] = self.entries[index].set(key, id_key)
        self.refiled[index].add(key)

    def unfile(self, index: int, key: Key) -> None:
        """Free a value of a unique index."""
        self.entries[index] = self.entries[index].delete(key)
        self.refiled[index].add(key)

    def merged(self, current: Table) -> Table:
        """Return the committed table with these changes; nobody else can have written the same slots."""
        if current is self.base:
            return Table(self.rows, self.indexes, tuple(self.entries))
        entries = tuple(map(_merged, current.entries, self.entries, self.refiled))
        return Table(_merged(current.rows, self.rows, self.written), current.indexes, entries)


def _merged(current: "Map[Key, Any]", mine: "Map[Key, Any]", changed: set[Key]) -> "Map[Key, Any]":
    merged = current.mutate()
    for key in changed:
        if key in mine:
            merged[key] = mine[key]
        else:
            merged.pop(key, None)
    return merged.finish()


def unique_indexes(declared: Sequence[IndexDeclaration]) -> list[UniqueIndex]:
    """Return what enforces the unique ones among declared indexes."""
    return [UniqueIndex(index) for index in declared if index.unique]


__all__ = ["Draft", "Entries", "Rows", "Slot", "Table", "UniqueIndex", "unique_indexes"]
