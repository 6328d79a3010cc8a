"""``tristore schema``: what separates the validators of a server from what the entities ask."""

from collections.abc import Sequence

import click
from rich.console import Console
from rich.markup import escape

from ...documents.declarations.documents import ValidationAction, ValidationLevel
from ...operations.upkeep import ValidatorDiff, diff_validators, sync_validators
from ..options import Group, make_console
from ..tables import FittedTable
from ..targets import Chosen, of_stores, opened_servers

_LEVEL = click.option(
    "--level",
    type=click.Choice(["strict", "moderate", "off"]),
    help="Of every collection.  [default: as declared, or strict]",
)
_ACTION = click.option(
    "--action", type=click.Choice(["error", "warn"]), help="Of every collection.  [default: as declared, or error]"
)


@click.group(cls=Group)
def schema() -> None:
    """Let MongoDB check what is written by the rules of the entities, whoever writes it."""


@schema.command()
@of_stores
@_LEVEL
@_ACTION
def diff(*, chosen: Chosen, level: ValidationLevel | None, action: ValidationAction | None) -> None:
    """Show what separates the actual validators from those of the entities, and how many documents break them.

    Every collection is read. The exit code is 1 if a validator is not as the entity asks.
    """
    with opened_servers(chosen) as stores:
        diffs = [one for store in stores for one in diff_validators(store, level=level, action=action)]
    _show(diffs, make_console())
    if any(one.drift for one in diffs):
        raise click.exceptions.Exit(1)


@schema.command()
@of_stores
@_LEVEL
@_ACTION
@click.option("--apply", "is_applied", is_flag=True, help="Carry the plan out; without it, nothing is changed.")
@click.option("--accept-violations", is_flag=True, help="Also where stored documents break a strict validator.")
def sync(
    *,
    chosen: Chosen,
    level: ValidationLevel | None,
    action: ValidationAction | None,
    is_applied: bool,
    accept_violations: bool,
) -> None:
    """Give collections the validators of their entities: count violations first and, with --apply, install.

    The exit code is 1 if stored documents break a validator that would refuse every later change of them; then nothing
    is changed, unless --accept-violations is given.
    """
    console = make_console()
    with opened_servers(chosen) as stores:
        diffs = {store: diff_validators(store, level=level, action=action) for store in stores}
        every = [one for found in diffs.values() for one in found]
        _show(every, console)
        waiting = [one for one in every if one.drift]
        if any(one.blocks for one in waiting) and not accept_violations:
            console.print(
                "[red]Nothing was changed: stored documents break a strict validator. Mend them, or give "
                "--level moderate, --action warn or --accept-violations.[/]"
            )
            raise click.exceptions.Exit(1)
        if not waiting:
            return
        if not is_applied:
            console.print("Nothing was changed: give --apply to carry the plan out.")
            return
        for store, found in diffs.items():
            for one in sync_validators(store, found, accept_violations=accept_violations):
                console.print(f"[green]done[/] {store.name}: validator of {escape(one.collection)}")


def _show(diffs: Sequence[ValidatorDiff], console: Console) -> None:
    table = FittedTable(title="Validators")
    for heading in ("store", "collection", "level", "action", "difference"):
        table.add_column(heading, overflow="fold")
    table.add_column("violations", justify="right")
    table.add_column("for example, the ids", overflow="fold")
    for one in diffs:
        colour = "yellow" if one.drift else "green"
        difference = f"[{colour}]{escape('; '.join(one.changes)) or 'none'}[/]"
        ids = ", ".join(map(str, one.violations.examples))
        count = f"{one.violations.count:,}"
        table.add_row(
            one.store, escape(one.collection), one.wanted.level, one.wanted.action, difference, count, escape(ids)
        )
    console.print(table)
