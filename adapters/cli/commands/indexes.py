"""``tristore indexes``: what separates the indexes of a server from those that are declared."""

from collections.abc import Sequence
from datetime import timedelta
from itertools import groupby
from typing import Any

import click
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from ...backend.administration import IndexStep, StepKind
from ...operations.upkeep import Advice, IndexDiff, diff_indexes, index_advice, sync_indexes
from ...operations.upkeep.scans import Scan, scans
from ...operations.upkeep.suggestions import MOST_INDEXES, WATCHED, shown_keys
from ..interruption import interruptible
from ..options import Group, Number, make_console
from ..tables import FittedTable
from ..targets import Chosen, of_stores, opened_servers

_GOES_ON = "a server that builds goes on; the next diff shows what is left"
_COLOURS = {StepKind.DROP: "red", StepKind.HIDE: "yellow", StepKind.MODIFY: "cyan"}


@click.group(cls=Group)
def indexes() -> None:
    """Compare, bring together and judge the indexes of MongoDB stores."""


@indexes.command()
@of_stores
@click.option("--strict", is_flag=True, help="Indexes that nobody declared are drift too.")
def diff(*, chosen: Chosen, strict: bool) -> None:
    """Show what separates the actual indexes from the declared ones; nothing is changed.

    The exit code is 1 if anything declared is not as declared.
    """
    with opened_servers(chosen) as stores:
        diffs = [diff_indexes(store) for store in stores]
    _show(diffs, make_console())
    if any(one.drift or (strict and one.undeclared) for one in diffs):
        raise click.exceptions.Exit(1)


@indexes.command()
@of_stores
@click.option("--apply", "is_applied", is_flag=True, help="Carry the plan out; without it, nothing is changed.")
@click.option("--drop", multiple=True, metavar="NAME", help="Let an undeclared index go: hidden first, then dropped.")
def sync(*, chosen: Chosen, is_applied: bool, drop: tuple[str, ...]) -> None:
    """Bring the actual indexes to the declared ones: show the plan and, with --apply, carry it out.

    An index that nobody declared stays, unless it is named with --drop: the first sync hides it, so that it can be seen
    whether anything slows down, and the next one with the same name drops it. The exit code is 1 if documents keep a
    unique index from being built, if something declared cannot be had, or if another index stands where one was
    declared; then nothing is changed.
    """
    console = make_console()
    with opened_servers(chosen) as stores:
        diffs = [diff_indexes(store, drop=_named(drop, store)) for store in stores]
        _check_names(drop, stores)
        _show(diffs, console)
        if any(one.duplicates or one.plan.problems for one in diffs):
            raise click.exceptions.Exit(1)
        if not any(one.steps for one in diffs):
            return
        if not is_applied:
            console.print("Nothing was changed: give --apply to carry the plan out.")
            return
        for store, one in zip(stores, diffs, strict=True):
            _carry_out(store, one, console)


@indexes.command()
@of_stores
@click.option(
    "--most", type=click.IntRange(1, 64), default=MOST_INDEXES, show_default=True, help="Not too many indexes."
)
@click.option(
    "--days",
    type=Number(0, 3_650),
    default=WATCHED.days,
    show_default=True,
    help="For how long uses are counted before an index is called unused.",
)
def advise(*, chosen: Chosen, most: int, days: float) -> None:
    """Tell which indexes are unused, redundant or too many, and which named queries scan their collection.

    Named queries are explained with made-up arguments, and not carried out. The exit code is 0 whatever is found.
    """
    console = make_console()
    found: list[tuple[str, Advice]] = []
    skipped: list[str] = []
    with opened_servers(chosen) as stores:
        for store in stores:
            found += [(store.name, one) for one in index_advice(store, most=most, watched=timedelta(days=days))]
            report = scans(store)
            found += [(store.name, _of_scan(scan)) for scan in report.scans]
            skipped += report.skipped
    if not found:
        console.print("Nothing to advise.")
    else:
        table = _table("Advice", "store", "kind", "collection", "about", "why, and what to do")
        for name, one in found:
            table.add_row(name, one.kind, escape(one.collection), escape(one.subject), escape(one.reason))
        console.print(table)
    console.print(
        f"An index is called unused when its uses are counted for {days:g} days or longer: --days changes that."
    )
    for line in skipped:
        console.print(f"Not explained: {escape(line)}")


