"""A load of 100,000 rows beside bare ``insert_many``: how fast, and how much memory it takes."""

import gc
import tracemalloc
from collections.abc import Callable, Iterator

from attrs import frozen
from rich.table import Table

from tristore.domain.core import User

from .measure import Case, Step
from .on_mongo import OnMongo, a_user, by_hand

ROWS = 100_000
FEW = 10_000
LEAST_RATE = 0.8
"""Of the rate of bare ``insert_many``."""

MOST_GROWTH = 1.1
"""Between the peaks of the small and of the large load."""


def users(count: int) -> Iterator[User]:
    """So many users, made one by one."""
    for number in range(count):
        yield a_user(number)


def load(on_mongo: OnMongo, count: int) -> None:
    """Store users that a generator makes."""
    with on_mongo.store.bulk() as core:
        assert core.users.add_many(users(count)).inserted == count


def bare_load(on_mongo: OnMongo, count: int) -> None:
    """The same with the driver: documents by hand of the same users."""
    assert len(on_mongo.users.insert_many(by_hand(user) for user in users(count)).inserted_ids) == count


def empty(on_mongo: OnMongo) -> None:
    """Begin with an empty collection: dropping it is quicker than deleting what is in it."""
    on_mongo.users.drop()
    on_mongo.store.prepare()


def case(on_mongo: OnMongo) -> Case:
    """Both ways store the users of the same generator; the objects are made inside the timing of both."""

    def prepared(way: Callable[[OnMongo, int], None]) -> Callable[[], Step]:
        def prepare() -> Step:
            empty(on_mongo)
            return lambda: way(on_mongo, ROWS)

        return prepare

    return Case(f"load {ROWS:,} rows", prepared(load), prepared(bare_load), 1 / LEAST_RATE, rounds=2)


def made_before_case(on_mongo: OnMongo) -> Case:
    """Harder: the objects exist before, so that only documents are made and stored in the timing."""

    def ours() -> Step:
        empty(on_mongo)
        made = list(users(ROWS))

        def step() -> None:
            with on_mongo.store.bulk() as core:
                assert core.users.add_many(made).inserted == ROWS

        return step

    def bare() -> Step:
        empty(on_mongo)
        made = list(users(ROWS))

        def step() -> None:
            on_mongo.users.insert_many([by_hand(user) for user in made])

        return step

    return Case(f"load {ROWS:,} rows, objects made before", ours, bare, 1 / LEAST_RATE, rounds=2)


@frozen
class Peaks:
    """The most memory that Python's objects took at once, in bytes.

    Attributes:
        few: of a load of `FEW` rows.
        many: of a load of `ROWS` rows.
    """

    few: int
    many: int

    @property
    def growth(self) -> float:
        """How much more the large load took."""
        return self.many / self.few


def peaks(way: Callable[[OnMongo, int], None], on_mongo: OnMongo) -> Peaks:
    """Measure one way."""
    empty(on_mongo)
    way(on_mongo, 10)
    return Peaks(_peak(way, on_mongo, FEW), _peak(way, on_mongo, ROWS))


def _peak(way: Callable[[OnMongo, int], None], on_mongo: OnMongo, count: int) -> int:
    empty(on_mongo)
    gc.collect()
    tracemalloc.start()
    try:
        way(on_mongo, count)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def memory_table(on_mongo: OnMongo) -> Table:
    """Peaks of both ways."""
    found = Table(title="peak memory of a load, by tracemalloc")
    for heading in ("what", f"{FEW:,} rows", f"{ROWS:,} rows", "growth", "target", ""):
        found.add_column(heading, justify="left" if heading in {"what", ""} else "right")
    ours = peaks(load, on_mongo)
    plain = peaks(bare_load, on_mongo)
    verdict = "met" if ours.growth <= MOST_GROWTH else "[red]missed[/red]"
    found.add_row("store.bulk()", *_cells(ours), f"{MOST_GROWTH:.2f}", verdict)
    found.add_row("bare insert_many", *_cells(plain), "", "")
    return found


def _cells(found: Peaks) -> tuple[str, str, str]:
    return f"{found.few / 2**20:.1f} MiB", f"{found.many / 2**20:.1f} MiB", f"{found.growth:.2f}"
