"""Two stores on one database, as two processes are, that share a cache: what one commits the other one reads."""

import pickle
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NewType

import pytest
from attrs import define, field
from contracts.caching.cached_reads_suite import plain
from contracts.caching.cached_writes_suite import WRITES, all_of, fill
from contracts.caching.caching_base import (
    OpenThings,
    Thing,
    ThingsContract,
    ThingStore,
    bypasses,
    change,
    evolved,
    misbehaving,
    number_of,
    observed,
    outcomes,
    read,
    save,
)
from contracts.caching.misbehaving import Misbehaving
from redis import Redis

from tristore import CacheSettings, Documents, Entity, Repository, UnitOfWork, open_store
from tristore.adapters.caching import store_cache
from tristore.adapters.testing.queries.command_log import Command, CommandLog
from tristore.testing import RedisServer

from .cache_garbage_suite import Planted

HEAD = b'{"ct": 99999999999, "v": 2}|'
"""What dogpile puts before the bytes of an entry."""

FooId = NewType("FooId", int)


@define(kw_only=True)
class Foo(Entity[FooId]):
    """Another form of what is stored in the collection of the things."""

    id: FooId = field()
    number: int = 0


class FooRepository(Repository[Foo, FooId]):
    """Foos."""


class Foos(UnitOfWork):
    """Foos."""

    foos: FooRepository


