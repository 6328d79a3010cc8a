"""The rows of a collection in the orders of its indexes, by age and by id: brought up to date when somebody asks.

A write leaves a note of what it changed. Whoever reads an index applies the notes that it does not know yet, all at
once, and the state keeps the result; a write that finds many of them does it for the readers.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from ..bson.rows import Row
from ..bson.value_order import Key, order_of_identity
from .index import NO_LISTS, IndexSet
from .sorted_entries import Entry, SortedEntries

BY_AGE, BY_ID = -1, -2
"""Numbers of the orders that every collection has; the others are those of its indexes."""

_MOST_NOTES = 1_000
"""Changes that a reader may have to look at; more are applied by the write."""


class Change(NamedTuple):
    """What a write did to one row.

    Attributes:
        id_key: its id.
        before: the row before, None if there was none.
        after: the row after, None if it is gone.
        touched: the top-level keys that can differ, None for all.
    """

    id_key: Key
    before: Row | None
    after: Row | None
    touched: frozenset[str] | None = None


class View(NamedTuple):
    """The state of one order.

    Attributes:
        entries: the rows' places.
        lists: which of its keys have led to a list, so that a row may have several places.
        ids_rise: of the order by age, whether the ids rise with it.
    """

    entries: SortedEntries
    lists: frozenset[int] = NO_LISTS
    ids_rise: bool = True


NO_ROWS = View(SortedEntries([]))


class Orders:
    """The orders of one state of a collection: those that were asked for; the others follow from an earlier state."""

    __slots__ = ("_changes", "_earlier", "_indexes", "_notes", "_views")

    def __init__(self, indexes: IndexSet) -> None:
        self._indexes = indexes
        self._views: dict[int, View] = {}
        self._earlier: Orders | None = None
        self._changes: Sequence[Change] = ()
        self._notes = 0

    def after(self, changes: Sequence[Change], rows: Mapping[Key, Row]) -> "Orders":
        """Return the orders of the state that some changes lead to, with its rows."""
        later = Orders(self._indexes)
        later._earlier, later._changes, later._notes = self, changes, self._notes + len(changes)
        if later._notes > _MOST_NOTES:
            later._catch_up(rows)
        return later

    def view(self, number: int, rows: Mapping[Key, Row]) -> View:
        """Return an order of this state, which has these rows. Threads that ask at once do the same work twice."""
        found = self._views.get(number)
        if found is None:
            known = self._nearest(number)
            if known is self:  # another thread was faster
                return self._views[number]
            found = self._follow(known, [number], rows)[number]
            self._views[number] = found
        return found

    def _catch_up(self, rows: Mapping[Key, Row]) -> None:
        """Make every order now, and let go of the earlier states."""
        by_id = [] if self._nearest(BY_ID) is None else [BY_ID]
        known: dict[Orders | None, list[int]] = {}
        for number in (BY_AGE, *by_id, *range(len(self._indexes.ordered))):
            known.setdefault(self._nearest(number), []).append(number)
        for state, numbers in known.items():
            self._views.update(self._follow(state, numbers, rows))
        self._earlier, self._changes, self._notes = None, (), 0

    def _nearest(self, number: int) -> "Orders | None":
        """The nearest state that knows an order."""
        state: Orders | None = self
        while state is not None and number not in state._views:
            state = state._earlier
        return state

    def _follow(self, known: "Orders | None", numbers: Sequence[int], rows: Mapping[Key, Row]) -> dict[int, View]:
        """Make orders from those that an earlier state knows, or from the rows."""
        changes = None if known is None else self._changes_since(known)
        if known is None or changes is None:
            everything = (Change(id_key, None, row) for id_key, row in rows.items())
            return followed(self._indexes, dict.fromkeys(numbers, NO_ROWS), everything)
        return followed(self._indexes, {number: known._views[number] for number in numbers}, changes)

    def _changes_since(self, known: "Orders") -> list[Change] | None:
        """What lies between, None if a write has let go of it meanwhile."""
        notes: list[Sequence[Change]] = []
        state: Orders | None = self
        while state is not None and state is not known:
            notes.append(state._changes)
            state = state._earlier
        return None if state is None else [change for changes in reversed(notes) for change in changes]


def followed(indexes: IndexSet, views: Mapping[int, View], changes: Iterable[Change]) -> dict[int, View]:
    """Return the orders that follow from others by some changes; every row is decoded once at most."""
    nets = [(_Net(view), number, indexes.ordered[number] if number >= 0 else None) for number, view in views.items()]
    for change in changes:
        before, after = change.before, change.after
        contents: dict[Row, Mapping[str, object]] = {}
        for net, number, index in nets:
            if index is None:
                key = () if number == BY_AGE else (order_of_identity(change.id_key),)
                net.move(change, {key} if before else None, {key} if after else None)
            elif change.touched is None or not index.roots.isdisjoint(change.touched):
                for row in (before, after):
                    if row is not None and row not in contents:
                        contents[row] = row.peek()
                old = index.order_of(contents[before])[0] if before else None  # type: ignore[arg-type]
                if after is None:
                    net.move(change, old, None)
                    continue
                new, lists = index.order_of(contents[after])  # type: ignore[arg-type]
                net.move(change, old, new, lists)
    return {number: net.view(by_age=number == BY_AGE) for net, number, _ in nets}


class _Net:
    """What many changes come to in one order."""

    __slots__ = ("_added", "_before", "_lists", "_removed")

    def __init__(self, before: View) -> None:
        self._before = before
        self._lists = before.lists
        self._removed: set[Entry] = set()
        self._added: set[Entry] = set()

    def move(
        self,
        change: Change,
        old: set[tuple[Key, ...]] | None,
        new: set[tuple[Key, ...]] | None,
        lists: frozenset[int] = NO_LISTS,
    ) -> None:
        """Take a row from its old places to its new ones."""
        if old and change.before is not None:
            for key in old if new is None else old - new:
                entry = (key, change.before.sequence, change.id_key)
                if entry in self._added:
                    self._added.discard(entry)
                else:
                    self._removed.add(entry)
        if new and change.after is not None:
            for key in new if old is None else new - old:
                entry = (key, change.after.sequence, change.id_key)
                if entry in self._removed:
                    self._removed.discard(entry)
                else:
                    self._added.add(entry)
        if lists:
            self._lists |= lists

    def view(self, *, by_age: bool) -> View:
        """The order with all the changes."""
        before = self._before
        if not (self._removed or self._added):
            return View(before.entries, self._lists, before.ids_rise)
        rises = by_age and before.ids_rise and _rise(before.entries.last, self._added)
        return View(before.entries.changed(self._removed, self._added), self._lists, rises)


def _rise(last: Entry | None, added: set[Entry]) -> bool:
    """Whether younger rows have larger ids, also than the youngest row before."""
    sequence = sorted((age, order_of_identity(id_key)) for _, age, id_key in added)
    if last is not None:
        sequence.insert(0, (last[1], order_of_identity(last[2])))
    return all(older[0] < younger[0] and older[1] < younger[1] for older, younger in pairwise(sequence))
