"""What ``tristore migrate`` prints: tables of at most 100 columns."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Literal

from rich.console import RenderableType
from rich.markup import escape
from rich.text import Text

from ...operations.migrations.field_addition import FieldAddition
from ...operations.migrations.reports import (
    Census,
    CollectionStatus,
    DocumentProblem,
    Plan,
    RunReport,
    Status,
    StepStatus,
    Verification,
)
from ..tables import FittedTable

_COUNTS = frozenset({"documents", "filled", "retried", "failed", "left", "old", "unreadable", "read", "not valid"})
_WHOLE = frozenset({"", "time"})
"""The headings of columns that are never broken into lines."""
_COLOURS = {"done": "green", "failed": "red", "changed": "red", "running": "yellow", "pending": "yellow"}


def of_status(states: Iterable[Status]) -> Iterator[RenderableType]:
    """The collections by version, and the named steps."""
    found = list(states)
    table = _table("Schema versions", "store", "collection", "version", "documents by version", "state")
    for state in found:
        for one in state.collections:
            row = (state.store, one.collection, str(one.current), _versions(one.census))
            table.add_row(*map(escape, row), _state(one, state.runner))
    yield table
    steps = [(state.store, step) for state in found for step in state.steps]
    if steps:
        yield _steps(steps)


def of_plan(plan: Plan) -> Iterator[RenderableType]:
    """What a run would do to a store."""
    if not plan.collections and not plan.steps:
        yield Text(f"{plan.store}: nothing to do")
    for one in plan.collections:
        yield Text.from_markup(
            f"[bold]{escape(plan.store)}.{escape(one.collection)}[/]: {one.census.older:,} of {one.census.total:,} "
            f"documents to version {one.current}; now {escape(_versions(one.census))}"
        )
        for version, step in one.steps.items():
            yield Text(f"  to {version}: {step}")
        for sample in one.samples:
            yield Text(f"  document {sample.document_id} of version {sample.version}")
            for line in sample.lines:
                yield Text(f"    {line}", style="red" if line[0] == "-" else "green", overflow="ellipsis")
            if sample.problem:
                yield Text(f"    fails: {sample.problem}", style="red")
    if plan.steps:
        yield _steps([(plan.store, step) for step in plan.steps])


def of_run(report: RunReport) -> Iterator[RenderableType]:
    """What a run did to a store."""
    if not report.collections and not report.steps:
        yield Text(f"{report.store}: nothing to do")
    if report.collections:
        table = _table(
            f"Migrated in {report.store}", "collection", "documents", "retried", "failed", "left", "time", ""
        )
        for one in report.collections:
            state = "[green]complete[/]" if one.ok else "[red]not complete[/]"
            counts = (one.migrated, one.retried, one.failed, one.left)
            table.add_row(
                escape(one.collection), *(f"{count:,}" for count in counts), _time(one.migrated, one.seconds), state
            )
        yield table
        for one in report.collections:
            yield from _problems(one.collection, one.problems, one.failed)
            for version, count in one.unreadable.items():
                yield Text(
                    f"{one.collection}: {count:,} documents of version {version} cannot be read; verify names them",
                    style="red",
                )
    if report.steps:
        yield _steps([(report.store, step) for step in report.steps])


def of_addition(store: str, addition: FieldAddition) -> Iterator[RenderableType]:
    """What the addition of a field did."""
    table = _table(f"Added in {store}", "collection", "field", "filled", "failed", "left", "time", "")
    state = "[green]complete[/]" if addition.ok else "[red]not complete[/]"
    counts = (addition.filled, addition.failed, addition.left)
    table.add_row(
        escape(addition.collection),
        addition.field,
        *(f"{count:,}" for count in counts),
        _time(addition.filled, addition.seconds),
        state,
    )
    yield table
    yield from _problems(addition.collection, addition.problems, addition.failed)


def of_verification(store: str, verifications: Iterable[Verification]) -> Iterator[RenderableType]:
    """What the verification of a store found."""
    found = list(verifications)
    table = _table(
        f"Verified in {store}", "collection", "documents by version", "old", "unreadable", "read", "not valid", ""
    )
    for one in found:
        state = "[green]ok[/]" if one.ok else "[red]not ok[/]"
        counts = (one.census.older, sum(one.census.unreadable.values()), one.read, one.failed)
        table.add_row(escape(one.collection), escape(_versions(one.census)), *(f"{count:,}" for count in counts), state)
    yield table
    for one in found:
        yield from _problems(one.collection, one.problems, one.failed)


def _problems(collection: str, problems: Iterable[DocumentProblem], total: int) -> Iterator[RenderableType]:
    shown = 0
    for problem in problems:
        shown += 1
        yield Text(f"{collection} {problem.document_id}: {problem.why}", style="red")
    if total > shown:
        yield Text(f"{collection}: {total - shown:,} more", style="red")


def _steps(steps: Iterable[tuple[str, StepStatus]]) -> FittedTable:
    table = _table("Named steps", "store", "step", "what it does", "outcome", "when", "details")
    for store, step in steps:
        colour = _COLOURS.get(step.outcome, "dim")
        row = (store, step.name, step.description)
        outcome = f"[{colour}]{step.outcome}[/]"
        table.add_row(*map(escape, row), outcome, _moment(step.ended_at or step.started_at), escape(step.details))
    return table


def _state(one: CollectionStatus, runner: str | None) -> str:
    if one.census.unreadable:
        return "[red]cannot be read[/]"
    if one.census.older and runner is not None:
        return f"[yellow]{one.census.older:,} left; run by {escape(runner)}[/]"
    if one.census.older:
        begun = "interrupted, " if one.position is not None else ""
        return f"[yellow]{begun}{one.census.older:,} left[/]"
    return "[green]complete[/]"


def _versions(census: Census) -> str:
    parts = [f"{version}: {count:,}" for version, count in census.versions.items()]
    parts += [f"unreadable {version}: {count:,}" for version, count in census.unreadable.items()]
    return ", ".join(parts) or "empty"


def _time(done: int, seconds: float) -> str:
    return f"{seconds:,.1f} s, {done / max(seconds, 0.001):,.0f}/s"


def _moment(moment: datetime | None) -> str:
    return "" if moment is None else f"{moment:%Y-%m-%d %H:%M}"


def _table(title: str, *headings: str) -> FittedTable:
    table = FittedTable(title=title)
    for heading in headings:
        justify: Literal["left", "right"] = "right" if heading in _COUNTS else "left"
        table.add_column(heading, overflow="fold", justify=justify, no_wrap=heading in _WHOLE)
    return table
