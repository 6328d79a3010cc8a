"""A cache that fails, lies, forgets or is slow, on every backend: reads are right, and loaded once."""

import logging
import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
from contracts.caching.cached_commits_suite import poison
from contracts.caching.caching_base import (
    BrokenCacheContract,
    OpenThings,
    Thing,
    ThingQueries,
    ThingStore,
    bypasses,
    change,
    misbehaving,
    number_of,
    observed,
    outcomes,
    read,
    save,
)
from contracts.caching.misbehaving import Misbehaving, Shelf
from contracts.stores import elsewhere

from tristore import Unavailable
from tristore.adapters.backend import Comparator, Compare, Query
from tristore.adapters.caching import store_cache
from tristore.adapters.caching.port import CachedCollection
from tristore.domain.repository.caching import CacheOptions
from tristore.errors import CommitUnknown
from tristore.operations import Counted, Outcome
from tristore.testing import Operation

Ask = Callable[[ThingQueries], Any]

ASKED: dict[str, Ask] = {
    "get": lambda t: t.get(1).number,
    "get_many": lambda t: t.get_many([1])[0].number,
    "find": lambda t: t.find(sort="number")[0].number,
    "count": lambda t: t.count(),
}


class Heard:
    """An observer that remembers."""

    def __init__(self) -> None:
        self.all: list[tuple[str, Counted, float]] = []

    def counted(self, store: str, counted: Counted, seconds: float) -> None:
        """Remember."""
        self.all.append((store, counted, seconds))

    @property
    def words(self) -> list[tuple[str, Outcome, str]]:
        """Methods, outcomes and reasons."""
        return [(one.method, one.outcome, one.reason) for _, one, _ in self.all]


class Faulty:
    """An observer with a fault."""

    def counted(self, store: str, counted: Counted, seconds: float) -> None:
        """Raise."""
        raise LookupError("this observer is broken")


