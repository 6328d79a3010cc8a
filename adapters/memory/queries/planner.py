"""Choosing how to find the rows of a query: which index, in which direction, or all rows.

Whatever is chosen, the answer is the same. Of several ways the one that has to look at the fewest rows is taken, as
far as the counts of the indexes tell.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain
from typing import NamedTuple

from ....domain.queries.query import SortKey
from ....domain.rules.predicates import Path, Predicate
from ...backend import IndexDeclaration
from ..indexes.index import Index
from ..indexes.index_bounds import Limits, Span, implies, limits_by_path, span_of
from ..indexes.index_scan import Order, Tie, walk
from ..indexes.index_views import BY_AGE, BY_ID, View
from ..indexes.sorted_entries import Entry, Position
from ..tables import Draft, Table

ID: Path = ("_id",)
_BY_ID = Index(IndexDeclaration((("_id", 1),)))

Stretch = tuple[Position, Position]

_IN_ORDER = Order(0, (), Tie.OLDEST_FIRST)


class Way(NamedTuple):
    """One way to the rows of a query.

    Attributes:
        name: what it goes through.
        entries: begins to go.
        cost: how many rows will probably be looked at.
        ordered: whether they come in the order of the query.
        repeats: whether one may come more than once.
        exact: whether all of them match, so that none needs a second look.
    """

    name: str
    entries: Callable[[], Iterator[Entry]]
    cost: float
    ordered: bool = False
    repeats: bool = False
    exact: bool = False


class _Usable(NamedTuple):
    """An index in which all matches of a query stand: between which positions, and how many entries there are."""

    declared: Index
    view: View
    span: Span
    stretches: Sequence[Stretch]
    entries: int


class Planner:
    """Finds the ways to the rows of one query, in one state of a collection."""

    def __init__(
        self, table: Table | Draft, parts: Sequence[Predicate], sort: Sequence[SortKey] | None, wanted: int | None
    ) -> None:
        """Plan.

        Args:
            table: the collection.
            parts: what the rows must all meet.
            sort: their order, an empty one is that of their age; None for any.
            wanted: how many are needed, None for all.
        """
        self._table = table
        self._parts = parts
        self._sort = sort or ()
        self._in_order = sort is not None
        self._wanted = wanted
        self._limits = limits_by_path(parts)
        self._usable = [*self._usable_indexes()]
        counts = [usable.entries for usable in self._usable if usable.span.keys]
        self._matches = min(counts, default=len(table.rows))

    @property
    def usable(self) -> tuple[str, ...]:
        """The names of the indexes in which all matches stand."""
        return tuple(usable.declared.declaration.name for usable in self._usable)

    def best(self) -> Way | None:
        """Return the way that looks at the fewest rows; None if nothing is better than to look at all and sort."""
        ways = [self._through(usable) for usable in self._usable]
        if self._in_order and not self._sort:
            if not any(way.exact and way.ordered for way in ways):  # nothing looks at fewer rows
                ways.append(self._by_age())
        elif self._sort and self._sort[0].path == ID and ID not in self._limits and not self._may_have_no_order:
            ways.append(self._by_id())
        best = min(ways, key=lambda way: (way.cost, not way.ordered), default=None)
        if best is None or (best.cost >= len(self._table.rows) and not (best.ordered and self._in_order)):
            return None
        return best

    @property
    def _may_have_no_order(self) -> bool:
        """Whether keys behind an id may lead through two lists: they change no order, and a server refuses them."""
        return len(self._sort) > 2

    def _usable_indexes(self) -> Iterator[_Usable]:
        limits, table = self._limits, self._table
        leading = self._sort[0].path if self._sort and self._wanted is not None else None
        for number, index in enumerate(table.indexes.ordered):
            first, filter_of = index.paths[0], index.declaration.partial
            if (first in limits or first == leading) and (filter_of is None or implies(self._parts, filter_of)):
                usable = _usable(index, table.view(number), limits)
                if usable.span.strict or not index.declaration.sparse:
                    yield usable
        if ID in limits:
            yield _usable(_BY_ID, table.view(BY_ID), limits)

    def _through(self, usable: _Usable) -> Way:
        index, view, span, stretches, count = usable
        order = self._order(usable)
        cost = float(count) if order is None else self._share(count)
        entries = partial(_entries, view, stretches, order or _IN_ORDER)
        exact = 0 < span.exact == len(self._parts)
        return Way(index.declaration.name, entries, cost, order is not None, bool(view.lists), exact)

    def _by_age(self) -> Way:
        view = self._table.view(BY_AGE)
        return Way("age", partial(_entries, view, _whole(view), _IN_ORDER), self._share(len(self._table.rows)), True)

    def _by_id(self) -> Way:
        falling = self._sort[0].descending
        order = Order(0, (falling,), Tie.YOUNGEST_FIRST if falling else Tie.OLDEST_FIRST)
        view = self._table.view(BY_AGE)
        if view.ids_rise:
            order = order._replace(falling=())
        else:
            view = self._table.view(BY_ID)
        return Way("_id", partial(_entries, view, _whole(view), order), self._share(len(self._table.rows)), True)

    def _share(self, count: int) -> float:
        """How many of so many rows are looked at until enough match, if the matches are spread evenly."""
        if self._wanted is None:
            return float(count)
        return min(float(count), self._wanted * count / max(1, min(self._matches, count)))

    def _order(self, usable: _Usable) -> Order | None:
        """How an index gives the order of the query, None if it does not."""
        index, view, span, *_ = usable
        if len(span.stretches) != 1:
            return None
        constant = {path for at, path in enumerate(index.paths[: span.fixed]) if at not in view.lists}
        keys = [key for key in self._sort if key.path not in constant]
        falling: list[bool] = []
        for at in range(span.fixed, len(index.paths)):
            if not keys or at in view.lists or index.paths[at] != keys[0].path:
                break
            key = keys.pop(0)
            falling.append(key.descending)
            if key.path == ID and not (keys and self._may_have_no_order):
                return Order(span.fixed, (*falling,), Tie.YOUNGEST_FIRST if key.descending else Tie.OLDEST_FIRST)
        tie = self._tie(keys, used_up=span.fixed + len(falling) == len(index.paths))
        if tie is None or (not falling and tie not in _FREE):
            return None
        return Order(span.fixed, (*falling,), tie)

    def _tie(self, keys: Sequence[SortKey], *, used_up: bool) -> Tie | None:
        """How rows follow that are equal in the keys of the order which the index has; None if others come first."""
        if not keys:
            return Tie.OLDEST_FIRST if used_up else Tie.SORTED_BY_AGE
        if keys[0].path != ID:
            return None
        if used_up and self._table.view(BY_AGE).ids_rise:
            return Tie.YOUNGEST_FIRST if keys[0].descending else Tie.OLDEST_FIRST
        return Tie.SORTED_BY_ID_DOWN if keys[0].descending else Tie.SORTED_BY_ID


_FREE = frozenset({Tie.OLDEST_FIRST, Tie.YOUNGEST_FIRST})
"""Orders of equal rows that cost nothing."""


def _usable(index: Index, view: View, limits: Mapping[Path, list[Limits]]) -> _Usable:
    span = span_of(index, view, limits)
    entries = view.entries
    stretches = [(entries.seek((low,)), entries.seek((high,))) for low, high in span.stretches]
    return _Usable(index, view, span, stretches, sum(entries.count(*stretch) for stretch in stretches))


def _whole(view: View) -> Sequence[Stretch]:
    return ((view.entries.start, view.entries.end),)


def _entries(view: View, stretches: Sequence[Stretch], order: Order) -> Iterator[Entry]:
    return chain.from_iterable(walk(view.entries, start, stop, order) for start, stop in stretches)
