"""Writes beside the cache, on every backend and in every cache: after a commit no cached read is older."""

import random
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from attrs import evolve

from tristore import DuplicateKey, NotFound, Rename, SchemaStep, Unavailable, cache_disabled
from tristore.adapters.backend import WritePlan
from tristore.operations import Migrations, import_lines
from tristore.testing import Operation

from .cached_reads_suite import plain
from .caching_base import (
    DOCUMENTS,
    Note,
    OpenThings,
    Thing,
    ThingQueries,
    ThingsContract,
    ThingStore,
    change,
    number_of,
    observed,
    outcomes,
    read,
    save,
)
from .stores import elsewhere

Write = Callable[[ThingStore], Any]


def in_unit(work: Callable[[Any], Any]) -> Write:
    """Write in a unit of work."""

    def write(store: ThingStore) -> None:
        with store.unit_of_work() as uow:
            work(uow)

    return write


def in_bulk(work: Callable[[Any], Any]) -> Write:
    """Write in a bulk, of entities that were loaded before."""

    def write(store: ThingStore) -> None:
        with store.bulk() as bulk:
            work(bulk)

    return write


def edited(things: ThingQueries) -> list[Thing]:
    """The second and the third thing with new numbers."""
    found = list(things.get_many([2, 3]))
    for one in found:
        one.number += 100
    return found


def remove_second(uow: Any) -> None:
    """Remove the second thing."""
    uow.things.remove(uow.things.get(2))


def flush_and_add(uow: Any) -> None:
    """Write twice in one unit."""
    uow.things.get(2).number = 100
    uow.flush()
    uow.things.add(Thing(id=9, group="a", number=9))


def in_process(store: ThingStore) -> None:
    """Write by `Store.run`, whose first attempt fails."""
    attempts: list[int] = []

    def work(uow: Any) -> None:
        uow.things.get(2).number += 100
        attempts.append(1)
        if len(attempts) == 1:
            uow.flush()
            raise DuplicateKey("Thing", ("id",), {})

    store.run(work, retry_on=(DuplicateKey,))


def imported(store: ThingStore) -> None:
    """Import a line."""
    with TemporaryDirectory() as folder:
        lines = Path(folder) / "things.jsonl"
        lines.write_text('{"_id":9,"group":"a","number":9}\n')
        assert 1 == import_lines(store, "things", lines).inserted


def store_old(store: ThingStore, *documents: dict[str, Any]) -> None:
    """Store things as code of the first schema version wrote them."""
    store.prepare()
    inserts = [{**one, "version": 1, "schemaVersion": 1} for one in documents]
    store.backend.write_many(WritePlan("things", "version", inserts=inserts), timeout=5)


RENAMED = evolve(DOCUMENTS[0], schema_version=2, steps=[SchemaStep(2, Rename("amount", "number"))])
NOTES = DOCUMENTS[1]
EVERYTHING = frozenset(range(1, 6))
WRITES: dict[str, tuple[Write, frozenset[int]]] = {
    "add": (in_unit(lambda uow: uow.things.add(Thing(id=9, group="a", number=9))), frozenset()),
    "change": (in_unit(lambda uow: setattr(uow.things.get(2), "number", 100)), frozenset({2})),
    "remove": (in_unit(remove_second), frozenset({2})),
    "flush and add": (in_unit(flush_and_add), frozenset({2})),
    "run": (in_process, frozenset({2})),
    "add_many in a unit": (in_unit(lambda uow: uow.things.add_many([Thing(id=9, group="a")])), frozenset()),
    "bulk_update in a unit": (in_unit(lambda uow: uow.things.bulk_update(edited(uow.things))), frozenset({2, 3})),
    "upsert in a unit": (in_unit(lambda uow: uow.things.upsert(Thing(id=2, number=7), by="id")), frozenset({2})),
    "upsert of a new one in a unit": (
        in_unit(lambda uow: uow.things.upsert(Thing(id=9, number=7), by="id")),
        frozenset(),
    ),
    "update_where in a unit": (
        in_unit(lambda uow: uow.things.update_where(lambda t: t.number == 2, set={"group": "c"})),
        EVERYTHING,
    ),
    "remove_where in a unit": (in_unit(lambda uow: uow.things.remove_where(lambda t: t.number == 2)), EVERYTHING),
    "add_many": (in_bulk(lambda bulk: bulk.things.add_many([Thing(id=9, group="a")])), frozenset()),
    "bulk_update": (in_bulk(lambda bulk: bulk.things.bulk_update(edited(bulk.things))), frozenset({2, 3})),
    "upsert": (in_bulk(lambda bulk: bulk.things.upsert(Thing(id=2, number=7), by="id")), frozenset({2})),
    "upsert of a new one": (in_bulk(lambda bulk: bulk.things.upsert(Thing(id=9, number=7), by="id")), frozenset()),
    "update_where": (
        in_bulk(lambda bulk: bulk.things.update_where(lambda t: t.number == 2, set={"group": "c"})),
        EVERYTHING,
    ),
    "import": (imported, frozenset()),
    "remove_where": (in_bulk(lambda bulk: bulk.things.remove_where(lambda t: t.number == 2)), EVERYTHING),
}
"""Every way to write, with the ids whose entries it makes out of date, among those of the fixture."""


