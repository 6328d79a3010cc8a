"""The outbox: which events become records, with what, and in which order, on every backend."""

import pytest

from tristore import ConfigurationError, Event, FixedClock, UnitOfWork
from tristore.errors import CrossStore, UnitOfWorkError, WriteConflict
from tristore.operations import OutboxRelay, UnitOfWorkListener

from ..billing import BillingUnitOfWork, Customer, CustomerMoved, customer
from ..stores import OpenBilling, elsewhere
from .outbox_base import (
    SECOND,
    Arrivals,
    BillingStore,
    Blocked,
    FarAway,
    OutboxContract,
    add_mover,
    arrived,
    move,
    record_in,
    records,
)


class OutboxRecordsContract(OutboxContract):
    """What a unit of work leaves in the outbox."""

    def test_a_recorded_event_is_stored_with_its_change(self, store: BillingStore, clock: FixedClock) -> None:
        """X2: the record says what happened to which version of whom, and has still to be delivered."""
        ada = add_mover(store, "ada", "Oslo")
        move(store, ada, "Rome")

        found = sorted(records(store), key=lambda one: one["version"])

        assert [("Oslo", 1), ("Rome", 2)] == [(one["payload"]["city"], one["version"]) for one in found]
        assert {("Customer", ada.id, "CustomerMoved", "new", 0)} == {
            (one["aggregateType"], str(one["aggregateId"]), one["type"], one["status"], one["attempts"])
            for one in found
        }
        assert 1 == len({one["lane"] for one in found})
        assert [clock.now().replace(tzinfo=None)] * 2 == [one["createdAt"] for one in found]

    def test_a_rolled_back_unit_leaves_no_record(self, store: BillingStore) -> None:
        """X1: what did not happen is not told."""
        with store.unit_of_work() as billing:
            ada = customer()
            billing.customers.add(ada)
            ada.move("Oslo")
            billing.flush()
            billing.rollback()

        assert [] == records(store)

    def test_three_attempts_leave_one_record(self, store: BillingStore) -> None:
        """X2: a unit that was run again publishes its events once."""
        ada, calls = add_mover(store, "ada"), []

        def body(billing: BillingUnitOfWork) -> None:
            billing.customers.get(ada.id).move("Oslo")
            billing.publish(Blocked(customer_id=ada.id))
            billing.flush()
            calls.append(billing.id)
            if len(calls) < 3:
                raise WriteConflict

        store.run(body)

        assert 3 == len(calls)
        assert ["Blocked", "CustomerMoved"] == sorted(one["type"] for one in records(store))

    def test_an_event_without_a_change_takes_a_version_step(self, store: BillingStore) -> None:
        """X4: whoever only records an event is serialised with those who change the entity."""
        ada = add_mover(store, "ada")
        with store.unit_of_work() as billing:
            billing.customers.get(ada.id).record(CustomerMoved(city="nowhere"))

        with store.reader() as billing:
            version = billing.customers.get(ada.id).version
        assert [2] == [one["version"] for one in records(store)]
        assert 2 == version

    def test_an_event_can_be_published_about_an_entity(self, store: BillingStore) -> None:
        """X2: publish() keeps its place among the recorded events, and gives the entity its version step."""
        ada = add_mover(store, "ada")
        with store.unit_of_work() as billing:
            found = billing.customers.get(ada.id)
            billing.publish(CustomerMoved(city="1"), about=found)
            found.record(CustomerMoved(city="2"))
            billing.publish(CustomerMoved(city="3"), about=found)

        stored = sorted(records(store), key=lambda one: one["n"])
        assert [("1", 2), ("2", 2), ("3", 2)] == [(one["payload"]["city"], one["version"]) for one in stored]

    def test_an_event_can_be_about_nothing(self, store: BillingStore, relay: OutboxRelay) -> None:
        """X2: an event without an entity travels alone."""
        arrivals = Arrivals()
        relay.on(CustomerMoved, "log", arrivals)
        with store.unit_of_work() as billing:
            billing.publish(CustomerMoved(city="Oslo"))

        relay.run_once()

        (delivery,) = arrivals.deliveries
        assert ("", "", 0) == (delivery.aggregate_type, delivery.aggregate_id, delivery.version)

    def test_subscribers_hear_of_published_events_too(self, store: BillingStore) -> None:
        """U17: an event that travels is also told in this process, once, after the commit."""
        heard: list[Event] = []
        store.subscribe(Event, heard.append)

        with store.unit_of_work() as billing:
            billing.publish(CustomerMoved(city="Oslo"))
            told_early = list(heard)

        assert [] == told_early
        assert [CustomerMoved(city="Oslo")] == heard

    def test_what_a_listener_records_late_travels_too(self, store: BillingStore) -> None:
        """U17: a listener may record events until the commit, also of entities that nobody changed."""
        ada = add_mover(store, "ada")

        class Late(UnitOfWorkListener):
            def before_commit(self, uow: UnitOfWork) -> None:
                assert isinstance(uow, BillingUnitOfWork)
                uow.customers.get(ada.id).record(CustomerMoved(city="late"))

        store.listen(Late())
        with store.unit_of_work() as billing:
            billing.customers.get(ada.id)

        assert [("late", 2)] == [(one["payload"]["city"], one["version"]) for one in records(store)]

    def test_only_named_classes_are_published(self, store: BillingStore, open_billing: OpenBilling) -> None:
        """X1: another class, a subclass that would lose fields, a store that publishes nothing, and an entity of
        another unit are refused."""
        stranger = customer("stranger@example.org")

        class Unnamed(Event):
            """Not published."""

        with pytest.raises(UnitOfWorkError, match="Unnamed"), store.unit_of_work() as billing:
            billing.publish(Unnamed())
        with pytest.raises(UnitOfWorkError, match="FarAway"), store.unit_of_work() as billing:
            ada = customer()
            billing.customers.add(ada)
            ada.record(FarAway(city="Oslo", country="Norway"))
        with pytest.raises(UnitOfWorkError, match="publishes no events"), open_billing().unit_of_work() as billing:
            billing.publish(CustomerMoved(city="Oslo"))
        with pytest.raises(CrossStore), store.unit_of_work() as billing:
            billing.publish(CustomerMoved(city="Oslo"), about=stranger)

        assert [] == records(store)

    def test_wrong_declarations_are_refused(self, store: BillingStore, open_billing: OpenBilling) -> None:
        """What cannot be published, delivered or subscribed to is a ConfigurationError."""

        class Strange(Event):
            """Has the name of another one."""

            name = "CustomerMoved"

        relay = OutboxRelay(store)
        relay.on(CustomerMoved, "log", Arrivals())

        with pytest.raises(ConfigurationError, match="classes of events"):
            open_billing(publishes=(Customer,))
        with pytest.raises(ConfigurationError, match="CustomerMoved"):
            open_billing(publishes=(CustomerMoved, Strange))
        with pytest.raises(ConfigurationError, match="publishes no events"):
            OutboxRelay(open_billing())
        with pytest.raises(ConfigurationError, match="does not publish"):
            relay.on(Strange, "log", lambda event, delivery: None)
        with pytest.raises(ConfigurationError, match="taken"):
            relay.on(CustomerMoved, "log", Arrivals())
        with pytest.raises(ConfigurationError, match="no transactions"):
            relay.into(CustomerMoved, "effect", open_billing(transactions="off"), record_in)

    def test_commits_out_of_order_are_all_delivered(self, store: BillingStore, relay: OutboxRelay) -> None:
        """X3, T23: a unit that began first and commits last is not skipped."""
        arrivals = Arrivals()
        relay.on(CustomerMoved, "log", arrivals)
        with store.unit_of_work() as early:
            ada = customer("early@example.org")
            early.customers.add(ada)
            ada.move("early")
            early.flush()
            elsewhere(lambda: add_mover(store, "late", "late"))
            elsewhere(relay.run_once)
            first = list(arrivals.cities)

        relay.run_once()

        assert ["late"] == first
        assert ["late", "early"] == arrivals.cities

    def test_an_aggregate_that_comes_back_keeps_its_order(
        self, store: BillingStore, relay: OutboxRelay, clock: FixedClock
    ) -> None:
        """X2: removed and added again under its id, an entity's events stay in the order of their commits."""
        arrivals = Arrivals()
        relay.on(CustomerMoved, "log", arrivals)
        ada = add_mover(store, "ada", "1")
        move(store, ada, "2")
        for cities in (("3", "4"), ("6", "7")):
            with store.unit_of_work() as billing:
                found = billing.customers.get(ada.id)
                found.record(CustomerMoved(city=cities[0]))
                billing.customers.remove(found)
            again = customer(id=ada.id)
            with store.unit_of_work() as billing:
                billing.customers.add(again)
                again.move(cities[1])
            move(store, ada, str(int(cities[1]) + 1))

        relay.run_once()

        assert list("12345678") == arrivals.cities

    def test_an_aggregate_that_comes_back_in_one_unit_keeps_its_order(
        self, store: BillingStore, relay: OutboxRelay
    ) -> None:
        """X2: also where one unit removes it and adds it again."""
        arrivals = Arrivals()
        relay.on(CustomerMoved, "log", arrivals)
        ada = add_mover(store, "ada", "1")
        move(store, ada, "2")
        with store.unit_of_work() as billing:
            found = billing.customers.get(ada.id)
            billing.publish(CustomerMoved(city="3"), about=found)
            billing.customers.remove(found)
            billing.flush()
            again = customer(id=ada.id)
            billing.customers.add(again)
            again.move("4")

        relay.run_once()

        assert list("1234") == arrivals.cities

    def test_a_store_without_transactions_publishes_too(
        self, open_billing: OpenBilling, other: BillingStore, clock: FixedClock
    ) -> None:
        """U19: with transactions off, records are written after the change, and relays work."""
        store = open_billing(publishes=(CustomerMoved,), transactions="off")
        relay, arrivals = OutboxRelay(store), Arrivals()
        relay.on(CustomerMoved, "log", arrivals)
        relay.into(CustomerMoved, "effect", other, record_in)
        arrivals.failing["ada/1"] = RuntimeError("not yet")
        add_mover(store, "ada", "ada/1", "ada/2")

        first = relay.run_once()
        arrivals.failing.clear()
        clock.advance(SECOND)
        second = relay.run_once()

        assert [(0, 1), (2, 0)] == [(one.delivered, one.failed) for one in (first, second)]
        assert {"ada": ["1", "2"]} == arrived(other)
