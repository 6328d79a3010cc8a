"""Many entities by one call inside a unit of work: its transaction, its identity map, its versions."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from tristore import NEVER, BulkResult, DuplicateKey, FixedClock, VersionConflict
from tristore.adapters.backend import Query
from tristore.errors import TooLarge, UnitOfWorkError, WriteConflict

from ..billing import CustomerMoved, Invoice, customer
from ..stores import OpenBilling, elsewhere
from .counters import Numbers, NumbersContract, NumberStore, Order, OrderRepository, add, counter
from .repository_suite import BillingStore, save


class BulkUnitContract(NumbersContract):
    """The same calls in a unit: all or nothing, and every object that is known stays true."""

    def test_all_are_added_or_none(self, numbers: NumberStore, clock: FixedClock) -> None:
        """add_many writes inside the transaction; versions and times come with the commit."""
        new = [counter("a"), counter("b")]
        with numbers.unit_of_work() as uow:
            result = uow.counters.add_many(one for one in new)
            seen = [one.version for one in new]
            assert new[0] is uow.counters.get(new[0].id)
            new[1].plain = 3
        again = [counter("c"), counter("a")]
        with pytest.raises(DuplicateKey), numbers.unit_of_work() as uow:
            uow.counters.add_many(again)
        with numbers.reader() as reader:
            stored = reader.counters.find(sort="name")

        assert (BulkResult(inserted=2), [0, 0]) == (result, seen)
        assert [("a", 1, 0), ("b", 1, 3)] == [(one.name, one.version, one.plain) for one in stored]
        assert [(1, clock.now())] * 2 == [(one.version, one.created_at) for one in new]
        assert [(0, NEVER)] * 2 == [(one.version, one.created_at) for one in again]

    def test_hooks_run(self, numbers: NumberStore) -> None:
        """before_save runs for each entity and rolls back with its error; after_commit runs once, after the commit."""
        with numbers.unit_of_work() as uow:
            uow.orders.add_many([Order(number="1"), Order(number="2")])
            assert [] == OrderRepository.committed
        with pytest.raises(ValueError, match="refused"), numbers.unit_of_work() as uow:
            uow.orders.add_many([Order(number="3"), Order(number="4", note="refused")])
        with numbers.reader() as reader:
            saved = [(one.number, one.saved) for one in reader.orders.find(sort="number")]

        assert [("1", ["new"]), ("2", ["new"])] == saved
        assert ["1", "2"] == OrderRepository.committed

    def test_edited_entities_join_the_unit(self, numbers: NumberStore) -> None:
        """bulk_update saves what was edited elsewhere: one step for each, also where nothing differs."""
        add(numbers, counter("a"), counter("b"))
        with numbers.reader() as reader:
            one, two = reader.counters.find(sort="name")
        one.plain = 1
        with numbers.unit_of_work() as uow:
            result = uow.counters.bulk_update([one, two, one])
            assert one is uow.counters.get(one.id)
        with numbers.reader() as reader:
            stored = reader.counters.find(sort="name")

        assert BulkResult(matched=2, modified=2) == result
        assert [(1, 2), (0, 2)] == [(found.plain, found.version) for found in stored]
        assert (2, 2) == (one.version, two.version)

    def test_all_that_moved_on_are_named(self, numbers: NumberStore) -> None:
        """The VersionConflict names each of them, and nothing is written."""
        add(numbers, *(counter(name) for name in "abc"))
        with numbers.reader() as reader:
            loaded = reader.counters.find(sort="name")
        with numbers.unit_of_work() as uow:
            uow.counters.get(loaded[0].id).plain = 5
            uow.counters.remove(uow.counters.get(loaded[1].id))
        loaded[2].plain = 9
        with pytest.raises(VersionConflict) as error, numbers.unit_of_work() as uow:
            uow.counters.bulk_update(loaded)
        with pytest.raises(UnitOfWorkError, match="was never stored: add_many"), numbers.unit_of_work() as uow:
            uow.counters.bulk_update([counter("new")])
        with numbers.unit_of_work() as uow, pytest.raises(UnitOfWorkError, match="another object"):
            uow.counters.get(loaded[2].id)
            uow.counters.bulk_update([loaded[2]])
        with numbers.reader() as reader:
            assert [5, 0] == [one.plain for one in reader.counters.find(sort="name")]

        assert [(loaded[0].id, 2), (loaded[1].id, None)] == [(one.id, one.actual) for one in error.value.stale]

    def test_pending_changes_are_seen(self, numbers: NumberStore) -> None:
        """update_where first writes what the unit has changed, so that its rule sees it, whatever autoflush says."""
        add(numbers, counter("a"))
        with numbers.unit_of_work(autoflush=False) as uow:
            (one,) = uow.counters.find()
            one.plain = 7
            uow.counters.add(counter("b", plain=7))
            result = uow.counters.update_where(lambda c: c.plain == 7, increment={"plain": 1})

        assert 2 == result.matched
        with numbers.reader() as reader:
            assert [8, 8] == [found.plain for found in reader.counters.find()]

    def test_known_entities_are_brought_up_to_date(self, numbers: NumberStore, clock: FixedClock) -> None:
        """Objects of the unit get the new values at once and their versions with the commit; later edits are saved."""
        add(numbers, counter("a", tags=["x"]), counter("b"))
        clock.advance(timedelta(seconds=1))
        with numbers.unit_of_work() as uow:
            one, two = uow.counters.find(sort="name")
            uow.counters.update_where(lambda c: c.name == "a", set={"tags": ["y"]}, increment={"plain": 2})
            seen = (one.plain, one.tags, one.version, two.plain)
            one.plain += 1
            one.tags.append("z")
        with numbers.reader() as reader:
            stored = reader.counters.find(sort="name")

        assert (2, ["y", "z"], 1, 0) == seen
        assert (3, ["y", "z"], 2) == (stored[0].plain, stored[0].tags, stored[0].version)
        assert (2, clock.now(), 1) == (one.version, one.updated_at, two.version)

    def test_removed_entities_are_gone(self, numbers: NumberStore) -> None:
        """Objects of the unit that were removed are gone for it, and can be added again."""
        add(numbers, counter("a"), counter("b"))
        with numbers.unit_of_work() as uow:
            one, two = uow.counters.find(sort="name")
            result = uow.counters.remove_where(lambda c: c.name == "a")
            one.plain = 5
            assert [two] == uow.counters.find()
            assert uow.counters.first(lambda c: c.id == one.id) is None
        assert (1, 0, 1) == (result.removed, one.version, two.version)
        with numbers.unit_of_work() as uow:
            uow.counters.add(one)
        with numbers.reader() as reader:
            assert ["a", "b"] == [found.name for found in reader.counters.find(sort="name")]

    def test_a_rollback_takes_all_of_it_back(self, numbers: NumberStore) -> None:
        """After a rollback nothing of it is stored."""
        add(numbers, counter("a"))
        with numbers.unit_of_work() as uow:
            uow.counters.update_where(None, increment={"plain": 1})
            uow.counters.add_many([counter("b")])
            uow.counters.remove_where(lambda c: c.name == "a")
            uow.rollback()
        with numbers.reader() as reader:
            assert [("a", 0, 1)] == [(one.name, one.plain, one.version) for one in reader.counters.find()]

    def test_another_writer_is_a_conflict(self, numbers: NumberStore) -> None:
        """U12: what another writer changed since the snapshot cannot be changed: WriteConflict, and run() repeats."""
        add(numbers, counter("a"))
        attempts: list[int] = []

        def meddle() -> None:
            with numbers.bulk() as bulk:
                bulk.counters.update_where(None, increment={"plain": 10})

        def work(uow: Numbers) -> None:
            attempts.append(uow.counters.count())
            if len(attempts) <= 2:
                elsewhere(meddle)
            uow.counters.update_where(None, increment={"plain": 1})

        with pytest.raises(WriteConflict), numbers.unit_of_work() as unit:
            work(unit)
        numbers.run(work)
        with numbers.reader() as reader:
            (found,) = reader.counters.find()

        assert (21, [1, 1, 1]) == (found.plain, attempts)

    def test_upsert_in_a_unit(self, numbers: NumberStore) -> None:
        """It adds, or gives the values to the object of the unit; all of it with the commit."""
        add(numbers, counter("a", plain=1))
        with numbers.unit_of_work() as uow:
            (known,) = uow.counters.find()
            updated = uow.counters.upsert(counter("a", plain=2), by="name")
            new = counter("b")
            added = uow.counters.upsert(new, by="name")
            again = uow.counters.upsert(counter("b", plain=3), by="name")
            same = uow.counters.upsert(new, by="name")
        with numbers.reader() as reader:
            stored = reader.counters.find(sort="name")

        assert updated is known
        assert all(one is new for one in (added, again, same))
        assert [("a", 2, 2), ("b", 3, 1)] == [(one.name, one.plain, one.version) for one in stored]
        assert (2, 1) == (known.version, new.version)

    def test_an_upsert_keeps_the_events(self, store: BillingStore) -> None:
        """What the given entity has recorded is delivered once, whether it is stored or gives its values away."""
        heard: list[str] = []
        store.subscribe(CustomerMoved, lambda event: heard.append(event.city))
        for open_it, city in ((store.unit_of_work, "Oslo"), (store.unit_of_work, "Rome"), (store.bulk, "Bern")):
            ada = customer()
            ada.move(city)
            with open_it() as uow:
                uow.customers.upsert(ada, by="email")
        with store.reader() as billing:
            (found,) = billing.customers.find()

        assert (["Oslo", "Rome", "Bern"], 3) == (heard, found.version)

    def test_limits_of_a_unit_hold(self, open_billing: OpenBilling) -> None:
        """U20: what is changed without being loaded counts, and too much of it rolls back."""
        store = open_billing(max_changes=3)
        with store.bulk() as bulk:
            bulk.customers.add_many(customer(f"{n}@example.org") for n in range(5))
        with pytest.raises(TooLarge, match="changes 5 entities and may change 3"), store.unit_of_work() as uow:
            uow.customers.update_where(None, set={"name": "x"})
        with store.reader() as billing:
            assert 0 == billing.customers.count(lambda c: c.name == "x")

    def test_receipts_tell_of_it(self, open_billing: OpenBilling) -> None:
        """U6: a unit that changed entities without loading them leaves its receipt like any other."""
        store = open_billing(receipts=True)
        save(store, customer())
        with store.unit_of_work() as uow:
            uow.customers.update_where(None, set={"name": "x"})
            unit_id = uow.id

        assert store.resolve(unit_id)

    def test_a_removed_life_keeps_its_events_in_front(self, open_billing: OpenBilling) -> None:
        """X2: records that wait for a removed entity move one era back, as after a single removal."""
        store = open_billing(publishes=[CustomerMoved])
        ada = customer()
        ada.move("London")
        save(store, ada)
        with store.unit_of_work() as uow:
            uow.invoices.add(Invoice(number="1", customer_id=ada.id))
            uow.publish(CustomerMoved(city="x"), about=uow.invoices.find()[0])
        with store.unit_of_work() as uow:
            assert 1 == uow.invoices.remove_where(None).removed

        assert {("Customer", 0), ("Invoice", -1)} == set(eras(store))


def eras(store: BillingStore) -> Iterator[tuple[str, int]]:
    """Whose records wait, and in which era."""
    for record in store.backend.find("tristore_outbox", Query(), transaction=None, timeout=5.0):
        yield record["aggregateType"], record["era"]
