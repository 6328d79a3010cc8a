"""``tristore migrate``: where the schema versions stand, what a run would do, the run, and whether it did it."""

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Task, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars

from ...domain.errors import ConfigurationError
from ..migrations import Migrations
from ..migrations.migrations import LEASE
from ..migrations.reports import Progress
from ..migrations.walk import BATCH
from ..settings import Settings
from . import migrate_tables as tables
from .migration_targets import migrations_of
from .options import WIDTH, make_console, store_urls


def _common(command: Callable[..., Any]) -> Callable[..., Any]:
    text = "Your own stores, as package.module:name; without it, tristore's three."
    command = click.option("--app", metavar="TARGET", help=text)(command)
    return store_urls(command)


def _only(command: Callable[..., Any]) -> Callable[..., Any]:
    text = "A collection or named step; may be given several times.  [default: all]"
    return click.option("--only", metavar="NAME", multiple=True, help=text)(command)


@click.group()
def migrate() -> None:
    """Bring stored documents to the schema versions that the code declares, and carry out named steps once."""


@migrate.command()
@_common
def status(app: str | None, **urls: str | None) -> None:
    """Count the documents of every collection by schema version, and list the named steps.

    The exit code is 1 if something is left to do, or documents cannot be read.
    """
    with _opened(app, urls) as found:
        states = [one.status() for one in found]
    console = make_console()
    for table in tables.of_status(states):
        console.print(table)
    sys.exit(0 if all(state.is_complete for state in states) else 1)


@migrate.command()
@_common
@_only
@click.option(
    "--samples",
    type=click.IntRange(0, 100),
    default=1,
    show_default=True,
    help="Documents of each old version that are shown before and after.",
)
def plan(app: str | None, only: tuple[str, ...], samples: int, **urls: str | None) -> None:
    """Say what a run would do, and show some documents before and after; nothing is written."""
    console = make_console()
    with _opened(app, urls) as found:
        for one, chosen in _chosen(found, only):
            for part in tables.of_plan(one.plan(only=chosen, samples=samples)):
                console.print(part)


@migrate.command()
@_common
@_only
@click.option(
    "--batch",
    type=click.IntRange(1, 100_000),
    default=BATCH,
    show_default=True,
    help="Documents between two checkpoints.",
)
@click.option("--rate", type=click.FloatRange(min=0, min_open=True), help="The most documents a second.")
@click.option(
    "--wait",
    type=click.FloatRange(0, 86_400),
    default=0.0,
    show_default=True,
    help="Seconds to wait for another runner to end.",
)
@click.option(
    "--lease",
    type=click.FloatRange(0.1, 3_600),
    default=LEASE,
    show_default=True,
    help="Seconds after which another runner may take over from a dead one.",
)
def run(
    *,
    app: str | None,
    only: tuple[str, ...],
    batch: int,
    rate: float | None,
    wait: float,
    lease: float,
    **urls: str | None,
) -> None:
    """Bring all documents up to date, then carry out the named steps.

    It may be stopped at any moment, also by kill -9, and started again. The exit code is 1 if documents or a step
    failed; the others are done.
    """
    console = make_console()
    ok = True
    with _opened(app, urls) as found:
        for one, chosen in _chosen(found, only):
            with _bars(one.store.name) as on_progress:
                report = one.run(only=chosen, batch=batch, rate=rate, wait=wait, lease=lease, on_progress=on_progress)
            for part in tables.of_run(report):
                console.print(part)
            ok = ok and report.ok
    sys.exit(0 if ok else 1)


@migrate.command()
@_common
@_only
@click.option("--quick", is_flag=True, help="Only count by schema version; do not read the documents.")
def verify(app: str | None, only: tuple[str, ...], quick: bool, **urls: str | None) -> None:
    """Read every document as the code does; the exit code is 1 if one is old, unreadable or not valid."""
    console = make_console()
    ok = True
    with _opened(app, urls) as found:
        for one, chosen in _chosen(found, only):
            with _bars(one.store.name) as on_progress:
                verifications = one.verify(only=chosen, read=not quick, on_progress=on_progress)
            for part in tables.of_verification(one.store.name, verifications):
                console.print(part)
            ok = ok and all(verification.ok for verification in verifications)
    sys.exit(0 if ok else 1)


@contextmanager
def _opened(app: str | None, urls: dict[str, str | None]) -> Iterator[list[Migrations]]:
    settings = Settings.from_environment().with_urls(**urls)
    with migrations_of(settings, app) as found:
        yield found


def _chosen(found: Iterable[Migrations], only: tuple[str, ...]) -> Iterator[tuple[Migrations, tuple[str, ...] | None]]:
    """Yield each store with the names that it has; all of it where none was given.

    Raises:
        ConfigurationError: if no store has one of the names.
    """
    stores = list(found)
    names = [one.names for one in stores]
    unknown = sorted(set(only) - set().union(*names))
    if unknown:
        known = ", ".join(sorted(set().union(*names)))
        raise ConfigurationError(f"no store has a collection or step {', '.join(unknown)}: there are {known}")
    for one, own in zip(stores, names, strict=True):
        if not only:
            yield one, None
        elif chosen := tuple(name for name in only if name in own):
            yield one, chosen


class _RateColumn(TextColumn):
    """Documents a second."""

    def __init__(self) -> None:
        super().__init__("")

    def render(self, task: Task) -> Any:
        speed = task.finished_speed or task.speed
        self.text_format = "" if speed is None else f"{speed:,.0f}/s"
        return super().render(task)


@contextmanager
def _bars(store: str) -> Iterator[Callable[[Progress], None]]:
    """Show a bar for each collection on standard error, with rate and remaining time."""
    console = Console(stderr=True, highlight=False)
    console.width = min(console.width, WIDTH)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        _RateColumn(),
        TimeRemainingColumn(),
    )
    tasks: dict[str, TaskID] = {}
    with Bars(*columns, console=console) as bars:

        def show(progress: Progress) -> None:
            if progress.collection not in tasks:
                tasks[progress.collection] = bars.add_task(f"{store}.{progress.collection}", total=progress.total)
            bars.update(tasks[progress.collection], completed=progress.done, total=progress.total)

        yield show


__all__ = ["migrate"]
