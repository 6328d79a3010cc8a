"""``tristore slow-queries``: what the database profiler noted, grouped by what was asked."""

from collections.abc import Sequence

import click
from rich.console import Console
from rich.markup import escape

from ...backend.administration import SlowOperation
from ...operations.access import administration_of
from ...operations.upkeep import SlowShape, profile_operations, slow_operations, slow_shapes
from ...operations.upkeep.slow_queries import MOST_MILLISECONDS, MOST_OPERATIONS, THRESHOLD
from ...operations.upkeep.suggestions import shown_keys
from ..options import make_console
from ..tables import FittedTable
from ..targets import Chosen, of_stores, opened_servers


@click.command("slow-queries")
@of_stores
@click.option("--profile", "switch", type=click.Choice(["on", "off"]), help="Switch the profiler, and end.")
@click.option(
    "--threshold",
    type=click.IntRange(0, MOST_MILLISECONDS),
    default=THRESHOLD,
    show_default=True,
    help="Milliseconds from which an operation is slow.",
)
@click.option(
    "--limit", type=click.IntRange(1, 100_000), default=MOST_OPERATIONS, show_default=True, help="Newest operations."
)
@click.option("--each", is_flag=True, help="Each operation, newest first, instead of groups.")
def slow_queries(*, chosen: Chosen, switch: str | None, threshold: int, limit: int, each: bool) -> None:
    """Show the slow operations that MongoDB's profiler noted, grouped by what they ask, and the index they want.

    --profile on lets it note operations from --threshold milliseconds on; off ends that, and keeps what was noted. The
    exit code is 0 whatever is found.
    """
    console = make_console()
    with opened_servers(chosen) as stores:
        for store in stores:
            if switch is not None:
                now = profile_operations(store, threshold if switch == "on" else None)
                state = f"from {now.threshold} ms on" if now.on else "off"
                console.print(f"{store.name}: the profiler is {state}")
                continue
            found = slow_operations(store, threshold=threshold, limit=limit)
            if not found:
                _say_nothing_found(store.name, administration_of(store).profiling().on, threshold, console)
            elif each:
                console.print(_each(store.name, found))
            else:
                _show_groups(store.name, slow_shapes(found), console)


def _say_nothing_found(name: str, is_on: bool, threshold: int, console: Console) -> None:
    off = "" if is_on else "; the profiler is off: --profile on switches it on"
    console.print(f"{name}: no operation of {threshold} ms or more was noted{off}")


def _show_groups(name: str, shapes: Sequence[SlowShape], console: Console) -> None:
    table = FittedTable(title=f"Slow operations of {name}")
    table.add_column("#", justify="right")
    for heading in ("operation", "plan"):
        table.add_column(heading, overflow="fold")
    for heading in ("count", "worst ms", "total ms", "looked at / returned"):
        table.add_column(heading, justify="right")
    for number, one in enumerate(shapes, 1):
        table.add_row(
            str(number),
            f"{one.shape.operation} {escape(one.shape.collection)}",
            escape("; ".join(one.plans)),
            f"{one.count:,}",
            f"{one.worst:,}",
            f"{one.total:,}",
            f"{one.examined:,} / {one.returned:,} = {one.ratio:,.0f}",
        )
    console.print(table)
    for number, one in enumerate(shapes, 1):
        console.print(f"{number:>3}. {escape(one.shape.text)}", soft_wrap=False)
        if one.suggestion:
            console.print(f"     [yellow]an index on {escape(shown_keys(one.suggestion))} would serve it[/]")


def _each(name: str, found: Sequence[SlowOperation]) -> FittedTable:
    table = FittedTable(title=f"Slow operations of {name}, newest first")
    table.add_column("at (UTC)", no_wrap=True)
    table.add_column("ms", justify="right")
    for heading in ("operation", "asked", "plan"):
        table.add_column(heading, overflow="fold")
    for one in found:
        at = f"{one.at:%Y-%m-%d %H:%M:%S}"
        operation = f"{one.shape.operation} {escape(one.shape.collection)}"
        table.add_row(at, f"{one.milliseconds:,}", operation, escape(one.shape.text), escape(one.plan))
    return table
