"""What the contracts of the cache share: things with ids of any sort, caches to open stores with, and counters."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, TypeVar
from uuid import uuid4

import pytest
from attrs import define, evolve, field
from dogpile.cache import register_backend

from tristore import (
    CacheSettings,
    Documents,
    DocumentStore,
    Entity,
    FixedClock,
    Reader,
    ReadRepository,
    Repository,
    UnitOfWork,
    cacheable,
    open_store,
)
from tristore.adapters.backend import Document, WritePlan
from tristore.operations import CacheStats, Outcome
from tristore.testing import ObservedBackend, Operation, RedisServer, plugged

from ..stores import BillingContract
from .misbehaving import Misbehaving

T = TypeVar("T")


@define
class Part:
    """A nested value."""

    label: str
    sizes: list[int] = field(factory=list)


@define(kw_only=True)
class Thing(Entity[Any]):
    """A value of every sort that can be changed in place, under an id of any type."""

    id: Any = field()
    group: str = ""
    number: int = 0
    seen_at: datetime | None = None
    part: Part = field(factory=lambda: Part("first", [1]))
    parts: list[Part] = field(factory=list)
    tags: list[str] = field(factory=list)
    data: dict[str, Any] = field(factory=dict)
    raw: bytes = b""


@define
class Brief:
    """Two fields of a thing."""

    id: Any
    number: int


@define
class PerGroup:
    """How much there is of each group."""

    group: str
    total: int


class ThingQueries(ReadRepository[Thing, Any]):
    """Named queries, two of them cached by default."""

    @cacheable(ttl=60)
    def in_group(self, group: str, *, at_least: int = 0) -> Sequence[Thing]:
        """Those of a group."""
        return self.find(lambda t: (t.group == group) & (t.number >= at_least), sort="number")

    def plain_in_group(self, group: str) -> Sequence[Thing]:
        """The same without a mark."""
        return self.find(lambda t: t.group == group, sort="number")


class ThingRepository(ThingQueries, Repository[Thing, Any]):
    """Things."""


@define(kw_only=True)
class Note(Entity):
    """Something in another collection."""

    thing_id: Any = None
    text: str = ""


class NoteQueries(ReadRepository[Note]):
    """Notes."""


class NoteRepository(NoteQueries, Repository[Note]):
    """Notes."""


class ThingsReader(Reader):
    """Reading."""

    things: ThingQueries
    notes: NoteQueries


class Things(UnitOfWork[ThingsReader]):
    """Writing."""

    things: ThingRepository
    notes: NoteRepository


DOCUMENTS = (Documents(ThingRepository, collection="things"), Documents(NoteRepository, collection="notes"))
ThingStore = DocumentStore[Things]
OpenThings = Callable[..., ThingStore]


class InProcess:
    """The bounded cache of this process."""

    @pytest.fixture
    def cache(self) -> CacheSettings:
        """Where cached reads are kept."""
        return CacheSettings()


class InRedis:
    """A real Redis, under names that no other test has."""

    @pytest.fixture
    def cache(self, cache_redis: RedisServer) -> CacheSettings:
        """Where cached reads are kept."""
        return CacheSettings(url=cache_redis.url, prefix=uuid4().hex[:8])


class InAnotherBackend:
    """A backend of dogpile.cache's own, by its name: it keeps what it gets for ever."""

    @pytest.fixture
    def cache(self) -> CacheSettings:
        """Where cached reads are kept."""
        return CacheSettings(url="dogpile.cache.memory://", arguments={"cache_dict": {}})


class ThingsContract(BillingContract):
    """The fixtures of every contract of the cache; subclasses add the backend and the cache."""

    @pytest.fixture
    def open_things(self, url: str, clock: FixedClock, cache: CacheSettings) -> Iterator[OpenThings]:
        """Open the store with options of the test's own; closed after the test.

        ``cache`` may be settings, None, or a function that changes those of the class.
        """
        opened: list[ThingStore] = []

        def open_it(**options: Any) -> ThingStore:
            wanted = options.pop("cache", cache)
            given = {"prepare": "create", "clock": clock, "documents": DOCUMENTS, "url": url, **options}
            given.setdefault("stray_edits", "ignore")  # the tests edit what they read, to see that nobody else sees it
            store = open_store(Things, cache=wanted(cache) if callable(wanted) else wanted, **given)
            opened.append(store)
            return store

        yield open_it
        for store in opened:
            store.close()

    @pytest.fixture
    def store(self, open_things: OpenThings) -> ThingStore:
        """The store."""
        return open_things()


