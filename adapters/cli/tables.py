"""Tables that fit: no word is broken, and what every row repeats is said once, above."""

from collections.abc import Iterator, Sequence
from typing import Any

from attrs import frozen
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.markup import escape
from rich.table import Column, Table
from rich.text import Text

_ANSWERS = frozenset({"", "state", "outcome"})
"""The headings of columns that say of each row how it is: they stay, whatever they repeat."""
_FRAME = 3
"""The columns of the screen that a column of a table takes beside its text: a line, and a space on both sides."""


class FittedTable(Table):
    """A table of text that is laid out when it is printed.

    Columns of text that have the same in each of several rows are left out and said once above the table, columns
    without anything are left out. Columns of numbers, which stand to the right, always stay. Where the longest words
    do not fit beside each other, each row is printed as lines of its own.
    """

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Lay the table out in the width that there is."""
        columns = [_Cells(column, tuple(map(str, column.cells))) for column in self.columns]
        kept = [one for one in columns if not (one.is_empty or one.is_repeated)] or columns[:1]
        if self.title:
            yield Text(str(self.title), style="italic")
        for one in columns:
            if one not in kept and not one.is_empty:
                yield Text.from_markup(f"{escape(one.heading)}: {one.cells[0]}")
        if sum(one.width + _FRAME for one in kept) + 1 > options.max_width:
            yield from _as_lines(kept)
            return
        table = Table()
        for one, width in zip(kept, _widths(kept, options.max_width), strict=True):
            given = one.column
            table.add_column(given.header, justify=given.justify, no_wrap=given.no_wrap, width=width)
        for row in zip(*(one.cells for one in kept), strict=True):
            table.add_row(*row)
        yield table


@frozen
class _Cells:
    """A column, and the text of its cells."""

    column: Column
    cells: tuple[str, ...]

    @property
    def heading(self) -> str:
        return str(self.column.header)

    @property
    def is_empty(self) -> bool:
        return not any(self.cells)

    @property
    def is_repeated(self) -> bool:
        is_text = self.column.justify == "left" and self.heading not in _ANSWERS
        return is_text and len(self.cells) > 1 and len(set(self.cells)) == 1

    @property
    def texts(self) -> list[str]:
        return [Text.from_markup(cell).plain for cell in (self.heading, *self.cells)]

    @property
    def width(self) -> int:
        """Of the longest word."""
        if self.column.no_wrap:
            return self.most
        return max(cell_len(word) for text in self.texts for word in text.split() or [""])

    @property
    def most(self) -> int:
        """Of the longest text."""
        return max(cell_len(line) for text in self.texts for line in text.splitlines() or [""])


def _widths(columns: Sequence[_Cells], room: int) -> list[int]:
    """Each column has its longest word; what room is left goes to those that lack least, which then need one line."""
    widths = [one.width for one in columns]
    spare = room - 1 - sum(width + _FRAME for width in widths)
    for number in sorted(range(len(columns)), key=lambda number: columns[number].most - widths[number]):
        more = min(spare, columns[number].most - widths[number])
        widths[number] += more
        spare -= more
    return widths


def _as_lines(columns: Sequence[_Cells]) -> Iterator[Any]:
    """Each row as lines: the heading of each cell and its text."""
    for row in zip(*(one.cells for one in columns), strict=True):
        yield Text("-")
        for one, cell in zip(columns, row, strict=True):
            if cell:
                yield Text.from_markup(f"  {escape(one.heading)}{': ' if one.heading else ''}{cell}", overflow="fold")
