"""A million documents out of a MongoDB into a file, and back: how fast, and how much memory it takes.

Run it with ``python -m benchmarks.transfer [documents]`` from the folder ``tests``. Memory is the peak of the process
as the system counts it, each way in a process of its own.
"""

import hashlib
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tristore import DocumentStore, open_store
from tristore.domain.core import CoreUnitOfWork
from tristore.operations import export_lines, import_lines
from tristore.testing import MongoServer
from tristore.three_stores import CORE, CORE_EVENTS

from .bulk_load import users

MILLION = 1_000_000


def opened(url: str) -> DocumentStore[CoreUnitOfWork]:
    """The core store."""
    return open_store(CoreUnitOfWork, url=url, documents=CORE, publishes=CORE_EVENTS, prepare="create")


def load(url: str, count: str) -> None:
    """Store so many users."""
    store = opened(url)
    with store.bulk() as core:
        assert core.users.add_many(users(int(count))).inserted == int(count)
    store.close()


def export(url: str, path: str) -> None:
    """Write them to a file."""
    store = opened(url)
    export_lines(store, "users", path)
    store.close()


def import_(url: str, path: str) -> None:
    """Store them again."""
    store = opened(url)
    report = import_lines(store, "users", path)
    assert report.lines == report.inserted, report
    store.close()


WAYS = {"load": load, "export": export, "import": import_}

_CHILD = """
import resource, sys
from benchmarks.transfer import WAYS
WAYS[sys.argv[1]](*sys.argv[2:])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def digest(path: str) -> str:
    """Return what tells files apart."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def in_a_process(way: str, *arguments: str) -> tuple[float, float]:
    """Go one way; return the seconds and the peak in MiB."""
    began = time.perf_counter()
    found = subprocess.check_output([sys.executable, "-c", _CHILD, way, *arguments], text=True)
    return time.perf_counter() - began, int(found) / 1024


def main(count: int = MILLION) -> None:
    """Measure both ways with few and with many documents, and compare the files."""
    found = Table(title="users, MongoDB on the same machine")
    for heading in ("what", "documents", "seconds", "a second", "peak memory"):
        found.add_column(heading, justify="left" if heading == "what" else "right")
    with MongoServer() as server, tempfile.TemporaryDirectory() as folder:
        for size in (count // 100, count):
            paths = [str(Path(folder, f"{size}-{number}.jsonl")) for number in range(2)]
            source, target = (server.url_for(f"{name}_{size}") for name in ("source", "target"))
            in_a_process("load", source, str(size))
            steps = {
                "export": in_a_process("export", source, paths[0]),
                "import": in_a_process("import", target, paths[0]),
                "export again": in_a_process("export", target, paths[1]),
            }
            for name, (seconds, peak) in steps.items():
                found.add_row(name, f"{size:,}", f"{seconds:.1f}", f"{size / seconds:,.0f}", f"{peak:.0f} MiB")
            digests = set(map(digest, paths))
            found.add_row("the two files are the same", f"{size:,}", "", "", str(len(digests) == 1))
            for path in paths:
                Path(path).unlink()
    Console(width=100).print(found)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
