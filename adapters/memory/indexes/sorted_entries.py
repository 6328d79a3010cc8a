"""Entries in order, kept in chunks: a change copies the chunks that it touches, and shares the others."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import Any

from ..bson.value_order import Key

Entry = tuple[tuple[Key, ...], int, Key]
"""The keys of a row in an index, the row's age, and its id; no two entries have the same keys and age."""

Bound = tuple[tuple[Any, ...]]
"""Keys, or the first of them, that an entry is compared with."""

Position = tuple[int, int]
"""A chunk, and a place in it: that of an entry, or behind the last chunk."""

CHUNK = 256
"""Entries in a new chunk; one of more than twice as many is divided."""


class SortedEntries:
    """One state of an index. It is never changed."""

    __slots__ = ("_chunks", "_lasts")

    def __init__(self, chunks: list[list[Entry]]) -> None:
        self._chunks = chunks
        self._lasts = [chunk[-1] for chunk in chunks]

    @classmethod
    def of(cls, entries: Sequence[Entry]) -> "SortedEntries":
        """Return entries in order."""
        return cls(_divided(sorted(entries)))

    @property
    def start(self) -> Position:
        """The position of the first entry."""
        return 0, 0

    @property
    def end(self) -> Position:
        """The position behind the last entry."""
        return len(self._chunks), 0

    @property
    def last(self) -> Entry | None:
        """The last entry."""
        return self._lasts[-1] if self._lasts else None

    def seek(self, bound: Bound) -> Position:
        """Return the position of the first entry that is not below the bound."""
        chunk = bisect_left(self._lasts, bound)
        return (chunk, bisect_left(self._chunks[chunk], bound)) if chunk < len(self._chunks) else self.end

    def at(self, position: Position) -> Entry:
        """Return the entry at a position."""
        return self._chunks[position[0]][position[1]]

    def before(self, position: Position) -> Entry:
        """Return the entry before a position."""
        chunk, place = position
        return self._chunks[chunk][place - 1] if place else self._lasts[chunk - 1]

    def count(self, start: Position, stop: Position) -> int:
        """Count the entries between two positions."""
        if start >= stop:
            return 0
        whole = sum(map(len, self._chunks[start[0] : stop[0]]))
        return whole - start[1] + stop[1]

    def forward(self, start: Position, stop: Position) -> Iterator[Entry]:
        """Yield the entries between two positions."""
        if start[0] == stop[0] < len(self._chunks):
            return iter(self._chunks[start[0]][start[1] : stop[1]])
        return self._through_chunks(start, stop)

    def _through_chunks(self, start: Position, stop: Position) -> Iterator[Entry]:
        for chunk in range(start[0], min(stop[0] + 1, len(self._chunks))):
            first = start[1] if chunk == start[0] else 0
            yield from self._chunks[chunk][first : stop[1] if chunk == stop[0] else None]

    def backward(self, start: Position, stop: Position) -> Iterator[Entry]:
        """Yield the entries between two positions, the last one first."""
        for chunk in range(min(stop[0], len(self._chunks) - 1), start[0] - 1, -1):
            first = start[1] if chunk == start[0] else 0
            yield from reversed(self._chunks[chunk][first : stop[1] if chunk == stop[0] else None])

    def changed(self, removed: set[Entry], added: set[Entry]) -> "SortedEntries":
        """Return the state without some entries, which are there, and with others."""
        if not self._chunks:
            return SortedEntries.of(list(added))
        gone: dict[int, list[Entry]] = {}
        new: dict[int, list[Entry]] = {}
        for entry in removed:
            gone.setdefault(bisect_left(self._lasts, entry), []).append(entry)
        behind = len(self._chunks) - 1
        for entry in added:
            new.setdefault(min(bisect_left(self._lasts, entry), behind), []).append(entry)
        chunks = list(self._chunks)
        for number in sorted(gone.keys() | new.keys(), reverse=True):
            chunk = chunks[number].copy()
            for entry in gone.get(number, ()):
                del chunk[bisect_left(chunk, entry)]
            chunk += new.get(number, ())
            chunk.sort()
            chunks[number : number + 1] = [chunk] if 0 < len(chunk) <= 2 * CHUNK else _divided(chunk)
        return SortedEntries(chunks)


def _divided(entries: list[Entry]) -> list[list[Entry]]:
    return [entries[start : start + CHUNK] for start in range(0, len(entries), CHUNK)]