class Observed(ObservedBackend):
    """Counts what a store asks its backend for, and lets something happen around it."""

    def __init__(self, store: ThingStore, around: Callable[[Operation, Callable[[], Any]], Any] | None = None) -> None:
        super().__init__(store.backend)
        self.asked: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._meddle = around

    def _around(self, operation: Operation, call: Callable[[], T]) -> T:
        with self._lock:
            self.asked[str(operation)] += 1
        if self._meddle is None:
            return call()
        answer: T = self._meddle(operation, call)
        return answer


@contextmanager
def observed(
    store: ThingStore, around: Callable[[Operation, Callable[[], Any]], Any] | None = None
) -> Iterator[Counter[str]]:
    """Count the operations of a store in a ``with`` block."""
    backend = Observed(store, around)
    with plugged(store, backend):
        yield backend.asked


def save(store: ThingStore, *entities: Thing | Note) -> None:
    """Store new entities in one unit."""
    with store.unit_of_work() as uow:
        for one in entities:
            if isinstance(one, Thing):
                uow.things.add(one)
            else:
                uow.notes.add(one)


def change(store: ThingStore, id: Any, **values: Any) -> None:
    """Change a stored thing in one unit."""
    with store.unit_of_work() as uow:
        thing = uow.things.get(id)
        for name, value in values.items():
            setattr(thing, name, value)


def behind(store: ThingStore, *documents: Document) -> None:
    """Store documents as another program does: no cache is told."""
    store.backend.write(WritePlan("things", "version", inserts=documents), transaction=None, timeout=5.0)


def read(store: ThingStore, ask: Callable[[ThingQueries], T], **options: Any) -> T:
    """Ask through the cache."""
    with store.reader() as reader:
        return ask(reader.things.cached(**options))


def number_of(store: ThingStore, id: Any, **options: Any) -> int:
    """The number of a thing, through the cache."""
    return read(store, lambda things: things.get(id), **options).number


def outcomes(store: ThingStore, *names: Outcome, method: str | None = None) -> list[int]:
    """How often each of these outcomes was counted."""
    stats = store.cache_stats()
    return [stats.total(name, method=method) for name in names]


def bypasses(stats: CacheStats) -> dict[tuple[str, str], int]:
    """Bypassed reads by method and reason."""
    return {(one.method, one.reason): number for one, number in stats if one.outcome == "bypass"}


def misbehaving(cache: Misbehaving, **settings: Any) -> CacheSettings:
    """Settings of a cache that a test breaks by hand."""
    register_backend("tests.misbehaving", Misbehaving.__module__, "MisbehavingBackend")  # type: ignore[no-untyped-call]
    return CacheSettings(url="tests.misbehaving://", arguments={"cache": cache}, **settings)


def evolved(**changes: Any) -> Callable[[CacheSettings], CacheSettings]:
    """Settings of the class with a change."""
    return lambda settings: evolve(settings, **changes)


class BrokenCacheContract(ThingsContract):
    """A store with three things, and a cache that a test breaks by hand."""

    @pytest.fixture
    def broken(self) -> Misbehaving:
        """What the cache keeps, and how it fails."""
        return Misbehaving()

    @pytest.fixture
    def cache(self, broken: Misbehaving) -> CacheSettings:
        """The cache of the store."""
        return misbehaving(broken)

    @pytest.fixture
    def store(self, open_things: OpenThings) -> ThingStore:
        """The store with three things."""
        store = open_things()
        save(store, *(Thing(id=number, number=number) for number in (1, 2, 3)))
        return store
