"""A stream of a million entities beside a bare cursor: how fast, and how much memory it takes."""

import gc
import itertools
import time
import tracemalloc
from collections.abc import Iterable

from rich.table import Table

from .bulk_load import bare_load, empty
from .on_mongo import OnMongo

FEW = 1_000
MANY = 1_000_000
MOST_GROWTH = 2.0
"""Between the peaks of the small and of the large stream."""


def table(on_mongo: OnMongo) -> Table:
    """Rate and peaks of both ways."""
    empty(on_mongo)
    bare_load(on_mongo, MANY)
    found = Table(title=f"a stream of {MANY:,} documents, peak memory by tracemalloc")
    for heading in ("what", "a second", f"{FEW:,} documents", f"{MANY:,} documents", "growth", "target", ""):
        found.add_column(heading, justify="left" if heading in {"what", ""} else "right")
    with on_mongo.store.reader() as core:
        rate = _rate(core.users.stream())
        few, many = (_peak(itertools.islice(core.users.stream(), count)) for count in (FEW, MANY))
    growth = many / few
    found.add_row(
        "stream()",
        f"{rate:,.0f}",
        f"{few / 2**20:.2f} MiB",
        f"{many / 2**20:.2f} MiB",
        f"{growth:.2f}",
        f"{MOST_GROWTH:.2f}",
        "met" if growth <= MOST_GROWTH else "[red]missed[/red]",
    )
    found.add_row("bare cursor", f"{_rate(on_mongo.users.find({})):,.0f}", "", "", "", "", "")
    empty(on_mongo)
    return found


def _rate(documents: Iterable[object]) -> float:
    began = time.perf_counter()
    return sum(1 for _ in documents) / (time.perf_counter() - began)


def _peak(documents: Iterable[object]) -> int:
    gc.collect()
    tracemalloc.start()
    try:
        read = sum(1 for _ in documents)
        assert read in {FEW, MANY}
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
