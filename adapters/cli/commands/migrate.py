"""``tristore migrate``: where the schema versions stand, what a run would do, the run, and whether it did it."""

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import click
from rich.progress import BarColumn, MofNCompleteColumn, Task, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars

from ....domain.errors import ConfigurationError
from ...operations.migrations import Migrations
from ...operations.migrations.migrations import LEASE
from ...operations.migrations.reports import Progress
from ...operations.migrations.walk import BATCH
from ..interruption import interruptible
from ..options import Group, Number, make_console
from ..targets import Chosen, of_stores, opened_migrations
from . import migrate_tables as tables

_AGAIN = "the same command goes on behind the last checkpoint"


def _only(command: Callable[..., Any]) -> Callable[..., Any]:
    text = "A collection or named step; may be given several times.  [default: all]"
    return click.option("--only", metavar="NAME", multiple=True, help=text)(command)


def _of_a_walk(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options of what goes through a collection and writes."""
    options = (
        click.option(
            "--batch",
            type=click.IntRange(1, 100_000),
            default=BATCH,
            show_default=True,
            help="Documents between two checkpoints.",
        ),
        click.option("--rate", type=Number(min=0, min_open=True), help="The most documents a second."),
        click.option(
            "--wait",
            type=Number(0, 86_400),
            default=0.0,
            show_default=True,
            help="Seconds to wait for another runner to end.",
        ),
        click.option(
            "--lease",
            type=Number(0.1, 3_600),
            default=LEASE,
            show_default=True,
            help="Seconds after which another runner may take over from a dead one.",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


@click.group(cls=Group)
def migrate() -> None:
    """Bring stored documents to the schema versions that the code declares, and carry out named steps once."""


@migrate.command()
@of_stores
def status(*, chosen: Chosen) -> None:
    """Count the documents of every collection by schema version, and list the named steps.

    The exit code is 1 if something is left to do, or documents cannot be read.
    """
    with opened_migrations(chosen) as found:
        states = [one.status() for one in found]
    console = make_console()
    for table in tables.of_status(states):
        console.print(table)
    sys.exit(0 if all(state.is_complete for state in states) else 1)


@migrate.command()
@of_stores
@_only
@click.option(
    "--samples",
    type=click.IntRange(0, 100),
    default=1,
    show_default=True,
    help="Documents of each old version that are shown before and after.",
)
def plan(*, chosen: Chosen, only: tuple[str, ...], samples: int) -> None:
    """Say what a run would do, and show some documents before and after; nothing is written."""
    console = make_console()
    with opened_migrations(chosen) as found:
        for one, names in _with(found, only):
            for part in tables.of_plan(one.plan(only=names, samples=samples)):
                console.print(part)


@migrate.command()
@of_stores
@_only
@_of_a_walk
def run(
    *,
    chosen: Chosen,
    only: tuple[str, ...],
    batch: int,
    rate: float | None,
    wait: float,
    lease: float,
) -> None:
    """Bring all documents up to date, then carry out the named steps.

    It may be stopped at any moment, also by kill -9, and started again. The exit code is 1 if documents or a step
    failed; the others are done. After Ctrl-C it is 130.
    """
    console = make_console()
    ok = True
    with opened_migrations(chosen) as found:
        for one, names in _with(found, only):
            with interruptible(_AGAIN), _bars(one.store.name) as on_progress:
                report = one.run(only=names, batch=batch, rate=rate, wait=wait, lease=lease, on_progress=on_progress)
            for part in tables.of_run(report):
                console.print(part)
            ok = ok and report.ok
    sys.exit(0 if ok else 1)


@migrate.command("add-field")
@click.argument("collection")
@click.argument("field")
@of_stores
@_of_a_walk
def add_field(
    *, chosen: Chosen, collection: str, field: str, batch: int, rate: float | None, wait: float, lease: float
) -> None:
    """Give FIELD, an attribute added to the entity, its default in each document of COLLECTION without it.

    It may be stopped and started again as "run". The exit code is 1 if documents are still without the field at the
    end. After Ctrl-C it is 130.
    """
    with opened_migrations(chosen) as found:
        [(one, _)] = _with(found, (collection,))
        with interruptible(_AGAIN), _bars(one.store.name) as on_progress:
            addition = one.add_field(
                collection, field, batch=batch, rate=rate, wait=wait, lease=lease, on_progress=on_progress
            )
    console = make_console()
    for part in tables.of_addition(one.store.name, addition):
        console.print(part)
    sys.exit(0 if addition.ok else 1)


@migrate.command()
@of_stores
@_only
@click.option("--quick", is_flag=True, help="Only count by schema version; do not read the documents.")
def verify(*, chosen: Chosen, only: tuple[str, ...], quick: bool) -> None:
    """Read every document as the code does; the exit code is 1 if one is old, unreadable or not valid."""
    console = make_console()
    ok = True
    with opened_migrations(chosen) as found:
        for one, names in _with(found, only):
            with _bars(one.store.name) as on_progress:
                verifications = one.verify(only=names, read=not quick, on_progress=on_progress)
            for part in tables.of_verification(one.store.name, verifications):
                console.print(part)
            ok = ok and all(verification.ok for verification in verifications)
    sys.exit(0 if ok else 1)


def _with(found: Iterable[Migrations], only: tuple[str, ...]) -> Iterator[tuple[Migrations, tuple[str, ...] | None]]:
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
        elif named := tuple(name for name in only if name in own):
            yield one, named


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
    console = make_console(stderr=True)
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
