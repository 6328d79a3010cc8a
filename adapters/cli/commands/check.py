"""``tristore check``: whether every store can be used."""

import json
import sys
from collections.abc import Iterable

import click
from rich.markup import escape

from ....domain.unit_of_work.store import StoreReport
from ...operations.health import check_of, health_of
from ..options import Number, make_console
from ..tables import FittedTable
from ..targets import Chosen, of_stores, opened_stores


@click.command()
@of_stores
@click.option(
    "--timeout",
    type=Number(0.1, 60),
    default=5.0,
    show_default=True,
    help="Seconds for each store.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the health of every store as JSON.")
@click.option(
    "--count-versions",
    is_flag=True,
    help="Count documents of another schema version, too; it looks at every document. Only with --json.",
)
def check(
    *,
    chosen: Chosen,
    timeout: float,
    as_json: bool,
    count_versions: bool,
) -> None:
    """Report every store; the exit code is 1 if one of them cannot be used.

    With --json: latency, primary, replication lag, connections, missing unique keys, schema versions, outbox.
    """
    if count_versions and not as_json:
        raise click.UsageError("--count-versions needs --json")
    with opened_stores(chosen) as stores:
        if as_json:
            health = health_of(*stores, timeout=timeout, count_versions=count_versions)
            click.echo(json.dumps(health.to_json(), indent=2))
            sys.exit(0 if health.ready else 1)
        reports = check_of(*stores, timeout=timeout)
    make_console().print(_table(reports))
    sys.exit(0 if all(report.ok for report in reports) else 1)


def _table(reports: Iterable[StoreReport]) -> FittedTable:
    table = FittedTable(title="Stores")
    for heading in ("store", "url", "state", "ping", "details"):
        table.add_column(heading, justify="right" if heading == "ping" else "left", no_wrap=heading == "state")
    for report in reports:
        state = "[green]ok[/]" if report.ok else "[red]not ok[/]"
        ping = "" if report.latency is None else f"{report.latency * 1_000:.1f} ms"
        table.add_row(report.store, escape(report.url), state, ping, escape(report.details))
    return table
