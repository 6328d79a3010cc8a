"""The command line: one group, and errors as one line."""

import logging
from typing import IO, Any

import click

from ...domain.errors import TristoreError
from .commands.check import check
from .commands.fuzz import fuzz
from .commands.indexes import indexes
from .commands.migrate import migrate
from .commands.mongod import mongod
from .commands.relay import relay
from .commands.schema import schema
from .commands.slow_queries import slow_queries
from .commands.transfer import export, import_
from .demo.demo import demo
from .interruption import interruptible
from .options import Group


class Failure(click.ClickException):
    """An error of tristore, shown as one red line; the exit code is 2."""

    exit_code = 2

    def show(self, file: IO[Any] | None = None) -> None:
        """Print the line."""
        line = " ".join(self.format_message().split())
        click.secho(f"{type(self.__cause__).__name__}: {line}", fg="red", err=file is None, file=file)


class Commands(Group):
    """A group whose commands fail with one line, not with a traceback, where tristore says what is wrong."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        with interruptible():
            try:
                return super().invoke(ctx)
            except TristoreError as error:
                raise Failure(str(error)) from error


@click.group("tristore", cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="tristore")
def cli() -> None:
    """Repositories and units of work over three stores: core, analytics, systemlogs.

    The stores are where TRISTORE_CORE_URL, TRISTORE_ANALYTICS_URL and TRISTORE_SYSTEMLOGS_URL say; in memory
    where they say nothing.
    """
    # What the adapters log stands in the error as well; without a handler, Python would print it beside it.
    logging.getLogger("tristore").addHandler(logging.NullHandler())


cli.add_command(check)
cli.add_command(demo)
cli.add_command(export)
cli.add_command(fuzz)
cli.add_command(migrate)
cli.add_command(indexes)
cli.add_command(import_)
cli.add_command(mongod)
cli.add_command(relay)
cli.add_command(schema)
cli.add_command(slow_queries)


def main() -> None:
    """Run the command that the arguments of the process name."""
    cli(prog_name=cli.name)
