"""Walking an index in an order that may rise in one key and fall in another."""

from collections.abc import Iterator
from enum import Enum, auto
from typing import NamedTuple

from ..bson.value_order import order_of_identity
from .index_bounds import TOP
from .sorted_entries import Entry, Position, SortedEntries


class Tie(Enum):
    """How entries follow one another that are equal in all keys of the order."""

    OLDEST_FIRST = auto()
    """As they stand in an index whose keys are all used up."""
    YOUNGEST_FIRST = auto()
    """The other way round."""
    SORTED_BY_AGE = auto()
    """Oldest first, where further keys of the index stand between."""
    SORTED_BY_ID = auto()
    SORTED_BY_ID_DOWN = auto()


class Order(NamedTuple):
    """An order that an index can give.

    Attributes:
        fixed: how many of its first keys have one value.
        falling: for each of the next keys, whether the largest comes first.
        tie: what follows from there.
    """

    fixed: int
    falling: tuple[bool, ...]
    tie: Tie


def walk(entries: SortedEntries, start: Position, stop: Position, order: Order) -> Iterator[Entry]:
    """Yield the entries between two positions in an order.

    It looks at no more than it yields, and at one entry for each value of a key that stands before one that runs the
    other way; only where equal entries must be sorted, at all of these.
    """
    _, falling, tie = order
    if tie is Tie.OLDEST_FIRST and not any(falling):
        return entries.forward(start, stop)
    if tie is Tie.YOUNGEST_FIRST and all(falling):
        return entries.backward(start, stop)
    return _turning(entries, start, stop, order) if falling else _sorted(entries, start, stop, tie)


def _turning(entries: SortedEntries, start: Position, stop: Position, order: Order) -> Iterator[Entry]:
    """Walk in the order of the first key, and for each of its values in that of the others."""
    fixed, falling, tie = order
    inner = Order(fixed + 1, falling[1:], tie)
    while start < stop:
        if falling[0]:
            key = entries.before(stop)[0][: fixed + 1]
            middle = max(start, entries.seek((key,)))
            yield from walk(entries, middle, stop, inner)
            stop = middle
        else:
            key = entries.at(start)[0][: fixed + 1]
            middle = min(stop, entries.seek(((*key, TOP),)))
            yield from walk(entries, start, middle, inner)
            start = middle


def _sorted(entries: SortedEntries, start: Position, stop: Position, tie: Tie) -> Iterator[Entry]:
    found = entries.forward(start, stop)
    if tie is Tie.SORTED_BY_AGE:
        return iter(sorted(found, key=lambda entry: entry[1]))
    return iter(sorted(found, key=lambda entry: order_of_identity(entry[2]), reverse=tie is Tie.SORTED_BY_ID_DOWN))
