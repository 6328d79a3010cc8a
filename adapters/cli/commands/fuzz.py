"""``tristore fuzz``: whether two backends give the same answers to a user's own repositories."""

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.markup import escape

from ....domain.errors import ConfigurationError
from ...backend.urls import without_password
from ..options import Number, make_console

if TYPE_CHECKING:
    from ...operations.openings import Opening
    from ...testing.fuzzing.fuzzing import FuzzReport
    from ...testing.fuzzing.searching import Budget

_EXTRA = "tristore fuzz needs Hypothesis, which is not installed: pip install 'tristore[testing]'"


@click.command()
@click.argument("target")
@click.option(
    "--seconds",
    type=Number(0.1, 86_400),
    default=30.0,
    show_default=True,
    help="How long differences are looked for in each store.",
)
@click.option("--examples", type=click.IntRange(min=1), help="The most histories for each store.")
@click.option("--seed", type=click.IntRange(0, 2**31), help="Same seed, same histories.")
@click.option("--left", metavar="URL", default="memory://", show_default=True, help="Where one side is.")
@click.option("--right", metavar="URL", help="Where the other side is.  [default: a throw-away MongoDB]")
def fuzz(target: str, *, seconds: float, examples: int | None, seed: int | None, left: str, right: str | None) -> None:
    """Replay random histories over the repositories of TARGET on two backends, and compare every answer.

    TARGET is package.module:callable, for a callable that takes a URL and returns a store, or package.module, for a
    module that holds units of work and the Documents of their repositories. Both sides must be empty, and are emptied
    again and again.

    The exit code is 1 if an answer differs; the shortest history that shows it is printed as Python.
    """
    sys.path.insert(0, os.getcwd())  # as `python -m` does: what is to be fuzzed need not be installed
    try:
        from ...operations.openings import find_openings
        from ...testing.fuzzing.fuzzing import throw_away_database
        from ...testing.fuzzing.searching import Budget
    except ModuleNotFoundError as error:
        if error.name != "hypothesis":
            raise
        raise ConfigurationError(_EXTRA) from error
    openings = find_openings(target)
    budget = Budget(seconds=seconds, examples=examples, seed=seed)
    console = make_console()
    if right is not None:
        reports = _fuzz_all(openings, left, right, budget, console)
    else:
        with throw_away_database() as url:
            reports = _fuzz_all(openings, left, url, budget, console)
    sys.exit(1 if any(report.difference for report in reports) else 0)


def _fuzz_all(
    openings: "Sequence[Opening]", left: str, right: str, budget: "Budget", console: Console
) -> "list[FuzzReport]":
    return [_fuzz_one(opening, left, right, budget, console) for opening in openings]


def _fuzz_one(opening: "Opening", left: str, right: str, budget: "Budget", console: Console) -> "FuzzReport":
    from ...testing.fuzzing.fuzzing import compare

    sides = f"{without_password(left)} and {without_password(right)}"
    console.print(f"[bold]{escape(opening.name)}[/] on {escape(sides)}", soft_wrap=True)
    with console.status("0 histories") as status:

        def progress(histories: int, steps: int) -> None:
            status.update(f"{histories:,} histories, {steps:,} steps")

        report = compare(opening, left, right, budget, progress=progress)
    for query in report.untried:
        console.print(f"[yellow]not called:[/] {escape(query)}, for a parameter has a type without known values")
    console.print(f"[{'red' if report.difference else 'green'}]{escape(str(report))}[/]", soft_wrap=True)
    if report.difference is not None:
        click.echo(f"\n{report.difference.script}")
    return report
