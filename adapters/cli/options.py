"""What several commands share: the options that say where the stores are, and the console."""

from collections.abc import Callable
from typing import Any

import click
from rich.console import Console

WIDTH = 100

_NAMES = ("systemlogs", "analytics", "core")


def store_urls(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options --core, --analytics and --systemlogs."""
    for name in _NAMES:
        text = f"Where the {name} store is; before TRISTORE_{name.upper()}_URL."
        command = click.option(f"--{name}", metavar="URL", help=text)(command)
    return command


def make_console() -> Console:
    """Return a console on standard output that is at most `WIDTH` columns wide."""
    console = Console(highlight=False)
    return Console(highlight=False, width=min(console.width, WIDTH))
