"""What several commands share: the options that say where the stores are, and the console."""

from collections.abc import Callable
from math import isfinite
from typing import Any

import click
from rich.console import Console

from ..three_stores.settings import STORES

WIDTH = 100
"""The most columns of what is printed."""


class Group(click.Group):
    """A group of commands whose help shows the first sentence about each of them whole."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of the commands."""
        found = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl([(name, one.get_short_help_str(limit=1_000)) for name, one in found if one is not None])


class Number(click.FloatRange):
    """A number in a range: neither infinite nor the value that is no number, which no range keeps out."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the number."""
        found: float = super().convert(value, param, ctx)
        if not isfinite(found):
            self.fail(f"{value} is no finite number.", param, ctx)
        return found


def store_urls(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options --core, --analytics and --systemlogs."""
    for name in reversed(STORES):
        text = f"Where the {name} store is; before TRISTORE_{name.upper()}_URL."
        command = click.option(f"--{name}", metavar="URL", help=text)(command)
    return command


def make_console(*, stderr: bool = False) -> Console:
    """Return a console on standard output, or on standard error, that is at most `WIDTH` columns wide."""
    console = Console(highlight=False, stderr=stderr)
    return Console(highlight=False, stderr=stderr, width=min(console.width, WIDTH))
