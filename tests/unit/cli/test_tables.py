"""How the tables of commands are laid out on a narrow terminal."""

from io import StringIO

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from rich.markup import escape

from tristore.adapters.cli.main import cli
from tristore.adapters.cli.tables import FittedTable

WORDS = st.text("abcdefghijkl_.:-", min_size=1, max_size=24)


def printed(rows: list[list[str]], width: int) -> str:
    """What a table of these rows looks like."""
    output = StringIO()
    table = FittedTable(title="Things")
    for number in range(len(rows[0])):
        table.add_column(f"h{number}")
    for row in rows:
        table.add_row(*map(escape, row))
    Console(file=output, width=width, highlight=False).print(table)
    return output.getvalue()


@given(
    st.integers(1, 8).flatmap(
        lambda columns: st.lists(
            st.lists(st.lists(WORDS, max_size=4).map(" ".join), min_size=columns, max_size=columns),
            min_size=1,
            max_size=4,
        )
    )
)
def test_no_word_is_broken(rows: list[list[str]]) -> None:
    """Whatever stands in a table: in 80 columns every word is found whole, and no line is longer."""
    shown = printed(rows, 80)
    words = set(shown.replace("\u2502", " ").split())

    assert {word for row in rows for cell in row for word in cell.split()} <= words
    assert max(map(len, shown.splitlines())) <= 80


def test_what_every_row_repeats_is_said_once() -> None:
    """A column that has one text in all rows stands above the table, an empty one nowhere."""
    shown = printed([["core", "users", ""], ["core", "tokens", ""]], 80)

    assert (1, 1, 1) == tuple(shown.count(word) for word in ("core", "users", "tokens"))
    assert "h0: core" in shown
    assert "h2" not in shown


@pytest.mark.parametrize("command", [(), ("indexes",), ("schema",), ("migrate",)])
def test_the_list_of_commands_is_whole(command: tuple[str, ...]) -> None:
    """In 80 columns the help says the first sentence about each command to its end."""
    result = CliRunner().invoke(cli, [*command, "--help"], env={"COLUMNS": "80"})

    assert 0 == result.exit_code
    assert "..." not in result.stdout.partition("Commands:")[2]
