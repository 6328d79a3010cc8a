"""Reads through a cache beside the same reads without one, and what an invalidation adds to a commit."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

from redis import Redis
from rich.table import Table

from tristore import DocumentStore, open_store
from tristore.domain.core import CoreUnitOfWork, UserId
from tristore.testing import RedisServer
from tristore.three_stores import CORE

from .measure import Case, Step
from .on_mongo import a_user

TIMES = 20
"""Reads in one call, so that a call takes long enough to be timed."""

COMMITS = 100


class CachedReads:
    """One user, read by all ways from one database."""

    def __init__(self, mongo_url: str, cache_url: str, number: int) -> None:
        self.store = open_store(CoreUnitOfWork, url=mongo_url, documents=CORE, cache=cache_url, prepare="create")
        with self.store.unit_of_work() as core:
            user = a_user(number)
            core.users.add(user)
        self.id: UserId = user.id

    def case(self, what: str, target: float) -> Case:
        """A get by id, reader included."""
        return Case(f"get by id, cached {what} / uncached", self._cached, self._uncached, target, rounds=100)

    def _cached(self) -> Step:
        def step() -> None:
            for _ in range(TIMES):
                with self.store.reader() as core:
                    core.users.cached().get(self.id)

        return step

    def _uncached(self) -> Step:
        def step() -> None:
            for _ in range(TIMES):
                with self.store.reader() as core:
                    core.users.get(self.id)

        return step

    def close(self) -> None:
        """Leave nothing behind."""
        with self.store.unit_of_work() as core:
            core.users.remove(core.users.get(self.id))
        self.store.close()


@contextmanager
def cases(mongo_url: str) -> Iterator[tuple[list[Case], Table]]:
    """The comparisons, on each cache, and what commits cost it."""
    with (
        RedisServer() as redis,
        closing(CachedReads(mongo_url, "memory://", 1)) as near,
        closing(CachedReads(mongo_url, redis.url, 2)) as far,
    ):
        yield [near.case("in memory", 0.1), far.case("in Redis", 0.75)], round_trips(far, redis.url)


def round_trips(cached: CachedReads, redis_url: str) -> Table:
    """How often commits and cached reads talk to Redis."""
    found = Table(title="round trips to Redis, by its own count")
    for heading in ("what", "each", "target", ""):
        found.add_column(heading, justify="left" if heading in {"what", ""} else "right")
    with closing(Redis.from_url(redis_url)) as client:
        steps: tuple[tuple[str, Callable[[int], None], float], ...] = (
            ("commit", lambda number: _edit(cached.store, cached.id, number), 1.0),
            ("cached get", lambda number: _get(cached.store, cached.id), 1.0),
        )
        for what, step, most in steps:
            step(0)
            each = _asked(client, step) / COMMITS
            found.add_row(what, f"{each:.2f}", f"{most:.2f}", "met" if each <= most else "[red]missed[/red]")
    return found


def _asked(client: Redis, step: Callable[[int], None]) -> int:
    before = _read(client)
    for number in range(1, COMMITS + 1):
        step(number)
    return _read(client) - before - 1  # this question is one itself


def _read(client: Redis) -> int:
    return int(client.info("stats")["total_reads_processed"])


def _edit(store: DocumentStore[CoreUnitOfWork], id_: UserId, number: int) -> None:
    with store.unit_of_work() as core:
        core.users.get(id_).credits = number


def _get(store: DocumentStore[CoreUnitOfWork], id_: UserId) -> None:
    with store.reader() as core:
        core.users.cached().get(id_)
