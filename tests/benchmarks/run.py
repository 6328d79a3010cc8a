"""Print the benchmark: every ratio to the plain way, measured side by side in one run.

Run it with ``nox -s benchmarks``, or ``python -m benchmarks.run`` from the folder ``tests``.
"""

import math
from itertools import chain

from rich.console import Console
from rich.table import Table

from tristore.testing import MongoServer

from . import bulk_load, cached_reads, in_memory, streaming
from .measure import Best, Result, measure
from .on_mongo import OnMongo

SIZES = (1_000, 100_000)
_GROWTH = 0.1


def main() -> None:
    """Measure everything and print one table."""
    with MongoServer() as server:
        on_mongo = OnMongo(server.url_for("benchmark"))
        on_mongo.fill()
        results = [measure(case) for case in on_mongo.cases()]
        results += [measure(case) for case in (bulk_load.case(on_mongo), bulk_load.made_before_case(on_mongo))]
        with cached_reads.cases(server.url_for("cached")) as (cached, round_trips):
            results += [measure(case) for case in cached]
        memory = bulk_load.memory_table(on_mongo)
        streamed = streaming.table(on_mongo)
    console = Console(width=120)
    console.print(table(results))
    console.print(round_trips)
    console.print(memory)
    console.print(streamed)
    small, large = (in_memory.InMemory(count) for count in SIZES)
    beside_mongomock = [[measure(case) for case in users.beside_mongomock()] for users in (small, large)]
    beside_a_dict = [[measure(case) for case in users.beside_a_dict()] for users in (small, large)]  # which adds more
    console.print(table([*chain(*beside_a_dict), *chain(*beside_mongomock)]))
    console.print(growth(*beside_a_dict, *beside_mongomock))


def table(results: list[Result]) -> Table:
    """The results as a table; what misses its target is marked, never hidden."""
    found = Table(title="tristore to the plain way, best call of each, interleaved")
    for heading in ("what", "ours", "plain", "time", "client CPU", "target", ""):
        found.add_column(heading, justify="left" if heading in {"what", ""} else "right")
    for result in results:
        target = f"{_ratio(result.case.target)}{' CPU' if result.case.by_cpu else ''}"
        found.add_row(
            result.case.name,
            _milliseconds(result.ours.wall),
            _milliseconds(result.bare.wall),
            _ratio(result.wall_ratio),
            _ratio(result.cpu_ratio),
            target,
            "met" if result.ratio <= result.case.target else "[red]missed[/red]",
        )
    return found


def _ratio(value: float) -> str:
    return f"{value:.2f}" if value >= 0.2 else f"{value:.4f}"


def growth(*results: list[Result]) -> Table:
    """By which power of the number of documents each time grows, beside the plain way; 0 is not at all.

    Args:
        results: of the same cases with few and with many documents, in turn.
    """
    found = Table(title=f"growth from {SIZES[0]:,} to {SIZES[1]:,} documents, as an exponent")
    for heading in ("what", "ours", "plain", "target", ""):
        found.add_column(heading, justify="left" if heading in {"what", ""} else "right")
    for small, large in chain(*(zip(*pair, strict=True) for pair in zip(results[::2], results[1::2], strict=True))):
        ours, plain = (_exponent(*times) for times in ((small.ours, large.ours), (small.bare, large.bare)))
        beside_a_dict = "mongomock" not in small.case.name
        target = (plain if beside_a_dict else 0.0) + _GROWTH
        found.add_row(
            small.case.name.replace(f" of {SIZES[0]:,}", ""),
            f"{ours:.3f}",
            f"{plain:.3f}",
            f"{target:.3f}",
            "met" if ours <= target else "[red]missed[/red]",
        )
    return found


def _exponent(small: Best, large: Best) -> float:
    return math.log(large.wall / small.wall) / math.log(SIZES[1] / SIZES[0])


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.3f} ms"


if __name__ == "__main__":
    main()
