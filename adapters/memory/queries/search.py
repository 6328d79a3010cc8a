"""Finding rows: by id or by a unique key straight away, through an index, otherwise by looking at each."""

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from operator import itemgetter
from typing import NamedTuple

from bson.objectid import ObjectId

from ....domain.entities.bounds import Comparator
from ....domain.queries.query import Query
from ....domain.rules.predicates import Compare, OneOf, Predicate
from ...backend import Document
from ...backend.checks.given_values import check_operand, check_sort_path
from ..bson.rows import Row
from ..bson.value_order import Key, identity_key
from ..indexes.index_bounds import implies, parts_of
from ..indexes.sorted_entries import Entry
from ..operators.matching import matcher
from ..operators.sorting import ordered
from ..tables import Draft, Table
from .planner import ID, Planner, Way

_PLAIN = frozenset({str, int, ObjectId})
"""Types of which a row that a unique index files under a value always matches that value."""

_ID_OF = itemgetter(2)
"""The id of the row that an entry stands for."""


class Explanation(NamedTuple):
    """How a query was carried out.

    Attributes:
        way: ``_id``, the name of an index, ``age`` for rows in the order of their insertion, or ``all``.
        sorts: whether the rows that matched had to be sorted.
        examined: how many rows were looked at.
        returned: how many came back.
        usable: the indexes in which all matches stand, whether one was used or not.
    """

    way: str
    sorts: bool
    examined: int
    returned: int
    usable: tuple[str, ...] = ()


class MemoryCursor:
    """Documents for whoever reads them to have and change; later writes do not change what it finds."""

    __slots__ = ("_project", "_rows")

    def __init__(self, rows: Iterable[Row], project: Callable[[Document], Document] | None = None) -> None:
        self._rows: Iterator[Row] | None = iter(rows)
        self._project = project

    def __iter__(self) -> Iterator[Document]:
        """Yield each document that is left."""
        while self._rows is not None and (row := next(self._rows, None)) is not None:
            yield self._of(row)

    def to_list(self) -> list[Document]:
        """Read all that are left, and close."""
        rows, self._rows = self._rows, None
        if rows is None:
            return []
        documents = Row.copies([*rows])
        return documents if self._project is None else [*map(self._project, documents)]

    def close(self) -> None:
        """Let go of the rows."""
        self._rows = None

    def _of(self, row: Row) -> Document:
        return row.copy() if self._project is None else self._project(row.copy())


def found(table: Table | Draft, query: Query) -> Iterable[Row]:
    """Return the rows that a query meets, in its order."""
    row = _named(table, query)
    return row if row is not None else Search(table, query).rows()


def matching(table: Table | Draft, predicate: Predicate) -> Iterator[Row]:
    """Yield the rows that a predicate holds of, in no order."""
    return Search(table, Query(predicate), in_order=False).matching()


def counted(table: Table | Draft, predicate: Predicate, limit: int | None) -> int:
    """Count the rows that a predicate holds of, up to a limit."""
    if not any(True for _ in parts_of(predicate)):
        return len(table.rows) if limit is None else min(limit, len(table.rows))
    return sum(1 for _ in islice(Search(table, Query(predicate, limit=limit), in_order=False).matching(), limit))


def explained(table: Table | Draft, query: Query) -> Explanation:
    """Carry out a query, and tell how."""
    search = Search(table, query)
    search.count_examined()
    returned = sum(1 for _ in search.rows())
    planner = Planner(table, tuple(parts_of(query.predicate)), query.sort, search.wanted)
    return Explanation(search.way, not search.is_ordered, search.examined, returned, planner.usable)


def _named(table: Table | Draft, query: Query) -> Sequence[Row] | None:
    """The one row that a query for an id or a unique value alone can mean, None if it asks for something else."""
    asked = query.predicate
    if type(asked) is not Compare or asked.comparator is not Comparator.EQ or query.skip or query.sort:
        return None
    if asked.path == ID:
        check_operand(ID, asked.value)
        row = table.rows.get(identity_key(asked.value))
        return () if row is None else (row,)
    number = table.indexes.by_path.get(asked.path)
    if number is None or type(asked.value) not in _PLAIN:
        return None
    check_operand(asked.path, asked.value)
    id_key = table.entries[number].get((identity_key(asked.value),))
    return () if id_key is None else (table.rows[id_key],)


