"""Rollups of rows: groups, figures and their order, as MongoDB's $group and $sort give them."""

from collections.abc import Callable, Iterable
from operator import attrgetter
from typing import Any, Protocol, cast

from ....domain.queries.rollups import Function, GroupKey, Rollup
from ....domain.rules.predicates import Path, dotted
from ...backend import Document
from ...backend.checks.given_values import check_sort_path
from ..bson.rows import Row
from ..bson.value_order import MISSING, Key, order_key, stored, stored_key
from .calendar import bucket_of
from .sums import Number, Sum, is_number

Read = Callable[[Document], object]


class Working(Protocol):
    """A figure of one group in the making."""

    def add(self, found: object) -> None:
        """Take the value of one more document, None where it has none."""

    def result(self) -> object:
        """What was worked out."""


class _Group:
    """The values that the documents of a group have in common, and its figures."""

    __slots__ = ("figures", "values")

    def __init__(self, values: list[object], figures: list[Working]) -> None:
        self.values = values
        self.figures = figures


def rolled_up(rows: Iterable[Row], rollup: Rollup) -> list[Document]:
    """Return a row for each group of the documents, in the order of the rollup.

    Raises:
        ValidationError: if a value in a bucket is no date.
        InvalidQuery: if this machine does not know a time zone, or a key cannot be that of a document.
    """
    keys = [_key_reader(key) for key in rollup.keys]
    reads = [_reader(figure.path) for figure in rollup.figures]
    groups: dict[tuple[Key, ...], _Group] = {}
    for row in sorted(rows, key=attrgetter("sequence")):
        values = [read(row.document) for read in keys]
        identity = tuple(map(stored_key, values))
        group = groups.get(identity)
        if group is None:
            group = groups[identity] = _Group(values, [_WORKINGS[figure.function]() for figure in rollup.figures])
        for figure, read in zip(group.figures, reads, strict=True):
            figure.add(read(row.document))
    found = _ordered([_row(rollup, group) for group in groups.values()], rollup)[: rollup.limit]
    return [{name: _own(value) for name, value in row.items()} for row in found]


def _row(rollup: Rollup, group: _Group) -> Document:
    figures = {figure.name: made.result() for figure, made in zip(rollup.figures, group.figures, strict=True)}
    return {**{key.name: value for key, value in zip(rollup.keys, group.values, strict=True)}, **figures}


def _own(value: object) -> object:
    """A copy of what could be edited in place: the decoded documents are shared."""
    return stored(value) if isinstance(value, list | dict) else value


def _ordered(rows: list[Document], rollup: Rollup) -> list[Document]:
    """Sort by the least important part first; each sort keeps the order of what is alike."""
    for key in reversed(rollup.keys):
        rows.sort(key=_order_of(key.name))
    for part in reversed(rollup.sort):
        rows.sort(key=_order_of(dotted(part.path)), reverse=part.descending)
    return rows


def _order_of(name: str) -> Callable[[Document], Any]:
    return lambda row: order_key(row[name])


def _key_reader(key: GroupKey) -> Read:
    read = _reader(key.path)
    if key.bucket is None:
        return read
    begin = bucket_of(key.bucket, key.path)
    return lambda document: begin(read(document))


def _reader(path: Path) -> Read:
    """The function that gives the value at a path of an expression: None where there is none."""
    if not path:
        return lambda document: None
    check_sort_path(path)

    def read(document: Document) -> object:
        found = _at(document, path)
        return None if found is MISSING else found

    return read


def _at(value: object, path: Path) -> object:
    """Follow the path; through a list, to the list of what its documents have there. It numbers no items."""
    for depth, name in enumerate(path):
        if type(value) is list:
            inner = [_at(item, path[depth:]) for item in value if type(item) is dict]
            return [item for item in inner if item is not MISSING]
        if type(value) is not dict:
            return MISSING
        value = value.get(name, MISSING)
    return value


class _Count:
    """How many documents."""

    __slots__ = ("_number",)

    def __init__(self) -> None:
        self._number = 0

    def add(self, found: object) -> None:
        self._number += 1

    def result(self) -> int:
        return self._number


class _Total:
    """The sum of the numbers."""

    __slots__ = ("_sum",)

    def __init__(self) -> None:
        self._sum = Sum()

    def add(self, found: object) -> None:
        if is_number(found):
            self._sum.add(cast("Number", found))

    def result(self) -> object:
        return self._sum.total()


class _Average(_Total):
    """The mean of the numbers."""

    __slots__ = ()

    def result(self) -> object:
        return self._sum.mean()


class _Smallest:
    """The first value in the order of values; of those that are alike the first, where servers differ."""

    __slots__ = ("_best", "_key")

    def __init__(self) -> None:
        self._best: object = None
        self._key: Any = None

    def add(self, found: object) -> None:
        if found is not None:
            key = order_key(found)
            if self._key is None or self._is_better(key):
                self._best, self._key = found, key

    def result(self) -> object:
        return self._best

    def _is_better(self, key: Any) -> bool:
        return bool(key < self._key)


class _Largest(_Smallest):
    """The last value in the order of values."""

    __slots__ = ()

    def _is_better(self, key: Any) -> bool:
        return bool(key > self._key)


class _DistinctCount:
    """How many different values."""

    __slots__ = ("_seen",)

    def __init__(self) -> None:
        self._seen: set[Key] = set()

    def add(self, found: object) -> None:
        if found is not None:
            self._seen.add(stored_key(found))

    def result(self) -> int:
        return len(self._seen)


_WORKINGS: dict[Function, Callable[[], Working]] = {
    Function.COUNT: _Count,
    Function.TOTAL: _Total,
    Function.AVERAGE: _Average,
    Function.SMALLEST: _Smallest,
    Function.LARGEST: _Largest,
    Function.DISTINCT_COUNT: _DistinctCount,
}