class CacheFailuresContract(BrokenCacheContract):
    """C3, C4, C6, C7, C15, C16, C18 and C22."""

    @pytest.mark.parametrize("name", ASKED)
    @pytest.mark.parametrize("failing", ["get tokens", "set tokens", "get data", "set data", "mutex data", "lock data"])
    def test_what_fails_costs_one_load(self, store: ThingStore, broken: Misbehaving, failing: str, name: str) -> None:
        """C16: whichever operation of the cache raises, the answer is right, loaded once, and one error is counted."""
        broken.tokens = Shelf()
        broken.failing.add(failing)
        with observed(store) as asked:
            answer = read(store, ASKED[name])

        assert (3 if name == "count" else 1) == answer
        assert 1 == sum(asked.values())
        assert [1] == outcomes(store, "error")

    def test_locks_that_fail_hold_nobody_up(self, store: ThingStore, broken: Misbehaving) -> None:
        """C15, C16: where the lock of one of several keys fails, those who wait for the others go on."""
        turns: list[str] = []

        def before(operation: str) -> None:
            if operation == "mutex data":
                turns.append(operation)
                if len(turns) == 2:
                    waiting.extend(pool.submit(number_of, store, id) for id in (1, 2, 3))
                    time.sleep(0.1)
                    raise ConnectionError("this lock is broken on purpose")

        broken.before = before
        waiting: list[Future[int]] = []
        with ThreadPoolExecutor(3) as pool:
            found = read(store, lambda t: t.get_many([1, 2, 3]))
            answers = [one.result(timeout=20) for one in waiting]

        assert [1, 2, 3] == [one.number for one in found] == answers

    def test_a_half_loaded_get_many_loads_nothing_twice(self, store: ThingStore, broken: Misbehaving) -> None:
        """C16: where keeping fails behind the load, what was loaded is used, and only what was kept is asked for."""
        number_of(store, 1)
        broken.failing.add("set data")
        wanted: list[Any] = []

        def around(operation: Operation, call: Callable[[], Any]) -> Any:
            found = call()
            wanted.append(sorted(document["_id"] for document in found))
            return found

        with observed(store, around):
            assert [1, 2, 3] == [one.number for one in read(store, lambda t: t.get_many([1, 2, 3]))]

        assert [[2, 3], [1]] == wanted

    def test_what_cannot_be_encoded_is_not_cached(self, store: ThingStore) -> None:
        """C7: a question that BSON cannot hold has no key, so it is asked past the cache; no repository asks one."""

        class Direct:
            def one(self, id: Any) -> Any:
                return {"_id": 1}

            def many(self, ids: Any) -> Any:
                return [{"_id": 1}]

            def find(self, query: Query) -> Any:
                return [{"_id": 1}]

            def count(self, predicate: Any, limit: Any) -> int:
                return 1

            def distinct(self, path: Any, predicate: Any) -> Any:
                return []

            def rollup(self, rollup: Any) -> Any:
                return []

        assert store.environment.cache is not None
        through = store.environment.cache.through(Direct(), CachedCollection("things"), CacheOptions())
        query = Query(Compare(("x",), Comparator.EQ, object()))

        assert [{"_id": 1}] == through.find(query) == through.many([object()])
        assert {"_id": 1} == through.one(object())
        reason = "not encodable"
        assert {("find", reason): 1, ("get", reason): 1, ("get_many", reason): 1} == bypasses(store.cache_stats())

    def test_tokens_then_entry_then_load(self, store: ThingStore, broken: Misbehaving) -> None:
        """C6: the tokens are read before the entry, and both before the load; a hit on a remote cache is two looks."""

        def around(operation: Operation, call: Callable[[], Any]) -> Any:
            broken.log.append("load")
            return call()

        for ask in ASKED.values():
            change(store, 3, number=random.randrange(10, 1_000_000))
            change(store, 1, tags=[str(random.random())])
            broken.log.clear()
            with observed(store, around):
                read(store, ask)
            order = [broken.log.index(name) for name in ("get tokens", "get data", "load", "set data")]
            assert sorted(order) == order, broken.log
            broken.log.clear()
            read(store, ask)
            assert ["get tokens", "get data"] == [one for one in broken.log if one != "mutex data"]

    def test_a_unit_does_not_touch_the_cache(self, store: ThingStore, broken: Misbehaving) -> None:
        """C9, C10: a unit that reads and writes asks the cache for nothing; its commit sends tokens, once."""
        number_of(store, 1)
        broken.log.clear()
        with store.unit_of_work() as uow:
            uow.things.cached().get(1).number = 100
            uow.things.cached().find()
            uow.notes.cached().find()
            assert [] == broken.log

        assert ["set tokens"] == broken.log

    def test_a_failed_invalidation(
        self, store: ThingStore, broken: Misbehaving, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        """C18: the commit returns, the counter rises, this process reads past the cache until it is made good."""
        monkeypatch.setattr(store_cache, "_RETRY_AFTER", 0.0)
        read(store, lambda t: [t.get(1), t.get(2), t.count()], ttl=0.05)
        read(store, lambda t: [t.get(1), t.get(2), t.count()])
        broken.failing.add("set tokens")
        change(store, 1, number=100)
        assert [1] == outcomes(store, "error")
        time.sleep(0.1)

        assert [100, 2, 3] == read(store, lambda t: [t.get(1).number, t.get(2).number, t.count()])
        assert {("get", "failed invalidation"): 2, ("count", "failed invalidation"): 1} == bypasses(store.cache_stats())
        broken.failing.clear()
        assert [100, 2, 3] == read(store, lambda t: [t.get(1).number, t.get(2).number, t.count()])
        with observed(store) as asked:
            assert [100, 2, 3] == read(store, lambda t: [t.get(1).number, t.get(2).number, t.count()])
        assert {} == asked
        assert "could not be invalidated" in caplog.text
        assert "secret-value" not in caplog.text

    @pytest.mark.parametrize("name", ["get", "get_many", "find", "count"])
    def test_a_stampede_is_one_load(self, store: ThingStore, name: str) -> None:
        """C15: sixteen threads that want the same, not kept thing ask the store once."""
        together = threading.Barrier(16)

        def around(operation: Operation, call: Callable[[], Any]) -> Any:
            time.sleep(0.05)
            return call()

        def work(_: int) -> Any:
            together.wait()
            return read(store, ASKED[name])

        with observed(store, around) as asked, ThreadPoolExecutor(16) as pool:
            answers = list(pool.map(work, range(16)))

        assert [3 if name == "count" else 1] * 16 == answers
        assert 1 == sum(asked.values())

    def test_overlapping_get_many_at_once(self, store: ThingStore) -> None:
        """C15: threads that want overlapping things neither wait for each other for ever nor load one thing twice."""
        loaded: list[Any] = []
        together = threading.Barrier(8)

        def around(operation: Operation, call: Callable[[], Any]) -> Any:
            found = call()
            time.sleep(0.02)
            loaded.extend(document["_id"] for document in found)
            return found

        def work(seed: int) -> list[int]:
            ids = random.Random(seed).sample([1, 2, 3], k=3 if seed % 2 else 2)
            together.wait()
            return [a.number - b for a, b in zip(read(store, lambda t: t.get_many(ids)), ids, strict=True)]

        with observed(store, around), ThreadPoolExecutor(8) as pool:
            wrong = [one for found in pool.map(work, range(8)) for one in found if one]

        assert [] == wrong
        assert [1, 2, 3] == sorted(loaded)

    @pytest.mark.parametrize("name", ASKED)
    def test_an_error_of_the_load_is_the_callers(self, store: ThingStore, broken: Misbehaving, name: str) -> None:
        """C15, C16: it comes out as it was raised, nothing is kept, no error of the cache is counted."""
        error = Unavailable("the store is away")

        def around(operation: Operation, call: Callable[[], Any]) -> Any:
            raise error

        with observed(store, around) as asked, pytest.raises(Unavailable) as caught:
            read(store, ASKED[name])

        assert error is caught.value
        assert 1 == sum(asked.values())
        assert 0 == len(broken.data)
        assert [0, 1, 0] == outcomes(store, "error", "load error", "miss")
        assert (3 if name == "count" else 1) == read(store, ASKED[name])

    def test_tokens_that_get_lost(self, open_things: OpenThings) -> None:
        """C3: with room for three tokens only, no read is ever stale."""
        store = open_things(cache=misbehaving(Misbehaving(tokens=Shelf(most=3))), name="lossy")
        chance = random.Random(7)
        save(store, *(Thing(id=100 + n, group="lossy", number=0) for n in range(6)))
        truth = dict.fromkeys(range(100, 106), 0)
        for step in range(1, 150):
            id = chance.choice([*truth])
            if chance.random() < 0.3:
                truth[id] = step
                change(store, id, number=step)
            elif chance.random() < 0.5:
                assert truth[id] == number_of(store, id)
            else:
                found = read(store, lambda t: t.find(lambda t: t.group == "lossy"))
                assert truth == {one.id: one.number for one in found}
        assert 0 < outcomes(store, "hit")[0]

    def test_a_commit_that_nobody_asks_about(self, store: ThingStore, monkeypatch: pytest.MonkeyPatch) -> None:
        """C11: after the time in which the server may still apply it, everything of its collections is read anew."""
        monkeypatch.setattr(store_cache, "SETTLED", 0.2)

        def around(operation: Operation, call: Callable[[], Any]) -> Any:
            if operation.name in {"commit", "settle"}:
                raise CommitUnknown("nobody knows")
            return call()

        with observed(store, around), pytest.raises(CommitUnknown) as caught, store.unit_of_work() as uow:
            uow.things.get(1).number = 100
        store.backend.abort(store.environment.unsettled[caught.value.unit_id].transaction)
        assert [1, 2] == [number_of(store, 1), number_of(store, 2)]
        poison(store)
        end = time.monotonic() + 10

        while number_of(store, 2) != 77:
            assert time.monotonic() < end
            time.sleep(0.05)

    def test_a_lost_answer_to_an_invalidation(
        self, store: ThingStore, broken: Misbehaving, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """C4: applied, the answer lost, another writer and reader in between: no token comes back to life."""
        monkeypatch.setattr(store_cache, "_RETRY_AFTER", 0.0)
        ask: Ask = lambda t: (t.get(1).number, t.find(sort="id")[0].number)  # noqa: E731
        read(store, ask)
        met: list[Any] = []

        def after(operation: str) -> None:
            if operation == "set tokens" and not met:
                met.append(None)
                met.append(elsewhere(lambda: read(store, ask)))
                elsewhere(lambda: change(store, 1, number=200))
                met.append(elsewhere(lambda: read(store, ask)))
                raise ConnectionError("the answer was lost")

        broken.after = after
        change(store, 1, number=100)

        assert [None, (100, 100), (200, 200)] == met
        assert [(200, 200)] * 3 == [read(store, ask) for _ in range(3)]

    def test_observers_hear_everything(self, store: ThingStore, broken: Misbehaving) -> None:
        """C22: each outcome with its collection, method and reason, and how long it took."""
        heard = Heard()
        store.observe_cache(heard)
        read(store, lambda t: [t.get(1), t.get(1), t.get_many([1, 2]), [*t.stream()]])
        broken.failing.add("get data")
        read(store, lambda t: t.count())
        broken.failing.clear()
        with pytest.raises(Unavailable), observed(store, around=fail):
            read(store, lambda t: t.distinct(lambda t: t.number))
        change(store, 1, number=5)

        assert [
            ("get", "load", ""),
            ("get", "miss", ""),
            ("get", "hit", ""),
            ("get_many", "load", ""),
            ("get_many", "miss", ""),
            ("get_many", "hit", ""),
            ("stream", "bypass", "stream"),
            ("count", "error", ""),
            ("distinct", "load error", ""),
            ("", "invalidation", ""),
        ] == heard.words
        assert {("things", "things")} == {(store_name, one.collection) for store_name, one, _ in heard.all}
        assert all(seconds > 0 for _, one, seconds in heard.all if one.outcome in {"load", "load error"})
        assert "hit 2" in str(store.cache_stats())

    def test_a_faulty_observer_stops_nothing(self, store: ThingStore, caplog: pytest.LogCaptureFixture) -> None:
        """C22: its error is logged, the next observer hears all, readers and writers notice nothing."""
        heard = Heard()
        store.observe_cache(Faulty())
        store.observe_cache(heard)
        assert [1, 1] == [number_of(store, 1), number_of(store, 1)]
        change(store, 1, number=5)

        assert 5 == number_of(store, 1)
        assert {"load", "miss", "hit", "invalidation"} == {outcome for _, outcome, _ in heard.words}
        assert "an observer of the cache of store things failed" in caplog.text

    def test_logs_hold_no_values(
        self, store: ThingStore, broken: Misbehaving, caplog: pytest.LogCaptureFixture
    ) -> None:
        """C22: what the cache and dogpile log, down to the last detail, names neither values nor what was asked."""
        save(store, Thing(id="secret-id", group="secret-group", tags=["secret-tag"]))
        with caplog.at_level(logging.DEBUG, "tristore"), caplog.at_level(logging.DEBUG, "dogpile"):
            for failing in ("", "get data", "set data", "set tokens"):
                broken.failing = {failing}
                read(store, lambda t: [t.get("secret-id"), t.get_many(["secret-id"]), t.in_group("secret-group")])
                change(store, "secret-id", tags=["secret-tag", failing])
        text = "\n".join(record.getMessage() + str(record.exc_text) for record in caplog.records)

        assert caplog.records
        assert "secret" not in text


def fail(operation: Operation, call: Callable[[], Any]) -> Any:
    """Let every operation of the backend fail."""
    raise Unavailable("the store is away")
