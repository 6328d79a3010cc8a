"""``tristore relay``: delivers what the outboxes of the three stores hold, and shows and mends what is parked."""

import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from types import FrameType

import click
from dependency_injector import providers

from ....domain.entities.ids import Id
from ....domain.errors import NotFound
from ....domain.unit_of_work.outbox import Backlog, Pass
from ...operations.relay import OutboxRelay
from ...three_stores.container import Container
from ...three_stores.settings import STORES, Settings
from ..options import Number, make_console, store_urls
from ..tables import FittedTable

Relays = Mapping[str, OutboxRelay]


@click.group(invoke_without_command=True)
@store_urls
@click.option("--once", is_flag=True, help="Deliver what is due now, and end.")
@click.option(
    "--poll",
    type=Number(0.01, 60),
    default=1.0,
    show_default=True,
    help="Seconds between two looks at an outbox without work.",
)
@click.pass_context
def relay(context: click.Context, /, once: bool, poll: float, **urls: str | None) -> None:
    """Deliver events: audit entries into systemlogs, usage into analytics; with --once, what is due now.

    It prints what is left to deliver at its end; the exit code is 1 if records are parked, for somebody to look at.
    Any number of relays may run at the same time.
    """
    if context.invoked_subcommand is not None:
        return
    with _relays(urls) as relays:
        done = {name: one.run_once() for name, one in relays.items()} if once else _run_until_told(relays, poll)
        left = {name: one.backlog() for name, one in relays.items()}
    console = make_console()
    console.print(_table(done, left))
    if any(backlog.parked or backlog.failing for backlog in left.values()):
        console.print(_by_subscription(left))
    if any(backlog.parked for backlog in left.values()):
        raise click.exceptions.Exit(1)


@relay.command()
@store_urls
@click.option("--limit", type=click.IntRange(1, 10_000), default=100, show_default=True, help="The most of each store.")
@click.pass_context
def parked(context: click.Context, /, limit: int, **urls: str | None) -> None:
    """List the events that were given up, each with the subscription that could not take it, and the last error.

    The exit code is 1 if there are any.
    """
    with _relays(_urls_of(context, urls)) as relays:
        found = {name: one.parked(limit) for name, one in relays.items()}
    table = FittedTable(title="Parked events")
    for heading in ("store", "event", "type", "subscription"):
        table.add_column(heading, no_wrap=True)
    table.add_column("tries", justify="right")
    table.add_column("last error", overflow="fold")
    for name, events in found.items():
        for one in events:
            table.add_row(name, one.event_id, one.type, one.subscription, str(one.attempts), one.error)
    make_console().print(table)
    if any(found.values()):
        raise click.exceptions.Exit(1)


_event = click.argument("event_id", metavar="EVENT")
_subscription = click.option("--subscription", metavar="NAME", help="For this one alone.")


@relay.command()
@_event
@_subscription
@store_urls
@click.pass_context
def replay(context: click.Context, /, event_id: str, subscription: str | None, **urls: str | None) -> None:
    """Make an event due now, after what was wrong has been mended: for every subscription that has not got it.

    What was delivered to all of them goes to all of them again. A running relay delivers it.
    """
    store = _in_its_store(context, urls, event_id, lambda one: one.replay(Id(event_id), subscription))
    click.echo(f"{event_id} of store {store} is due now for {subscription or 'all that have not got it'}.")


@relay.command()
@_event
@_subscription
@store_urls
@click.pass_context
def discard(context: click.Context, /, event_id: str, subscription: str | None, **urls: str | None) -> None:
    """Give up an event that cannot be delivered: what it held back goes on without it."""
    store = _in_its_store(context, urls, event_id, lambda one: one.discard(Id(event_id), subscription))
    click.echo(f"{event_id} of store {store} is given up for {subscription or 'all that have not got it'}.")


def _in_its_store(
    context: click.Context, urls: Mapping[str, str | None], event_id: str, do: Callable[[OutboxRelay], None]
) -> str:
    """Do something with an event in the store that has it; return the name of the store."""
    with _relays(_urls_of(context, urls)) as relays:
        missing: NotFound | None = None
        for name, one in relays.items():
            try:
                do(one)
            except NotFound as error:
                # a store that has the event and not the subscription says more than those without the event
                missing = error if missing is None or error.entity != "outbox record" else missing
            else:
                return name
    assert missing is not None  # noqa: S101 - there are three stores
    raise missing


def _urls_of(context: click.Context, urls: Mapping[str, str | None]) -> dict[str, str | None]:
    """Where the stores are: what is given behind the command, or else before it."""
    before = {} if context.parent is None else context.parent.params
    return {name: urls.get(name) or before.get(name) for name in STORES}


@contextmanager
def _relays(urls: Mapping[str, str | None]) -> Iterator[Relays]:
    container = Container(settings=providers.Object(Settings.from_environment().with_urls(**urls)))
    try:
        yield container.relays()
    finally:
        container.shutdown_resources()


def _run_until_told(relays: Relays, poll: float) -> dict[str, Pass]:
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


def _by_subscription(left: Mapping[str, Backlog]) -> FittedTable:
    table = FittedTable(title="Subscriptions")
    table.add_column("store", no_wrap=True)
    table.add_column("subscription", no_wrap=True)
    for heading in ("waiting", "failing", "parked"):
        table.add_column(heading, justify="right")
    for name, backlog in left.items():
        for one in backlog.subscriptions:
            table.add_row(name, one.name, *map(str, (one.waiting, one.failing, one.parked)))
    return table