def all_of(things: ThingQueries) -> Any:
    """Everything that can be read of the things."""
    found = things.populate([1, 2, 3, 4, 5, 9], lambda n: n)
    single = []
    for id in (1, 2, 3, 4, 5, 9):
        try:
            single.append(plain(things.get(id)))
        except NotFound:
            single.append(None)
    listed = [things.find(sort="number"), things.in_group("a"), things.first(sort="-number")]
    groups = things.distinct(lambda t: t.group)
    return plain([found, single, listed, groups, things.count(), things.exists(lambda t: t.number == 9)])


class CachedWritesContract(ThingsContract):
    """C9, C10, C11, C14 and C19."""

    @pytest.fixture(autouse=True)
    def things(self, store: ThingStore) -> None:
        """Five things of two groups, and a note."""
        fill(store)

    @pytest.mark.parametrize("name", WRITES)
    def test_exactly_what_was_written_is_read_anew(self, store: ThingStore, name: str) -> None:
        """C10: after the write every cached read is right; other entities and collections stay hits."""
        write, written = WRITES[name]
        warm(store)
        write(store)

        for id in EVERYTHING - written:
            with observed(store) as asked:
                assert id == number_of(store, id)
            assert {} == asked, id
        with observed(store) as asked, store.reader() as reader:
            assert ["n"] == [one.text for one in reader.notes.cached().find()]
        assert {} == asked
        for id in written:
            with observed(store) as asked:
                read(store, partial(ThingQueries.populate, entities=[id], reference=lambda n: n))
            assert {"find things": 1} == asked, id
        with store.reader() as reader:
            assert all_of(reader.things) == all_of(reader.things.cached()) == all_of(reader.things.cached())

    @pytest.mark.parametrize("flushed", [False, True])
    def test_a_rollback_invalidates_nothing(self, store: ThingStore, flushed: bool) -> None:
        """C10: after a definite rollback everything is a hit as before."""
        warm(store)
        before = outcomes(store, "invalidation")
        with pytest.raises(LookupError), store.unit_of_work() as uow:
            uow.things.get(2).number = 100
            uow.things.add(Thing(id=9))
            if flushed:
                uow.flush()
            raise LookupError
        with observed(store) as asked:
            read(store, all_of)

        assert {} == asked
        assert before == outcomes(store, "invalidation")

    @pytest.mark.filterwarnings("ignore::tristore.errors.LargeUnitWarning")
    @pytest.mark.parametrize(("number", "expected"), [(1_000, {}), (1_001, {"find things": 1})])
    def test_many_ids_are_one_collection(self, store: ThingStore, number: int, expected: dict[str, int]) -> None:
        """C10: up to 1,000 entities are invalidated one by one, more of them with everything in the collection."""
        warm(store)
        with store.unit_of_work() as uow:
            uow.things.add_many([Thing(id=1_000 + n) for n in range(number)])
        with observed(store) as asked:
            assert 1 == number_of(store, 1)

        assert expected == asked
        assert 5 + number == read(store, lambda t: t.count())

    def test_it_is_done_before_the_commit_returns(self, store: ThingStore) -> None:
        """C10: whoever is told of the commit, in whichever thread, reads what was committed."""
        warm(store)
        seen: list[int] = []
        with store.unit_of_work() as uow:
            uow.things.get(2).number = 100
            uow.after_commit(lambda: seen.append(elsewhere(lambda: number_of(store, 2))))

        assert [100] == seen

    def test_a_reader_just_before_the_commit_keeps_nothing_old(self, store: ThingStore) -> None:
        """C10: invalidating before the commit would let a reader in between keep the old value under the new token."""
        warm(store)

        def around(operation: Operation, call: Callable[[], Any]) -> Any:
            if operation.name == "commit":
                assert 2 == elsewhere(lambda: number_of(store, 2))
                assert 5 == elsewhere(lambda: read(store, lambda t: t.count()))
            return call()

        with observed(store, around):
            change(store, 2, number=100)

        assert 100 == number_of(store, 2)

    @pytest.mark.parametrize("ask", [lambda t: t.get(2), lambda t: t.get_many([2])[0], lambda t: t.first(sort="id")])
    def test_what_a_slow_reader_loaded_before_is_never_found(
        self, store: ThingStore, ask: Callable[[ThingQueries], Any]
    ) -> None:
        """C6: the tokens are read before the load, so that a commit between load and store leaves nothing stale."""
        met: list[int] = []

        def around(operation: Operation, call: Callable[[], Any]) -> Any:
            answer = call()
            if str(operation) == "find things" and operation.transaction is None and not met:
                met.append(1)
                elsewhere(lambda: WRITES["update_where in a unit"][0](store))
                elsewhere(lambda: change(store, 1, group="c"))
            return answer

        with observed(store, around):
            assert "a" == read(store, ask).group
        assert [1] == met

        assert "c" == read(store, ask).group

    def test_writes_outside_transactions(self, open_things: OpenThings) -> None:
        """C10: a unit without transactions invalidates with each of its writes, also where it fails in the end."""
        store = open_things(transactions="off")
        save(store, Thing(id=11, group="d", number=1))
        read(store, lambda t: [t.get(11), t.count(lambda t: t.group == "d")])
        with pytest.raises(LookupError), store.unit_of_work() as uow:
            uow.things.get(11).number = 100
            uow.things.add(Thing(id=12, group="d"))
            uow.flush()
            raise LookupError

        assert (100, 2) == (number_of(store, 11), read(store, lambda t: t.count(lambda t: t.group == "d")))

    @pytest.mark.parametrize("name", ["bulk_update", "update_where", "remove_where", "upsert"])
    def test_a_write_that_failed_may_have_been_applied(self, store: ThingStore, name: str) -> None:
        """C10: a bulk that got no answer invalidates all the same."""
        warm(store)

        def around(operation: Operation, call: Callable[[], Any]) -> Any:
            answer = call()
            if operation.name == "write":
                raise Unavailable("the answer was lost")
            return answer

        with observed(store, around), suppress(Unavailable):  # some calls report it by entity instead
            WRITES[name][0](store)

        with store.reader() as reader:
            assert all_of(reader.things) == all_of(reader.things.cached())

    def test_what_a_migration_wrote(self, open_things: OpenThings) -> None:
        """C10: entities that a run brought up to date are read in the version that is stored now."""
        store = open_things(documents=(RENAMED, NOTES))
        store_old(store, {"_id": 7, "amount": 3}, {"_id": 8, "amount": 4, "data": {}})
        before = read(store, lambda t: t.get_many([7, 8]))
        migrations = Migrations(store)
        assert migrations.run().ok
        assert 2 == migrations.add_field("things", "group").filled

        assert [(3, 1), (4, 1)] == [(one.number, one.version) for one in before]
        with store.reader() as reader:
            stored = [one.version for one in reader.things.get_many([7, 8])]
            assert [3, 3] == stored == [one.version for one in reader.things.cached().get_many([7, 8])]

    def test_what_a_reader_wrote_back(self, open_things: OpenThings) -> None:
        """C10: an old document is written back once; then the cache keeps what is stored."""
        store = open_things(documents=(evolve(RENAMED, write_back="on_read"), NOTES))
        store_old(store, {"_id": 7, "amount": 3})
        first, second = (read(store, lambda t: t.get(7)) for _ in range(2))
        with observed(store) as asked:
            third = read(store, lambda t: t.get(7))

        assert {} == asked
        assert [(3, 2)] * 3 == [(one.number, one.version) for one in (first, second, third)]

    def test_a_write_where_the_cache_is_switched_off(self, store: ThingStore) -> None:
        """C19: what is written in cache_disabled() is read anew afterwards."""
        warm(store)
        with cache_disabled():
            change(store, 2, number=100)
            assert 100 == number_of(store, 2)

        assert 100 == number_of(store, 2)

    def test_readers_and_writers_at_once(self, store: ThingStore) -> None:
        """C3: after each commit its own thread reads what it wrote, while others read and write beside it."""
        stop = threading.Event()

        def readers(seed: int) -> None:
            chance = random.Random(seed)
            while not stop.is_set():
                read(store, lambda t: (t.get(chance.randrange(1, 4)), t.populate([1, 2, 3], lambda n: n)))

        def writer(id: int) -> list[tuple[int, int]]:
            wrong = []
            for number in range(100, 115):
                change(store, id, number=number)
                seen = number_of(store, id), read(store, lambda t: t.get_many([id]))[0].number
                wrong += [(number, one) for one in seen if one != number]
            return wrong

        with ThreadPoolExecutor(5) as pool:
            reading = [pool.submit(readers, seed) for seed in range(2)]
            try:
                wrong = list(pool.map(writer, (1, 2, 3)))
            finally:
                stop.set()
            for one in reading:
                one.result()

        assert [[], [], []] == wrong


def fill(store: ThingStore) -> None:
    """Store the things and the note, unless they are there: a store in memory has its own data."""
    with store.reader() as reader:
        if reader.things.exists():
            return
    save(store, *(Thing(id=number, group="a" if number < 4 else "b", number=number) for number in range(1, 6)))
    save(store, Note(text="n"))


def warm(store: ThingStore) -> None:
    """Read everything through the cache."""
    read(store, all_of)
    with store.reader() as reader:
        reader.notes.cached().find()
