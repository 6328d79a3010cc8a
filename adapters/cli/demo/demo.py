"""``tristore demo``: the main job, from a founded organization to checked invariants."""

import sys
from collections.abc import Iterable, Mapping, Sequence

import click
from dependency_injector import providers
from rich.console import Console
from rich.table import Table

from ....domain.analytics.playback import DayOfPlayback
from ....domain.unit_of_work.store import StoreReport
from ...caching.stats import CacheStats, Outcome
from ...three_stores.container import Container
from ...three_stores.settings import Settings
from ..options import make_console, store_urls
from .invariants import INVARIANTS, Stored, read_back
from .plan import DAYS, make_plan
from .scenario import STEPS, Run, Step, play

_COUNTED: tuple[Outcome, ...] = ("hit", "miss", "bypass", "error", "invalidation")
"""What the table of the caches shows."""


@click.command()
@store_urls
@click.option("--users", type=click.IntRange(2, 500), default=20, show_default=True, help="How many users.")
@click.option("--seed", type=click.IntRange(0, 2**31), default=1, show_default=True, help="Same seed, same data.")
def demo(core: str | None, analytics: str | None, systemlogs: str | None, users: int, seed: int) -> None:
    """Run services over three stores and check what they left; the exit code is 1 if an invariant fails.

    Every run adds an organization of its own, so it can be repeated on the same databases.
    """
    settings = Settings.from_environment().with_urls(core=core, analytics=analytics, systemlogs=systemlogs)
    container = Container(settings=providers.Object(settings.prepared("create")))
    try:
        kept = show(Run(make_plan(users, seed), container), make_console())
    finally:
        container.shutdown_resources()
    sys.exit(0 if kept else 1)


def show(run: Run, console: Console) -> bool:
    """Play a run and print it; tell whether all invariants hold."""
    steps = _watched(run, console)
    console.print(_stores_table(run.container.stores().check()))
    console.print(_steps_table(steps))
    console.print(_playback_table(run.plan.projects, run.stats()))
    console.print(_trail_table(run))
    outcomes = _outcomes(read_back(run))
    console.print(_cache_table(run.container.stores().cache_stats()))
    console.print(_invariants_table(outcomes))
    return all(held for _, held in outcomes)


def _watched(run: Run, console: Console) -> list[Step]:
    steps = []
    with console.status(STEPS[0][0]) as status:
        for step in play(run):
            steps.append(step)
            status.update(STEPS[min(len(steps), len(STEPS) - 1)][0])
    return steps


def _outcomes(stored: Stored) -> list[tuple[str, bool]]:
    return [(name, holds(stored)) for name, holds in INVARIANTS]


def _stores_table(reports: Iterable[StoreReport]) -> Table:
    table = _table("Stores", "store", "url", "details")
    for report in reports:
        table.add_row(report.store, report.url, report.details)
    return table


def _steps_table(steps: Iterable[Step]) -> Table:
    table = _table("Steps", "step", "what it did")
    table.add_column("time", justify="right")
    for step in steps:
        table.add_row(step.title, step.result, f"{step.seconds * 1_000:,.0f} ms")
    return table


def _playback_table(projects: Sequence[str], stats: Sequence[Sequence[DayOfPlayback]]) -> Table:
    table = _table(f"Playback of the last {DAYS} days: views, users, minutes", "day", *projects)
    for days in zip(*stats, strict=True):
        table.add_row(f"{days[0].day:%Y-%m-%d}", *map(_day, days))
    return table


def _day(day: DayOfPlayback) -> str:
    return f"{day.views:3} {day.unique_users:3} {day.total_seconds / 60:6.1f}"


def _trail_table(run: Run) -> Table:
    table = _table("Audit trail, newest first", "time", "action", "changes")
    for entry in run.container.audit().trail("organization", run.organization.id, limit=10):
        changes = ", ".join(f"{name} {value}" for name, value in entry.changes.items())
        table.add_row(f"{entry.occurred_at:%H:%M:%S.%f}"[:-3], entry.action, changes)
    return table


def _cache_table(stats: Mapping[str, CacheStats]) -> Table:
    table = _table("Reads with a cache", "store")
    for heading in (*_COUNTED, "hit rate"):
        table.add_column(heading, justify="right")
    for store, counted in stats.items():
        table.add_row(store, *(f"{counted.total(outcome):,}" for outcome in _COUNTED), f"{counted.hit_rate:.0%}")
    return table


def _invariants_table(outcomes: Iterable[tuple[str, bool]]) -> Table:
    table = _table("Invariants", "invariant", "")
    for name, held in outcomes:
        table.add_row(name, "[green]holds[/]" if held else "[bold red]BROKEN[/]")
    return table


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    return table
