"""``tristore import`` and ``tristore export``: repositories from and into files of Extended JSON lines."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import BinaryIO, TextIO

import click
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from ....domain.errors import ConfigurationError
from ...operations.transfer import ImportReport, Step, export_lines, import_lines
from ...operations.transfer.progress import Progress as Tell
from ..interruption import interruptible
from ..options import make_console
from ..targets import Chosen, of_one_store, opened_repository


@click.command("import")
@click.argument("target")
@click.argument("file", type=click.Path(dir_okay=False, allow_dash=True, path_type=Path))
@of_one_store
@click.option(
    "--rejects",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Lines that are refused.  [default: FILE.rejects, or stdin.rejects]",
)
@click.option(
    "--checkpoint",
    type=click.Path(dir_okay=False, path_type=Path),
    help="How far it came.  [default: FILE.STORE.REPOSITORY.checkpoint]",
)
@click.option("--resume", is_flag=True, help="Go on where an import of the same file stopped.")
@click.option("--max-rejects", type=click.IntRange(min=1), help="Stop after so many lines that are refused.")
def import_(
    target: str,
    file: Path,
    *,
    chosen: Chosen,
    rejects: Path | None,
    checkpoint: Path | None,
    resume: bool,
    max_rejects: int | None,
) -> None:
    """Store the documents of FILE, one a line, in the repository TARGET, such as core.users; "-" is standard input.

    The lines are Extended JSON, as mongoexport and "tristore export" write them. Each is checked as its entity; what is
    refused goes to the file of rejects, with the reason, and stops nothing. What is stored already is left alone.
    Standard input cannot be resumed.

    The exit code is 1 if a line was refused, and 130 after Ctrl-C.
    """
    start = perf_counter()
    piped = _is_dash(file)
    with opened_repository(target, chosen) as (store, repository), _shown("lines", _after_stop(file)) as tell:
        report = import_lines(
            store,
            repository,
            _bytes_of(sys.stdin, "input") if piped else file,
            rejects=rejects or Path("stdin.rejects") if piped else rejects,
            checkpoint=checkpoint,
            resume=resume,
            max_rejects=max_rejects,
            progress=tell,
        )
        if store.backend.location == "memory://":
            click.echo(
                f"Nothing is kept: {store.name} is at memory://, which ended with this command. Give a server, or "
                "memory:///some/folder, to keep what is imported.",
                err=True,
            )
    click.echo(_imported(report, perf_counter() - start))
    if report.rejected:
        click.secho(f"{report.rejected:,} lines were refused: {report.rejects} says why", fg="red", err=True)
        if report.stopped:
            click.echo("It stopped there." if piped else "It stopped there; --resume goes on.", err=True)
        sys.exit(1)


@click.command("export")
@click.argument("target")
@click.argument("file", type=click.Path(dir_okay=False, allow_dash=True, path_type=Path))
@of_one_store
@click.option("--resume", is_flag=True, help="Go on where an export to the same file stopped.")
@click.option("--overwrite", is_flag=True, help="Replace FILE, once the new one is whole.")
def export(
    target: str,
    file: Path,
    *,
    chosen: Chosen,
    resume: bool,
    overwrite: bool,
) -> None:
    """Write every document of the repository TARGET, such as core.users, to FILE, one a line; "-" is standard output.

    The lines are canonical Extended JSON, in the order of the ids: "tristore import" and mongoimport make the same
    documents of them. Secrets are written too.

    The exit code is 130 after Ctrl-C.
    """
    start = perf_counter()
    piped = _is_dash(file)
    with opened_repository(target, chosen) as (store, repository), _shown("documents", _after_stop(file)) as tell:
        if piped:
            output = _bytes_of(sys.stdout, "output")
            report = export_lines(store, repository, output, resume=resume, progress=tell)
            output.flush()
        else:
            report = export_lines(store, repository, file, resume=resume, overwrite=overwrite, progress=tell)
    seconds = perf_counter() - start
    before = f", {report.resumed_after:,} of them by an earlier run" if report.resumed_after else ""
    written = f"{report.documents:,} documents in {report.size:,} bytes{before}"
    click.echo(f"{written}; {_rate(report.documents - report.resumed_after, seconds)}", err=piped)


def _bytes_of(stream: TextIO | None, name: str) -> BinaryIO:
    """The bytes of standard input or output, which are not there where a shell has closed them."""
    if stream is None:
        raise ConfigurationError(f"standard {name} is closed, for which - stands: name a file, or leave it open")
    return stream.buffer


def _is_dash(file: Path) -> bool:
    return str(file) == "-"


def _after_stop(file: Path) -> str:
    if _is_dash(file):
        return "what is read or written by - cannot be resumed, and begins again with the next command"
    return "the same command with --resume goes on"


def _imported(report: ImportReport, seconds: float) -> str:
    counts = f"{report.inserted:,} stored, {report.unchanged:,} stored before, {report.rejected:,} refused"
    return f"{report.lines:,} lines: {counts}; {_rate(report.lines, seconds)}"


def _rate(count: int, seconds: float) -> str:
    return f"{seconds:.1f} s, {count / seconds:,.0f} a second"


@contextmanager
def _shown(what: str, advice: str) -> Iterator[Tell]:
    """Show the steps as a bar, where somebody looks; after Ctrl-C give advice.

    Before the first step, and where the whole is not known, the bar shows no share and no time that is left.
    """
    console = make_console(stderr=True)
    columns = (
        BarColumn(),
        TaskProgressColumn("{task.percentage:>3.0f} %"),
        TextColumn(f"{{task.fields[count]:,}} {what}"),
        TextColumn("{task.fields[rate]:,.0f} a second"),
        TextColumn("{task.fields[rejected]:,} refused") if what == "lines" else TextColumn(""),
        TimeRemainingColumn(),
    )
    start = perf_counter()
    with (
        interruptible(advice),
        Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar,
    ):
        task = bar.add_task("", total=None, count=0, rate=0.0, rejected=0)
        first: list[int] = []

        def tell(step: Step) -> None:
            first.append(step.count) if not first else None
            rate = (step.count - first[0]) / max(perf_counter() - start, 0.001)
            total = None if step.share is None else 1.0
            bar.update(task, total=total, completed=step.share, count=step.count, rate=rate, rejected=step.rejected)

        yield tell