class Search:
    """One query on one state of a collection.

    Attributes:
        way: what it goes through, as in `Explanation`.
        is_ordered: whether the rows come in the order of the query.
        examined: how many rows it has looked at, if that is counted.
        wanted: how many rows are needed, None for all.
    """

    __slots__ = ("_candidates", "_matches", "_query", "_until", "examined", "is_ordered", "wanted", "way")

    def __init__(self, table: Table | Draft, query: Query, *, in_order: bool = True) -> None:
        """Choose the way.

        Args:
            table: the collection.
            query: what is asked.
            in_order: whether the order counts.

        Raises:
            InvalidQuery: for a key or value that a store cannot compare.
        """
        for key in query.sort:
            check_sort_path(key.path)
        parts = tuple(parts_of(query.predicate))
        self._query = query
        self._until = self.wanted = None if query.limit is None else query.skip + query.limit
        self.examined = 0
        self._candidates: Iterable[Row]
        direct = _direct(table, parts)
        exact = not parts
        if direct is not None:
            self.way, self._candidates = direct
            self.is_ordered = not in_order
        elif (way := Planner(table, parts, query.sort if in_order else None, self._until).best()) is None:
            self.way, self.is_ordered, self._candidates = "all", not in_order, table.rows.values()
        else:
            self.way, self.is_ordered, self._candidates = way.name, way.ordered, _rows(way, table.rows)
            exact = exact or way.exact
        self._matches = None if exact else matcher(query.predicate)

    def rows(self) -> Iterable[Row]:
        """Return the rows that match, in order, between the bounds."""
        query = self._query
        if self.is_ordered:
            return islice(self.matching(), *(_countable(bound) for bound in (query.skip, self._until)))
        return ordered(self.matching(), query.sort, query.skip, query.limit)

    def matching(self) -> Iterator[Row]:
        """Return all rows that match."""
        matches = self._matches
        if matches is None:
            return iter(self._candidates)
        return (row for row in self._candidates if matches(row.document))

    def count_examined(self) -> None:
        """Count the rows that are looked at from now on."""
        self._candidates = self._counted(self._candidates)

    def _counted(self, rows: Iterable[Row]) -> Iterator[Row]:
        for row in rows:
            self.examined += 1
            yield row


def _countable(bound: int | None) -> int | None:
    """A bound that `islice` takes; beyond it there are no rows."""
    return None if bound is None else min(bound, sys.maxsize)


def _rows(way: Way, rows: Mapping[Key, Row]) -> Iterator[Row]:
    entries = way.entries()
    return map(rows.__getitem__, map(_ID_OF, _once(entries) if way.repeats else entries))


def _once(entries: Iterator[Entry]) -> Iterator[Entry]:
    """Leave out a row that has come already."""
    seen: set[int] = set()
    for entry in entries:
        if entry[1] not in seen:
            seen.add(entry[1])
            yield entry


def _direct(table: Table | Draft, parts: Sequence[Predicate]) -> tuple[str, list[Row]] | None:
    """The only rows that can match, if ids or all keys of a unique index say which."""
    found = _ids(table, parts)
    return None if found is None else (found[0], [row for key in found[1] if (row := table.rows.get(key)) is not None])


def _ids(table: Table | Draft, parts: Sequence[Predicate]) -> tuple[str, set[Key]] | None:
    given = {part.path: part.value for part in parts if isinstance(part, Compare) and _is_equality(part)}
    for path, value in given.items():
        check_operand(path, value)
    if ID in given:
        return "_id", {identity_key(given[ID])}
    for part in parts:
        if isinstance(part, OneOf) and part.path == ID:
            for value in part.values:
                check_operand(ID, value)
            return "_id", set(map(identity_key, part.values))
    for index, entries in zip(table.indexes.unique, table.entries, strict=True) if given else ():
        if all(path in given for path in index.paths) and index.holds_what_matches:
            if index.declaration.partial is not None and not implies(parts, index.declaration.partial):
                continue
            id_key = entries.get(tuple(identity_key(given[path]) for path in index.paths))
            return index.declaration.name, set() if id_key is None else {id_key}
    return None


def _is_equality(part: Compare) -> bool:
    return part.comparator is Comparator.EQ and not isinstance(part.value, list | tuple | dict | None)
