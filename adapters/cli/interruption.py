"""Ctrl-C: a line that says how to go on, and the exit code that shells give it."""

from collections.abc import Iterator
from contextlib import contextmanager

import click

INTERRUPTED = 130
"""The exit code after Ctrl-C."""


@contextmanager
def interruptible(advice: str = "") -> Iterator[None]:
    """End the command at Ctrl-C with one line, which ends with advice, and with `INTERRUPTED`."""
    try:
        yield
    except KeyboardInterrupt:
        click.secho(f"Stopped; {advice}." if advice else "Stopped.", fg="yellow", err=True)
        raise click.exceptions.Exit(INTERRUPTED) from None
