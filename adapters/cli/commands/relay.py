"""``tristore relay``: delivers what the outboxes of the three stores hold."""

import signal
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from types import FrameType

import click
from dependency_injector import providers

from ....domain.unit_of_work.outbox import Backlog, Pass
from ...operations.relay import OutboxRelay
from ...three_stores.container import Container
from ...three_stores.settings import Settings
from ..options import Number, make_console, store_urls
from ..tables import FittedTable


@click.command()
@store_urls
@click.option("--once", is_flag=True, help="Deliver what is due now, and end.")
@click.option(
    "--poll",
    type=Number(0.01, 60),
    default=1.0,
    show_default=True,
    help="Seconds between two looks at an outbox without work.",
)
def relay(core: str | None, analytics: str | None, systemlogs: str | None, once: bool, poll: float) -> None:
    """Deliver events: audit entries into systemlogs, usage into analytics; with --once, what is due now.

    It prints what is left to deliver at its end; the exit code is 1 if records are parked, for somebody to look at.
    Any number of relays may run at the same time.
    """
    settings = Settings.from_environment().with_urls(core=core, analytics=analytics, systemlogs=systemlogs)
    container = Container(settings=providers.Object(settings))
    try:
        relays = container.relays()
        done = {name: one.run_once() for name, one in relays.items()} if once else _run_until_told(relays, poll)
        left = {name: one.backlog() for name, one in relays.items()}
    finally:
        container.shutdown_resources()
    make_console().print(_table(done, left))
    if any(backlog.parked for backlog in left.values()):
        raise click.exceptions.Exit(1)


def _run_until_told(relays: Mapping[str, OutboxRelay], poll: float) -> dict[str, Pass]:
    """Run every relay in a thread of its own until the process is told to end."""
    stop = threading.Event()

    def end(number: int, frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    click.echo("Delivering until Ctrl-C.", err=True)
    with ThreadPoolExecutor(len(relays)) as pool:
        running = {name: pool.submit(one.run, stop, poll=poll) for name, one in relays.items()}
        try:
            while not stop.wait(0.2) and not any(one.done() for one in running.values()):
                pass
        finally:
            stop.set()
        return {name: one.result() for name, one in running.items()}


def _table(done: Mapping[str, Pass], left: Mapping[str, Backlog]) -> FittedTable:
    table = FittedTable(title="Outboxes")
    table.add_column("store", no_wrap=True)
    for heading in ("sent", "failed", "waiting", "failing", "no handler", "parked"):
        table.add_column(heading, justify="right")
    table.add_column("oldest")
    for name, backlog in left.items():
        oldest = "" if backlog.oldest is None else f"{backlog.oldest:%Y-%m-%d %H:%M:%S}"
        counts = (
            done[name].delivered,
            done[name].failed,
            backlog.waiting,
            backlog.failing,
            backlog.unhandled,
            backlog.parked,
        )
        table.add_row(name, *map(str, counts), oldest)
    return table