class SharedCacheContract(ThingsContract):
    """C10, C14, C18 and C19 between processes; the stores have nothing in common but the servers."""

    @pytest.fixture
    def here(self, store: ThingStore) -> ThingStore:
        """The store that reads."""
        fill(store)
        return store

    @pytest.fixture
    def there(self, open_things: OpenThings, here: ThingStore) -> ThingStore:
        """The store that writes."""
        return open_things()

    @pytest.mark.parametrize("name", WRITES)
    def test_what_is_committed_there_is_read_here(self, here: ThingStore, there: ThingStore, name: str) -> None:
        """C10: after each kind of write every cached read of the other process is right."""
        read(here, all_of)
        WRITES[name][0](there)

        with here.reader() as reader:
            assert all_of(reader.things) == all_of(reader.things.cached())

    def test_what_is_kept_there_is_found_here(self, here: ThingStore, there: ThingStore) -> None:
        """C2: one process loads for all."""
        kept = read(there, all_of)
        with observed(here) as asked:
            assert kept == read(here, all_of)

        assert {} == asked

    def test_what_is_rolled_back_there_stays_here(self, here: ThingStore, there: ThingStore) -> None:
        """C10: a rollback leaves the tokens alone."""
        read(here, all_of)
        with pytest.raises(LookupError), there.unit_of_work() as uow:
            uow.things.get(2).number = 100
            uow.flush()
            raise LookupError
        with observed(here) as asked:
            read(here, all_of)

        assert {} == asked

    def test_a_writer_that_does_not_read_its_cache(self, here: ThingStore, open_things: OpenThings) -> None:
        """C19: a store whose cache is not enabled tells the others what it writes."""
        writer = open_things(cache=evolved(enabled=False))
        read(here, all_of)
        change(writer, 2, number=100)

        assert 100 == number_of(here, 2)
        assert {} == bypasses(here.cache_stats())

    def test_another_form_of_the_entity_shares_no_entries(
        self, here: ThingStore, url: str, cache: CacheSettings
    ) -> None:
        """C5: the fingerprint of the fields is part of the keys, and not of the tokens."""
        documents = [Documents(FooRepository, collection="things")]
        foos = open_store(Foos, url=url, documents=documents, name=here.name, cache=cache)
        assert 2 == number_of(here, 2)
        with foos.reader() as reader:
            assert 2 == reader.foos.cached().get(FooId(2)).number
        assert [0, 1] == [foos.cache_stats().total("hit"), foos.cache_stats().total("miss")]
        with foos.unit_of_work() as uow:
            uow.foos.get(FooId(2)).number = 100
        foos.close()

        assert 100 == number_of(here, 2)

    def test_a_failed_invalidation_is_not_forgotten(
        self, here: ThingStore, open_things: OpenThings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """C18: the process whose invalidation failed reads nothing old, however long the others keep their entries."""
        monkeypatch.setattr(store_cache, "_RETRY_AFTER", 0.0)
        broken = Misbehaving()
        reader, writer = (open_things(cache=misbehaving(broken)) for _ in range(2))
        assert 2 == number_of(reader, 2)
        broken.failing.add("set tokens")
        change(writer, 2, number=100)

        assert 2 == number_of(reader, 2)
        assert [100, 100] == [number_of(writer, 2, ttl=0.001) for _ in range(2)]
        broken.failing.clear()
        assert [100, 100] == [number_of(writer, 2), number_of(reader, 2)]


class PlantedInRedisContract(ThingsContract):
    """C2 and C16 with what somebody who can write to the Redis has put there."""

    @pytest.fixture
    def client(self, cache_redis: RedisServer) -> Any:
        """A bare client."""
        with Redis.from_url(cache_redis.url) as client:
            yield client

    @pytest.mark.parametrize("head", [b"", HEAD, HEAD + b"\0", b"\xff|"])
    def test_a_planted_pickle_runs_nothing(
        self, store: ThingStore, cache: CacheSettings, client: "Redis", tmp_path: Path, head: bytes
    ) -> None:
        """C2, C16: under the keys of entries and of tokens it is a miss; the next read is kept, and then found."""
        target = tmp_path / "ran"
        save(store, Thing(id=1, number=1))
        expected = plain(read(store, lambda t: [t.get(1), t.get_many([1]), t.find()]))
        keys = list(client.scan_iter(f"ts1|{cache.prefix}|*"))
        assert 5 == len(keys)
        for key in keys:
            client.set(key, head + pickle.dumps(Planted(target)))

        answers = [plain(read(store, lambda t: [t.get(1), t.get_many([1]), t.find()])) for _ in range(2)]
        with observed(store) as asked:
            answers.append(plain(read(store, lambda t: [t.get(1), t.get_many([1]), t.find()])))
        assert [expected] * 3 == answers
        assert {} == asked
        assert not target.exists()

    def test_every_entry_has_an_end(self, store: ThingStore, cache: CacheSettings, client: "Redis") -> None:
        """C3, C13: Redis itself ends entries after their time to live, and tokens after a day."""
        save(store, Thing(id=1, number=1))
        number_of(store, 1, ttl=30)
        ends = {b"|t|" in key: client.ttl(key) for key in client.scan_iter(f"ts1|{cache.prefix}|*")}

        assert 28 <= ends[False] <= 30
        assert 86_390 <= ends[True] <= 86_400

    def test_a_closed_store_leaves_no_connection(self, open_things: OpenThings, client: "Redis") -> None:
        """Closing a store gives the connections of its cache back."""
        before = {one["id"] for one in client.client_list()}
        store = open_things()
        save(store, Thing(id=1, number=1))
        number_of(store, 1)
        assert {one["id"] for one in client.client_list()} - before
        store.close()
        end = time.monotonic() + 10
        while {one["id"] for one in client.client_list()} - before and time.monotonic() < end:
            time.sleep(0.05)  # Redis learns a moment later that they are closed

        assert not {one["id"] for one in client.client_list()} - before


class IncoherentReadsContract(ThingsContract):
    """C7 and C8: settings of the server's reads that no cache may rest on."""

    @pytest.fixture
    def cache(self) -> CacheSettings:
        """A cache that can be looked into."""
        return misbehaving(Misbehaving())

    @pytest.mark.parametrize(
        ("options", "reason"),
        [
            ("readPreference=secondaryPreferred", "read preference"),
            ("readPreference=nearest", "read preference"),
            ("readPreference=primaryPreferred", "read preference"),
            ("readConcernLevel=available", "read concern"),
            ("readConcernLevel=majority&w=1", "write concern"),
            ("readConcernLevel=majority&w=majority", ""),
            ("readConcernLevel=local", ""),
            ("readPreference=primary", ""),
        ],
    )
    def test_reads_that_may_be_older_than_a_commit(
        self, open_things: OpenThings, url: str, cache: CacheSettings, options: str, reason: str
    ) -> None:
        """C8: they are not cached, nothing is kept, and the counters and the report say why."""
        store = open_things(url=f"{url}{'&' if '?' in url else '?'}{options}")
        save(store, Thing(id=1, number=1))
        asks: list[Callable[[Any], Any]] = [lambda t: t.get(1), lambda t: t.get_many([1]), lambda t: t.count()]
        for ask in asks * 2:
            read(store, ask)
        methods = ("get", "get_many", "count")

        assert ({(method, reason): 2 for method in methods} if reason else {}) == bypasses(store.cache_stats())
        assert ([0, 0] if reason else [4, 2]) == outcomes(store, "hit", "miss")
        assert (0 if reason else 2) == len(cache.arguments["cache"].data)
        assert (reason or "shared") in store.check().details

    def test_a_hit_sends_no_command(self, open_things: OpenThings) -> None:
        """C2: the driver itself says that nothing is sent for what was kept."""
        store = open_things(cache=CacheSettings())
        save(store, Thing(id=1, number=1))
        read(store, all_of)
        sent: list[Command] = []
        with CommandLog() as log, log.into(sent):
            read(store, lambda t: t.exists(lambda t: t.number == 77))
            assert sent
            sent.clear()
            read(store, all_of)

        assert [] == [command.name for command in sent]
