"""Finding rows: by id or by a unique key straight away, otherwise by looking at each."""

from collections.abc import Callable, Iterable, Iterator

from ...domain.predicates import EVERYTHING, All, Comparator, Compare, OneOf, Predicate
from ...domain.queries import Query
from ..backend import Document
from .matching import matcher
from .ordering import ordered
from .rows import Row
from .tables import Draft, Table
from .values import Key, identity_key

_ID = ("_id",)


class MemoryCursor:
    """Documents that are decoded as they are read; later writes do not change what it finds."""

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
        return [] if rows is None else [*map(self._of, rows)]

    def close(self) -> None:
        """Let go of the rows."""
        self._rows = None

    def _of(self, row: Row) -> Document:
        return row.copy() if self._project is None else self._project(row.copy())


def found(table: Table | Draft, query: Query) -> list[Row]:
    """Return the rows that a query meets, in its order."""
    predicate = query.predicate
    if type(predicate) is Compare and predicate.path == _ID and predicate.comparator is Comparator.EQ:
        row = table.rows.get(identity_key(predicate.value))
        return [] if row is None or query.skip else [row]
    return ordered(matching(table, predicate), query.sort, query.skip, query.limit)


def matching(table: Table | Draft, predicate: Predicate) -> Iterator[Row]:
    """Yield the rows that a predicate holds of, in no order."""
    matches = matcher(predicate)
    candidates = _candidates(table, predicate)
    rows = table.rows.values() if candidates is None else candidates
    return iter(rows) if predicate == EVERYTHING else (row for row in rows if matches(row.document))


def _candidates(table: Table | Draft, predicate: Predicate) -> list[Row] | None:
    """The only rows that can match, if ids or a unique key say which."""
    parts = predicate.parts if isinstance(predicate, All) else (predicate,)
    ids = _ids(table, parts)
    if ids is None:
        return None
    return [row for id_key in ids if (row := table.rows.get(id_key)) is not None]


def _ids(table: Table | Draft, parts: tuple[Predicate, ...]) -> set[Key] | None:
    given = {part.path: part.value for part in parts if isinstance(part, Compare) and _is_equality(part)}
    if _ID in given:
        return {identity_key(given[_ID])}
    for part in parts:
        if isinstance(part, OneOf) and part.path == _ID:
            return set(map(identity_key, part.values))
    for index, entries in zip(table.indexes, table.entries, strict=True):
        if all(path in given for path in index.paths) and index.holds_what_matches:
            id_key = entries.get(tuple(identity_key(given[path]) for path in index.paths))
            return set() if id_key is None else {id_key}
    return None


def _is_equality(part: Compare) -> bool:
    return part.comparator is Comparator.EQ and not isinstance(part.value, list | tuple | dict | None)
