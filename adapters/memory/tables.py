"""The rows of one collection and its indexes, as one state among those that share their parts."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from immutables import Map

from .bson.rows import Row
from .bson.value_order import Key
from .indexes.index import NO_INDEXES, Index, IndexSet
from .indexes.index_views import Change, Orders, View, followed

Rows = Map[Key, Row]
Entries = Map[Key, Key]
"""The values of a unique index, each with the id of the row that has it."""

Slot = tuple[Any, ...]
"""What two writers can get in each other's way about: an id of a collection, or a value of a unique index."""


class Table(NamedTuple):
    """A state of a collection. It is never changed; the next one shares what it did not change.

    Attributes:
        rows: by id.
        indexes: the declared ones.
        entries: the values of each unique index.
        orders: the rows in order.
    """

    rows: Rows = Map()
    indexes: IndexSet = NO_INDEXES
    entries: tuple[Entries, ...] = ()
    orders: Orders = Orders(NO_INDEXES)

    def view(self, number: int) -> View:
        """Return the rows in an order."""
        return self.orders.view(number, self.rows)

    def with_index(self, index: Index) -> "Table":
        """Return the table with one more index.

        Raises:
            ValueError: if it is unique and two rows have the same values.
            ValidationError: if a row cannot be filed.
        """
        indexes = IndexSet((*self.indexes.all, index))
        if index in indexes.checked:
            for row in self.rows.values():
                index.check(row.peek())
        if index.refuses_values:
            for row in self.rows.values():
                index.check_values(row.peek())
        entries = (*self.entries, self._filed(index)) if index.declaration.unique else self.entries
        return Table(self.rows, indexes, entries, Orders(indexes))

    def _filed(self, index: Index) -> Entries:
        filed: dict[Key, Key] = {}
        for id_key, row in self.rows.items():
            for key in index.keys_of(row.peek()):
                if key in filed:
                    raise ValueError(f"two documents have the same {' + '.join(index.names)}, which is to be unique")
                filed[key] = id_key
        return Map(filed)


class Draft:
    """A table with the changes of one transaction, for its own eyes until the commit."""

    __slots__ = ("_views", "base", "changes", "entries", "indexes", "refiled", "rows")

    def __init__(self, base: Table) -> None:
        self.base = base
        self.rows = base.rows
        self.indexes = base.indexes
        self.entries = list(base.entries)
        self.changes: list[Change] = []
        self.refiled: list[set[Key]] = [set() for _ in base.entries]
        self._views: dict[int, tuple[int, View]] = {}

    def put(self, id_key: Key, before: Row | None, row: Row, touched: frozenset[str] | None) -> None:
        """Place a row."""
        self.rows = self.rows.set(id_key, row)
        self.changes.append(Change(id_key, before, row, touched))

    def drop(self, id_key: Key, before: Row) -> None:
        """Take a row away."""
        self.rows = self.rows.delete(id_key)
        self.changes.append(Change(id_key, before, None))

    def file(self, index: int, key: Key, id_key: Key) -> None:
        """Enter a value of a unique index."""
        self.entries[index] = self.entries[index].set(key, id_key)
        self.refiled[index].add(key)

    def unfile(self, index: int, key: Key) -> None:
        """Free a value of a unique index."""
        self.entries[index] = self.entries[index].delete(key)
        self.refiled[index].add(key)

    def view(self, number: int) -> View:
        """Return the rows in an order, as this transaction sees them."""
        if not self.changes:
            return self.base.view(number)
        done, view = self._views.get(number) or (0, self.base.view(number))
        if done < len(self.changes):
            view = followed(self.indexes, {number: view}, self.changes[done:])[number]
            self._views[number] = len(self.changes), view
        return view

    def merged(self, current: Table) -> Table:
        """Return the committed table with these changes; nobody else can have written the same slots."""
        if current is self.base:
            rows, entries = self.rows, tuple(self.entries)
        else:
            rows = _merged(current.rows, self.rows, {change.id_key for change in self.changes})
            # an index that came meanwhile is not unique: those wait for the end of all transactions
            entries = tuple(map(_merged, current.entries, self.entries, self.refiled))
        return Table(rows, current.indexes, entries, current.orders.after(self.changes, rows))


def _merged(current: "Map[Key, Any]", mine: "Map[Key, Any]", changed: Iterable[Key]) -> "Map[Key, Any]":
    merged = current.mutate()
    for key in changed:
        if key in mine:
            merged[key] = mine[key]
        else:
            merged.pop(key, None)
    return merged.finish()
