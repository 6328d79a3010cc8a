"""Many entities by one call outside transactions, on every backend."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from tristore import (
    NEVER,
    BulkError,
    BulkResult,
    DuplicateKey,
    FixedClock,
    InvalidQuery,
    TristoreError,
    Unavailable,
    ValidationError,
    VersionConflict,
    open_store,
)
from tristore.adapters.backend import EVERYTHING, Modify, Query
from tristore.errors import NestedUnitOfWork, TooLarge, UnitOfWorkClosed, UnitOfWorkError
from tristore.testing import faults

from ..billing import CustomerMoved, customer
from ..stores import OpenBilling, elsewhere
from .counters import (
    NUMBERS,
    Branch,
    Noticed,
    Numbers,
    NumbersContract,
    NumberStore,
    Order,
    OrderRepository,
    Tree,
    counter,
)
from .repository_suite import BillingStore

CHUNK = 2_000
"""How many entities one command of a load writes at most."""


def told(result: BulkResult[Any]) -> list[tuple[int, str]]:
    """Positions and classes of the errors."""
    return [(one.position, type(one.error).__name__) for one in result.errors]


def deep(levels: int) -> Branch:
    """A branch of so many levels."""
    branch = Branch()
    for _ in range(levels):
        branch = Branch(branch)
    return branch


class BulkContract(NumbersContract):
    """`Store.bulk`: chunks, errors by entity, what a unit of work would have done for each."""

    def test_new_entities_are_stored_with_versions_and_times(self, numbers: NumberStore, clock: FixedClock) -> None:
        """After the call each entity has version 1 and its times, as after the commit of a unit, and is stored so."""
        new = [counter("a"), counter("b")]
        with numbers.bulk() as bulk:
            result = bulk.counters.add_many(new)
            stored = bulk.counters.find(sort="name")

        assert BulkResult(inserted=2) == result
        assert [(1, clock.now(), clock.now())] * 2 == [(one.version, one.created_at, one.updated_at) for one in new]
        assert [(1, clock.now(), clock.now())] * 2 == [(one.version, one.created_at, one.updated_at) for one in stored]

    def test_what_cannot_be_stored_does_not_stop_the_others(self, numbers: NumberStore) -> None:
        """Errors come with their entities and positions, in order; what failed is as it was."""
        wrong, large = counter("wrong"), counter("large")
        wrong.data["x"] = object()
        large.data["x"] = "x" * (17 * 1024 * 1024)
        again = counter("a")
        stored = counter("stored")
        with numbers.bulk() as bulk:
            bulk.counters.add_many([stored])
            given = [counter("a"), wrong, again, large, stored, counter("b")]
            result = bulk.counters.add_many(given)
            names = [one.name for one in bulk.counters.find(sort="name")]

        assert 2 == result.inserted
        assert [(1, "ValidationError"), (2, "DuplicateKey"), (3, "TooLarge"), (4, "UnitOfWorkError")] == told(result)
        assert [wrong, again, large, stored] == [one.entity for one in result.errors]
        duplicate = result.errors[1].error
        assert isinstance(duplicate, DuplicateKey)
        assert (("name",), again.id) == (duplicate.fields, duplicate.id)
        assert [(0, NEVER, NEVER)] * 3 == [(e.version, e.created_at, e.updated_at) for e in (wrong, again, large)]
        assert ["a", "b", "stored"] == names

    def test_only_the_server_knows(self, numbers: NumberStore) -> None:
        """An entity that the store refuses for its depth is told, and the others of its chunk are stored."""
        with numbers.bulk() as bulk:
            result = bulk.trees.add_many([Tree(), Tree(inner=deep(200)), Tree()])
            count = bulk.trees.count()

        assert ([(1, "ValidationError")], 2, 2) == (told(result), result.inserted, count)

    def test_any_iterable_is_read_chunk_by_chunk(self, numbers: NumberStore) -> None:
        """A generator is read as far as a chunk goes, and not again: what it gives is stored while it runs."""
        seen: list[int] = []

        def some(bulk: Numbers) -> Iterator[Order]:
            for number in range(CHUNK + 10):
                if number == CHUNK + 5:
                    seen.append(bulk.orders.count())
                yield Order(number=str(number))

        with numbers.bulk() as bulk:
            result = bulk.orders.add_many(some(bulk))

        assert ([CHUNK], CHUNK + 10) == (seen, result.inserted)

    def test_heavy_entities_make_small_chunks(self, numbers: NumberStore) -> None:
        """A chunk weighs about 8 MiB at most, however few entities that are."""
        seen: list[int] = []

        def some(bulk: Numbers) -> Iterator[Any]:
            for number in range(12):
                seen.append(bulk.counters.count())
                yield counter(str(number), data={"x": "x" * 1_000_000})

        with numbers.bulk() as bulk:
            bulk.counters.add_many(some(bulk))

        assert [0] * 9 + [9] * 3 == seen

    def test_a_number_of_errors_stops_the_call(self, numbers: NumberStore) -> None:
        """With max_errors the call ends when that many entities were refused, and says that it did not read all."""
        with numbers.bulk() as bulk:
            wrong = [Order(number=str(n), note="refused") for n in range(10)]
            read = iter([Order(number="x"), *wrong, Order(number="y")])
            result = bulk.orders.add_many(read, max_errors=3)
            rest = len(list(read))
            with pytest.raises(InvalidQuery, match="max_errors must be a whole number of at least 1"):
                bulk.orders.add_many([], max_errors=0)

        assert (1, 3, True, 8) == (result.inserted, len(result.errors), result.stopped, rest)

    def test_hooks_run_for_each_entity(self, numbers: NumberStore) -> None:
        """before_save sees each entity and may refuse it; after_commit hears of those that were written."""
        new, refused = Order(number="1"), Order(number="2", note="refused")
        with numbers.bulk() as bulk:
            result = bulk.orders.add_many([new, refused])
            (stored,) = bulk.orders.find()
            new.note = "edited"
            updated = bulk.orders.bulk_update([new])
            (edited,) = bulk.orders.find()

        assert ([(1, "ValueError")], 1, BulkResult(matched=1, modified=1)) == (
            told(result),
            result.inserted,
            updated,
        )
        assert (["new"], "edited") == (stored.saved, edited.note)
        assert "note" in edited.saved
        assert ["1", "1"] == OrderRepository.committed

    def test_a_faulty_hook_ends_the_call(self, numbers: NumberStore) -> None:
        """What is no refusal of an entity is raised, with what was written before said in a note."""
        with numbers.bulk() as bulk, pytest.raises(RuntimeError, match="a hook with a fault") as error:
            orders = [Order(number=str(number)) for number in range(CHUNK)]
            bulk.orders.add_many([*orders, Order(number="x", note="broken")])

        assert [f"before this, {CHUNK:,} Order entities were written"] == error.value.__notes__

    def test_entities_that_were_not_written_are_as_before(self, numbers: NumberStore) -> None:
        """When the call ends in the midst of a chunk, the times of those that wait in it are taken back."""
        first = Order(number="1")
        with numbers.bulk() as bulk, pytest.raises(RuntimeError, match="a hook with a fault"):
            bulk.orders.add_many([first, Order(number="x", note="broken")])
        with numbers.bulk() as bulk:
            assert 0 == bulk.orders.count()

        assert (NEVER, NEVER, 0) == (first.created_at, first.updated_at, first.version)

    def test_subscribers_hear_after_the_chunk(self, store: BillingStore) -> None:
        """Events that entities recorded reach subscribers once what they tell of is stored; those of others wait."""
        heard: list[tuple[str, int]] = []

        def hear(event: CustomerMoved) -> None:
            with store.reader() as billing:
                heard.append((event.city, billing.customers.count()))

        store.subscribe(CustomerMoved, hear)
        ada, again = customer(), customer()
        ada.move("London")
        again.move("Paris")
        with store.bulk() as bulk:
            bulk.customers.add_many([ada, again])

        assert ([("London", 1)], 0, 1) == (heard, len(ada.recorded_events), len(again.recorded_events))

    def test_published_events_are_refused(self, open_billing: OpenBilling) -> None:
        """An event that the store publishes needs the transaction of its entity: the call raises and names it."""
        store = open_billing(publishes=[CustomerMoved])
        ada = customer()
        ada.move("London")
        with store.bulk() as bulk:
            words = "CustomerMoved, which this store publishes in the transaction"
            for call in (bulk.customers.add_many, bulk.customers.bulk_update):
                with pytest.raises(InvalidQuery, match=words):
                    call([ada])
            with pytest.raises(InvalidQuery, match=words):
                bulk.customers.upsert(ada, by="email")
            assert NEVER == ada.created_at
            with pytest.raises(InvalidQuery, match=r"publishes events.*remove_where\(\) in a unit of work"):
                bulk.invoices.remove_where(None)
            assert 0 == bulk.customers.count()

    def test_events_that_a_hook_records(self, url: str) -> None:
        """An event that the store publishes is refused also where the hook of the entity has recorded it."""
        store = open_store(Numbers, url=url, documents=NUMBERS, prepare="create", publishes=[Noticed])
        with store.bulk() as bulk:
            with pytest.raises(InvalidQuery, match=r"Order .* has recorded Noticed"):
                bulk.orders.add_many([Order(number="1", note="noticed")])
            assert 0 == bulk.orders.count()
        store.close()

    def test_edited_entities_are_saved_by_version(self, numbers: NumberStore, clock: FixedClock) -> None:
        """Each takes one step of its version and a new time; None takes a field away; those that moved on are told."""
        one, two, three = counter("one", some=1), counter("two"), counter("three")
        with numbers.bulk() as bulk:
            bulk.counters.add_many([one, two, three])
            (moved,) = bulk.counters.find(lambda c: c.name == "two")
            moved.plain = 5
            bulk.counters.bulk_update([moved])
            elsewhere(lambda: _remove(numbers, three.id))
            clock.advance(timedelta(seconds=1))
            one.plain, one.some, two.plain = 7, None, 9
            result = bulk.counters.bulk_update([one, two, three, counter("never")])
            stored = {found.name: found for found in bulk.counters.find()}

        assert (1, 1) == (result.matched, result.modified)
        assert [(1, "VersionConflict"), (2, "VersionConflict"), (3, "UnitOfWorkError")] == told(result)
        assert [two, three] == [found.entity for found in result.errors[:2]]
        conflicts = [one.error.stale[0] for one in result.errors if isinstance(one.error, VersionConflict)]
        assert [(1, 2), (1, None)] == [(stale.expected, stale.actual) for stale in conflicts]
        assert (7, None, 2, clock.now()) == (
            stored["one"].plain,
            stored["one"].some,
            stored["one"].version,
            stored["one"].updated_at,
        )
        assert (2, clock.now(), 1) == (one.version, one.updated_at, two.version)
        assert (5, 2) == (stored["two"].plain, stored["two"].version)

    def test_the_same_entity_twice(self, numbers: NumberStore) -> None:
        """One object twice is saved twice; a second object of the same version has moved on."""
        one = counter("one")
        with numbers.bulk() as bulk:
            twice = bulk.counters.add_many([one, one])
            copy = bulk.counters.get(one.id)
            result = bulk.counters.bulk_update([one, one, copy])

        assert ([(1, "UnitOfWorkError")], 1) == (told(twice), twice.inserted)
        assert (2, 3, [(2, "VersionConflict")]) == (result.matched, one.version, told(result))

    def test_an_edit_that_takes_a_unique_value(self, numbers: NumberStore) -> None:
        """An update that takes another's unique value is told by position, and the others are written."""
        one, two, three = counter("one"), counter("two"), counter("three")
        with numbers.bulk() as bulk:
            bulk.counters.add_many([one, two, three])
            one.plain, two.name, three.plain = 1, "one", 3
            result = bulk.counters.bulk_update([one, two, three])

        assert ([(1, "DuplicateKey")], 2) == (told(result), result.matched)
        assert (2, 1, 2) == (one.version, two.version, three.version)

    def test_documents_keep_what_the_entity_does_not_know(self, numbers: NumberStore) -> None:
        """bulk_update sets the fields of the entity; a field that another program wrote stays."""
        one = counter("one")
        with numbers.bulk() as bulk:
            bulk.counters.add_many([one])
            foreign = Modify({"foreign": 1})
            numbers.backend.update_where("counters", EVERYTHING, foreign, transaction=None, timeout=5.0)
            one.plain = 4
            bulk.counters.bulk_update([one])
        (document,) = numbers.backend.find("counters", Query(), transaction=None, timeout=5.0).to_list()

        assert (1, 4, 2) == (document["foreign"], document["plain"], document["version"])

    def test_upsert_stores_or_updates(self, numbers: NumberStore, clock: FixedClock) -> None:
        """A new key stores the entity; a known one keeps id and created_at and takes over every other field."""
        one = counter("one", plain=1, tags=["a"])
        with numbers.bulk() as bulk:
            first = bulk.counters.upsert(one, by=("name",))
            clock.advance(timedelta(seconds=1))
            other = counter("one", plain=2, tags=["b"], some=3)
            second = bulk.counters.upsert(other, by="name")
            by_id = bulk.counters.upsert(counter("renamed", id=one.id), by="id")
            (stored,) = bulk.counters.find()

        assert first is one
        assert (one.id, one.created_at, 2, ["b"], 3, 2) == (
            second.id,
            second.created_at,
            second.plain,
            second.tags,
            second.some,
            second.version,
        )
        assert (0, clock.now()) == (other.version, second.updated_at)
        assert ("renamed", 3, one.id) == (by_id.name, by_id.version, by_id.id)
        assert ("renamed", 3, None) == (stored.name, stored.version, stored.some)

    def test_what_cannot_be_upserted(self, numbers: NumberStore) -> None:
        """A key that is not unique, a value that is None, a stored entity and a taken value are refused."""
        one, two = counter("one"), counter("two")
        with numbers.bulk() as bulk:
            bulk.counters.add_many([one, two])
            with pytest.raises(InvalidQuery, match="Counter has no unique key plain; it has id, name"):
                bulk.counters.upsert(counter("x"), by="plain")
            with pytest.raises(UnitOfWorkError, match=r"is stored already \(version 1\)"):
                bulk.counters.upsert(one, by="name")
            with pytest.raises(DuplicateKey):
                bulk.counters.upsert(counter("two", id=one.id), by="id")
            with pytest.raises(DuplicateKey):
                bulk.counters.upsert(counter("two"), by="id")
            with pytest.raises(ValidationError, match="fixed: never changes"):
                bulk.counters.upsert(counter("one", fixed="x"), by="name")

        assert {"one", "two"} == {one.name, two.name}

    def test_upsert_by_nothing(self, store: BillingStore) -> None:
        """A sparse key whose value is None tells nobody apart."""
        with store.bulk() as bulk, pytest.raises(InvalidQuery, match="nickname is None"):
            bulk.customers.upsert(customer(), by="nickname")

    def test_upserts_at_the_same_time(self, numbers: NumberStore) -> None:
        """Of callers that race for a new key one stores and the others update: one entity, one step for each."""
        with numbers.bulk() as bulk, ThreadPoolExecutor(6) as pool:
            racing = [pool.submit(bulk.counters.upsert, counter("same", plain=n), by="name") for n in range(6)]
            found = {future.result(60).id for future in racing}
            (stored,) = bulk.counters.find()

        assert ({stored.id}, 6) == (found, stored.version)

    def test_words_for_single_entities(self, numbers: NumberStore) -> None:
        """What needs tracking or a transaction is refused with the words to use instead."""
        one = counter()
        with numbers.bulk() as bulk:
            for call in (bulk.counters.add, bulk.counters.remove, bulk.counters.attach, bulk.counters.refresh):
                with pytest.raises(UnitOfWorkError, match=r"add_many\(\[entity\]\)"):
                    call(one)
            calls: tuple[Callable[[], object], ...] = (
                bulk.flush,
                bulk.commit,
                bulk.rollback,
                lambda: bulk.lock(one),
                lambda: bulk.after_commit(lambda: None),
                lambda: bulk.publish(CustomerMoved(city="x")),
            )
            for unit_call in calls:
                with pytest.raises(UnitOfWorkError, match="a bulk has no transaction"):
                    unit_call()

    def test_readers_refuse(self, store: BillingStore) -> None:
        """A reader writes nothing, in whatever number."""
        with store.reader() as reader:
            repository: Any = reader.customers
            with pytest.raises(UnitOfWorkError, match="a reader does not write"):
                repository.add_many([customer()])
            with pytest.raises(UnitOfWorkError, match="a reader does not write"):
                repository.update_where(None, set={"name": "x"})

    def test_only_inside_its_block(self, numbers: NumberStore) -> None:
        """It is entered once, and used nowhere else; nothing is read from what is given before that is known."""
        bulk = numbers.bulk()
        given = iter([counter()])
        with pytest.raises(UnitOfWorkClosed, match="this bulk is not open"):
            bulk.counters.add_many(given)
        with bulk:
            bulk.counters.count()
        with pytest.raises(UnitOfWorkClosed, match="a bulk is entered once"):
            bulk.__enter__()
        with pytest.raises(UnitOfWorkClosed, match="this bulk is not open"):
            bulk.counters.update_where(None, set={"plain": 1})

        assert 1 == len(list(given))

    def test_not_inside_a_unit_of_work(self, numbers: NumberStore) -> None:
        """U16: beside an open unit of the same store its writes would wait for each other: refused at once."""
        with numbers.unit_of_work(), pytest.raises(NestedUnitOfWork), numbers.bulk():
            pass
        with numbers.bulk() as bulk:
            with numbers.unit_of_work() as uow:
                uow.counters.add(counter("inside"))
                with pytest.raises(NestedUnitOfWork):
                    bulk.counters.add_many([counter("x")])
            assert 1 == bulk.counters.count()

    def test_what_is_given(self, numbers: NumberStore) -> None:
        """Something that holds no entities, and entities of another class, are refused with what was done before."""
        with numbers.bulk() as bulk:
            for wrong in (5, {"a": 1}, counter()):
                with pytest.raises(InvalidQuery, match="a list, a generator or the like of entities is needed"):
                    bulk.counters.add_many(wrong)  # type: ignore[arg-type]
            with pytest.raises(InvalidQuery, match="keeps Counter entities, not Order") as error:
                bulk.counters.add_many([counter(), Order(number="1")])  # type: ignore[list-item]

        assert BulkResult() == error.value.result

    def test_a_server_that_goes_away(self, open_billing: OpenBilling) -> None:
        """Unavailable says what was written before, and of which chunk nobody knows."""
        store = open_billing(name="bulk_faulty", settings={"heartbeatFrequencyMS": 500}, operation_timeout=1.0)
        store.open()
        new = (customer(f"{number}@example.org") for number in range(CHUNK + 5))
        gone = faults.ServerGone(on="write", at=2)
        with store.bulk() as bulk, faults.inject(store, gone) as injection, pytest.raises(Unavailable) as error:
            bulk.customers.add_many(new)

        assert ["write customers"] == injection.struck
        assert error.value.result is not None
        assert CHUNK == error.value.result.inserted
        assert f"position {CHUNK:,} to {CHUNK + 4:,} nobody knows" in error.value.__notes__[0]

    @pytest.mark.parametrize("fault", [faults.ConnectionClosed(on="write"), faults.StepDown(on="write")])
    def test_a_lost_connection_is_not_noticed_by_a_chunk(self, open_billing: OpenBilling, fault: faults.Fault) -> None:
        """The driver sends a chunk again by itself; a change of all that match it does not, for it may be half done."""
        store = open_billing(name="bulk_faulty", settings={"heartbeatFrequencyMS": 500})
        store.open()
        with store.bulk() as bulk:
            with faults.inject(store, fault):
                result = bulk.customers.add_many([customer(), customer("b@example.org")])
            with faults.inject(store, fault), pytest.raises(Unavailable) as error:
                bulk.customers.update_where(None, set={"name": "x"})

        assert 2 == result.inserted
        assert any("some of the entities may be changed" in note for note in error.value.__notes__)

    def test_stores_without_transactions(self, open_billing: OpenBilling) -> None:
        """Where units write without transactions, a bulk works the same."""
        store = open_billing(transactions="off")
        with store.bulk() as bulk:
            bulk.customers.add_many([customer("a@example.org"), customer("b@example.org")])
        with store.unit_of_work() as uow:
            assert 2 == uow.customers.update_where(None, increment={"credits": 1}).matched
        with pytest.raises(DuplicateKey) as error, store.unit_of_work() as uow:
            uow.customers.update_where(None, set={"nickname": "same"})

        assert any("without transactions, some of the entities" in note for note in error.value.__notes__)
        with store.bulk() as bulk:
            assert [1, 1] == [one.credits for one in bulk.customers.find()]

    def test_errors_are_plain_values(self) -> None:
        """Results compare and print; an error keeps its entity, position and cause."""
        one, why = counter(), TooLarge("too large")
        error = BulkError(one, 3, why)

        assert (one, 3, why) == (error.entity, error.position, error.error)
        assert BulkResult(inserted=1, errors=(error,)) == BulkResult(inserted=1, errors=(BulkError(one, 3, why),))
        assert TristoreError("x").result is None
        assert issubclass(VersionConflict, TristoreError)


def _remove(store: NumberStore, id: Any) -> None:
    with store.unit_of_work() as uow:
        uow.counters.remove(uow.counters.get(id))
