"""A migration of a million documents through a real server: its rate and its peak memory.

Run it alone with ``python -m benchmarks.migrating`` from the folder ``tests``; a number of documents may follow.
"""

import os
import signal
import subprocess
import sys
import time
from datetime import datetime
from typing import Any

from attrs import define
from pymongo import InsertOne, MongoClient
from rich.console import Console
from rich.table import Table

from tristore import (
    Default,
    Documents,
    DocumentStore,
    Drop,
    Entity,
    Rename,
    Repository,
    SchemaStep,
    UnitOfWork,
    open_store,
    touches,
)
from tristore.operations import Migrations
from tristore.testing import MongoServer

MANY = 1_000_000
FEW = 10_000
KILLS = 10
MOST_GROWTH = 1.5
"""Between the peaks of the small and of the large collection."""
DATABASE = "migrating"


@define(kw_only=True)
class Subscriber(Entity[int]):
    """Somebody who reads a newsletter."""

    email: str
    first: str = ""
    last: str = ""
    credits: int = 0


class SubscriberRepository(Repository[Subscriber, int]):
    """Subscribers."""


class NewsUnitOfWork(UnitOfWork):
    """Writing subscribers."""

    subscribers: SubscriberRepository


@touches("name", "first", "last")
def split_name(document: dict[str, Any]) -> dict[str, Any]:
    """Make two keys of one."""
    document["first"], _, document["last"] = document.pop("name", "").partition(" ")
    return document


SUBSCRIBERS = Documents(
    SubscriberRepository,
    collection="subscribers",
    schema_version=3,
    steps=[SchemaStep(2, Rename("mail", "email"), Default("credits", 10), Drop("legacy")), SchemaStep(3, split_name)],
)


def open_news(url: str) -> DocumentStore[NewsUnitOfWork]:
    """The store."""
    return open_store(NewsUnitOfWork, url=url, documents=[SUBSCRIBERS], prepare="off", operation_timeout=60)


def fill(url: str, count: int) -> None:
    """Write documents of version 1, and forget what was recorded of migrations."""
    at = datetime(2025, 1, 1)
    with MongoClient[dict[str, Any]](url) as client:
        database = client.get_database(DATABASE)
        for name in database.list_collection_names():
            database.drop_collection(name)
        for start in range(0, count, 10_000):
            requests = [
                InsertOne(
                    {
                        "_id": number,
                        "mail": f"user{number}@example.org",
                        "name": f"Ada L{number}",
                        "legacy": {"source": "import", "row": number},
                        "version": 1,
                        "createdAt": at,
                        "updatedAt": at,
                        "schemaVersion": 1,
                    }
                )
                for number in range(start, min(start + 10_000, count))
            ]
            database.subscribers.bulk_write(requests, ordered=False)


def digest(url: str) -> tuple[int, str]:
    """How many documents there are, and what stands in all of them, worked out by the server."""
    with MongoClient[dict[str, Any]](url) as client:
        database = client.get_database(DATABASE)
        count = database.subscribers.count_documents({"schemaVersion": 3, "version": 2})
        return count, database.command("dbHash", collections=["subscribers"])["collections"]["subscribers"]


def migrate_here(url: str) -> None:
    """Run in this process, and print documents, seconds and the peak of resident memory in KiB."""
    store = open_news(url)
    began = time.perf_counter()
    report = Migrations(store).run(lease=2, wait=60)
    seconds = time.perf_counter() - began
    store.close()
    with open("/proc/self/status") as status:
        peak = next(line.split()[1] for line in status if line.startswith("VmHWM"))
    migrated = report.collections[0].migrated if report.collections else 0
    print(migrated, seconds, peak)


def start(url: str) -> "subprocess.Popen[str]":
    """Run in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "benchmarks.migrating", "--here", url], stdout=subprocess.PIPE, text=True
    )


def finished(url: str) -> tuple[int, float, float]:
    """Run to the end in a process of its own; return documents, seconds, and MiB of its peak."""
    output, _ = start(url).communicate()
    migrated, seconds, peak = output.split()
    return int(migrated), float(seconds), int(peak) / 1024


def killed(url: str, count: int, seconds: float) -> int:
    """Run, and kill it ten times in the midst; return how many documents the last run still had to do."""
    for number in range(KILLS):
        process = start(url)
        # at moments that no batch knows of, spread over the run; the first ones count the start of Python
        time.sleep(2.0 + seconds / (KILLS + 4) + (number * 37 % 10) / 100)
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
    return finished(url)[0]


def table(url: str, count: int) -> Table:
    """Rate and peaks, and whether ten kills change the outcome."""
    fill(url, FEW)
    _, _, small = finished(url)
    fill(url, count)
    migrated, seconds, large = finished(url)
    clean = digest(url)
    fill(url, count)
    left = killed(url, count, seconds)
    after_kills = digest(url)
    found = Table(title=f"a migration of {count:,} documents in three kinds of steps, a process of its own")
    for heading in ("what", "found", "target", ""):
        found.add_column(heading, justify="left" if heading in {"what", ""} else "right")
    growth = large / small
    found.add_row("documents a second", f"{migrated / seconds:,.0f}", "", "")
    found.add_row(f"peak memory at {FEW:,}", f"{small:.1f} MiB", "", "")
    found.add_row(f"peak memory at {count:,}", f"{large:.1f} MiB", "", "")
    found.add_row(
        "growth", f"{growth:.2f}", f"{MOST_GROWTH:.2f}", "met" if growth <= MOST_GROWTH else "[red]missed[/red]"
    )
    same = "met" if clean == after_kills and clean[0] == count else "[red]missed[/red]"
    found.add_row(f"killed {KILLS} times: left to the last run", f"{left:,}", "", "")
    found.add_row("same documents as one clean run", f"{after_kills[0]:,}", f"{clean[0]:,}", same)
    return found


def main() -> None:
    """Measure, or be the process that is measured."""
    if sys.argv[1:2] == ["--here"]:
        migrate_here(sys.argv[2])
        return
    count = int(sys.argv[1]) if sys.argv[1:] else MANY
    with MongoServer() as server:
        Console(width=100).print(table(server.url_for(DATABASE), count))


if __name__ == "__main__":
    main()
