"""Reads that go past the cache although they asked for it, on every backend: none is kept, and the counters say why."""

from collections.abc import Callable
from typing import Any

import pytest

from tristore import CacheSettings, cache_disabled

from .cached_reads_suite import five
from .caching_base import (
    OpenThings,
    Thing,
    ThingQueries,
    ThingsContract,
    ThingStore,
    behind,
    bypasses,
    evolved,
    number_of,
    observed,
    outcomes,
    read,
    save,
)

Ask = Callable[[ThingQueries], Any]


class CachedBypassesContract(ThingsContract):
    """C7 and C19."""

    @pytest.fixture
    def things(self, store: ThingStore) -> list[Thing]:
        """Five things of two groups."""
        return five(store)

    def test_streams_are_not_cached(self, store: ThingStore, things: list[Thing]) -> None:
        """C7: a stream reads the store each time, and the counters say so."""
        for _ in range(2):
            with observed(store) as asked:
                assert [1, 2, 3, 4, 5] == read(store, lambda t: [one.id for one in t.stream(sort="number")])
            assert {"find things": 1} == asked

        assert {("stream", "stream"): 2} == bypasses(store.cache_stats())

    def test_snapshots_and_bulks_are_not_cached(self, store: ThingStore, things: list[Thing]) -> None:
        """C7: what a snapshot shows was so at one moment, and a bulk writes: both read the store, and are counted."""
        read(store, lambda t: [t.get(1), t.count()])
        with observed(store) as asked, store.reader(snapshot=True) as snapshot:
            snapshot.things.cached().get(1)
            snapshot.things.cached().in_group("a")
        assert 2 <= asked["find things"]
        with observed(store) as asked, store.bulk() as bulk:
            bulk.things.cached().get(1)
            bulk.things.cached().count()
        assert {"find things": 1, "count things": 1} == asked

        assert {
            ("get", "snapshot"): 1,
            ("find", "snapshot"): 1,
            ("get", "bulk"): 1,
            ("count", "bulk"): 1,
        } == bypasses(store.cache_stats())

    @pytest.mark.filterwarnings("ignore::tristore.errors.LargeDocumentWarning")
    def test_large_results_are_not_kept(self, store: ThingStore) -> None:
        """C7: what takes more than 1 MiB is loaded each time, whichever way it is asked for."""
        save(store, Thing(id=1, number=1, raw=b"x" * (1024 * 1024)), Thing(id=2, number=2))
        for ask, method in (
            (lambda t: t.get(1), "get"),
            (lambda t: t.get_many([1, 2])[0], "get_many"),
            (lambda t: t.find(sort="number")[0], "find"),
        ):
            for turn in range(3):
                with observed(store) as asked:
                    assert 1024 * 1024 == len(read(store, ask).raw)
                # get has found the first one too large already, so that get_many asks for it beside what it misses
                assert {"find things": 2 if (method, turn) == ("get_many", 0) else 1} == asked

            assert 3 == bypasses(store.cache_stats())[method, "too large"]
        assert [2, 1, 0] == outcomes(store, "hit", "miss", "error", method="get_many")

    def test_long_results_are_not_kept(self, store: ThingStore) -> None:
        """C7: a result of more than 1,000 documents is loaded each time; one of 1,000 is kept."""
        behind(store, *({"_id": number, "number": number, "version": 1} for number in range(1_001)))
        for limit, expected in ((1_000, 0), (1_001, 1)):
            self.read_so_many(store, limit)
            with observed(store) as asked:
                self.read_so_many(store, limit)
            assert expected == asked["find things"]

        assert {("find", "too large"): 2} == bypasses(store.cache_stats())

    def read_so_many(self, store: ThingStore, number: int) -> None:
        """Read so many things."""
        assert number == len(read(store, lambda t: t.find(limit=number)))

    def test_the_switch_turns_lookups_and_stores_off(self, store: ThingStore, things: list[Thing]) -> None:
        """C19: in cache_disabled() reads neither look nor keep, pages read in other threads included."""
        ask: Ask = lambda t: (t.get(1).number, t.page(limit=2, sort="number").total_count, t.in_group("a")[0].number)  # noqa: E731
        with cache_disabled():
            assert (1, 5, 1) == read(store, ask)
            with observed(store) as asked:
                read(store, ask)
        assert 3 <= asked["find things"]
        assert [0, 0] == outcomes(store, "hit", "miss")
        assert {"switched off"} == {reason for _, reason in bypasses(store.cache_stats())}
        read(store, ask)

        assert [0] != outcomes(store, "miss")

    def test_switched_off_by_settings(self, open_things: OpenThings) -> None:
        """C19: a cache that is not enabled, null:// and no cache at all read the store each time."""
        for option, reasons in (
            (evolved(enabled=False), {("get", "switched off"): 2}),
            (CacheSettings(url="null://"), {("get", "switched off"): 2}),
            (None, {}),
        ):
            store = open_things(cache=option)
            with store.unit_of_work() as uow:
                uow.things.upsert(Thing(id=1, number=1), by="id")
            with observed(store) as asked:
                assert [1, 1] == [number_of(store, 1), number_of(store, 1)]

            assert {"find things": 2} == asked
            assert reasons == bypasses(store.cache_stats())
