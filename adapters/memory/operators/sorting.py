"""Sorting rows by MongoDB's order of values: types first, missing as null, lists by their least or largest item."""

from collections.abc import Callable, Iterable, Sequence
from heapq import nlargest, nsmallest
from operator import attrgetter
from typing import Any

from ....domain.queries.query import SortKey
from ...backend import Document
from ...backend.checks.given_values import check_sort_path
from ..bson.paths import key_rows
from ..bson.rows import Row
from ..bson.value_order import order_key

_AGE = attrgetter("sequence")


def ordered(rows: Iterable[Row], sort: Sequence[SortKey], skip: int, limit: int | None) -> list[Row]:
    """Return a stretch of the rows in an order; rows that are equal in it stay as they were inserted.

    Raises:
        InvalidQuery: if a document has no place in the order.
    """
    until = None if limit is None else skip + limit
    if not sort:
        return _least(rows, _AGE, until)[skip:]
    mixed = len({key.descending for key in sort}) > 1
    if sort[0].descending and not mixed:
        key = _sort_key(sort, mixed=False, age=-1)
        return (sorted(rows, key=key, reverse=True) if until is None else nlargest(until, rows, key=key))[skip:]
    return _least(rows, _sort_key(sort, mixed=mixed, age=1), until)[skip:]


def _least(rows: Iterable[Row], key: Callable[[Row], Any], until: int | None) -> list[Row]:
    return sorted(rows, key=key) if until is None else nsmallest(until, rows, key=key)


def _sort_key(sort: Sequence[SortKey], *, mixed: bool, age: int) -> Callable[[Row], Any]:
    """Return the key of a row; the last part of it, its age, tells equal rows apart."""
    paths = [key.path for key in sort]
    for path in paths:
        check_sort_path(path)
    falling = [key.descending for key in sort]
    turned = [position for position, down in enumerate(falling) if down and mixed]

    def sort_key(row: Row) -> Any:
        key = _place(row.document, paths, falling)
        for position in turned:
            key[position] = _Reversed(key[position])
        key.append(age * row.sequence)
        return key

    return sort_key


def _place(document: Document, paths: Sequence[tuple[str, ...]], falling: Sequence[bool]) -> list[Any]:
    """The keys by which a document is sorted: of several that a list gives, the first in the order."""
    candidates = [[order_key(value) for value in row] for row in key_rows(document, paths)]
    for position, down in enumerate(falling):
        if len(candidates) == 1:
            break
        best = (max if down else min)(keys[position] for keys in candidates)
        candidates = [keys for keys in candidates if keys[position] == best]
    return candidates[0]


class _Reversed:
    """A key that sorts the other way round."""

    __slots__ = ("key",)

    def __init__(self, key: tuple[int, Any]) -> None:
        self.key = key

    def __lt__(self, other: "_Reversed") -> bool:
        return other.key < self.key

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Reversed) and self.key == other.key

    __hash__ = None  # type: ignore[assignment]
