"""``tristore mongod``: a server to try things on."""

import shlex
import signal
import threading
from types import FrameType

import click

from ...testing.servers.server import MongoServer
from ...three_stores.settings import STORES


@click.command()
def mongod() -> None:
    """Start a throw-away MongoDB replica set and print the three variables to export.

    It listens on this machine only, and is gone with all its data when the command is stopped.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)  # SIGINT too: a shell starts what runs in the background without it
    with MongoServer() as server:
        for store in STORES:
            click.echo(f"export TRISTORE_{store.upper()}_URL={shlex.quote(server.url_for(store))}")
        click.echo("The server runs until Ctrl-C; its data go with it.", err=True)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            click.echo("Stopped.", err=True)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
