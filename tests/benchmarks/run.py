"""Print the benchmark: every ratio to the plain way, measured side by side in one run.

Run it with ``nox -s benchmarks``, or ``python -m benchmarks.run`` from the folder ``tests``.
"""

from rich.console import Console
from rich.table import Table

from tristore.adapters.testing.server import MongoServer

from . import bulk_load, in_memory
from .measure import Result, measure
from .on_mongo import OnMongo


def main() -> None:
    """Measure everything and print one table."""
    with MongoServer() as server:
        on_mongo = OnMongo(server.url_for("benchmark"))
        on_mongo.fill()
        results = [measure(case) for case in on_mongo.cases()]
        results += [measure(case) for case in (bulk_load.case(on_mongo), bulk_load.made_before_case(on_mongo))]
        memory = bulk_load.memory_table(on_mongo)
    results += [measure(in_memory.case(count)) for count in (1_000, 100_000)]
    console = Console(width=110)
    console.print(table(results))
    console.print(memory)


def table(results: list[Result]) -> Table:
    """The results as a table; what misses its target is marked, never hidden."""
    found = Table(title="tristore to the plain way, best call of each, interleaved")
    for heading in ("what", "ours", "plain", "time", "client CPU", "target", ""):
        found.add_column(heading, justify="left" if heading in {"what", ""} else "right")
    for result in results:
        target = f"{result.case.target:.2f}{' CPU' if result.case.by_cpu else ''}"
        found.add_row(
            result.case.name,
            _milliseconds(result.ours.wall),
            _milliseconds(result.bare.wall),
            f"{result.wall_ratio:.2f}",
            f"{result.cpu_ratio:.2f}",
            target,
            "met" if result.ratio <= result.case.target else "[red]missed[/red]",
        )
    return found


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.3f} ms"


if __name__ == "__main__":
    main()