def _of_scan(scan: Scan) -> Advice:
    keys = shown_keys(scan.suggestion)
    what = "scans the collection" if scan.plan.scans else "sorts in memory"
    return Advice(
        "scan", scan.collection, scan.place, f"{what} for {scan.text}" + (f": an index on {keys}" if keys else "")
    )


def _named(drop: Sequence[str], store: Any) -> list[str]:
    """Of the names, those that mean an index of this store."""
    if not drop:
        return []
    undeclared = diff_indexes(store).undeclared
    return [name for name in drop if any(name in {index.name, str(index)} for index in undeclared)]


def _check_names(drop: Sequence[str], stores: Sequence[Any]) -> None:
    """Let a name that means nothing anywhere be refused in the words of the first store."""
    unknown = [name for name in drop if not any(_named([name], store) for store in stores)]
    if unknown:
        diff_indexes(stores[0], drop=unknown)


def _carry_out(store: Any, diff: IndexDiff, console: Console) -> None:
    """Show a bar for the step at work, and a line for each that is done."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with interruptible(_GOES_ON), Progress(*columns, console=console, transient=True) as bar:
        working: list[tuple[IndexStep, TaskID]] = []

        def tell(step: IndexStep, done: int, total: int) -> None:
            if not working or working[0][0] != step:  # the steps come one after the other
                end()
                working.append((step, bar.add_task(str(step), total=None)))
            if total:
                bar.update(working[0][1], completed=done, total=total)

        def end() -> None:
            while working:
                step, task = working.pop()
                bar.remove_task(task)
                console.print(f"[green]done[/] {diff.store}: {escape(str(step))}")

        sync_indexes(store, diff, progress=tell)
        end()


def _show(diffs: Sequence[IndexDiff], console: Console) -> None:
    steps = _table("Plan", "store", "step", "collection", "index", "why")
    for one in diffs:
        for step in one.steps:
            colour = _COLOURS.get(step.kind, "green")
            kind = f"[{colour}]{step.kind.value}[/]"
            steps.add_row(one.store, kind, escape(step.collection), escape(step.name), escape(step.reason))
    if steps.row_count:
        console.print(steps)
    else:
        console.print(f"Every declared index of {', '.join(one.store for one in diffs)} is there.")
    _show_blocking(diffs, console)
    _show_undeclared(diffs, console)


def _show_blocking(diffs: Sequence[IndexDiff], console: Console) -> None:
    table = _table("Duplicates that keep unique indexes from being built", "store", "collection", "keys")
    for heading in ("values", "documents"):
        table.add_column(heading, justify="right")
    table.add_column("for example, the ids", overflow="fold")
    for one in diffs:
        for found in one.duplicates:
            examples = "; ".join(", ".join(map(str, ids)) for ids in found.examples)
            counts = f"{found.groups:,}", f"{found.documents:,}"
            table.add_row(one.store, escape(found.collection), ", ".join(found.keys), *counts, escape(examples))
    if table.row_count:
        console.print(table)
    for one in diffs:
        for problem in one.plan.problems:
            console.print(f"[red]{one.store}: {escape(problem)}[/]")


def _show_undeclared(diffs: Sequence[IndexDiff], console: Console) -> None:
    table = _table(
        "Indexes that nobody declared; they stay unless --drop names them", "store", "collection", "index", "keys"
    )
    table.add_column("hidden")
    for one in diffs:
        for _, found in groupby(one.undeclared, key=lambda index: index.collection):
            for index in found:
                hidden = "yes" if index.hidden else ""
                table.add_row(one.store, escape(index.collection), escape(index.name), shown_keys(index.keys), hidden)
    if table.row_count:
        console.print(table)


def _table(title: str, *columns: str) -> FittedTable:
    table = FittedTable(title=title)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table
