"""Subscriptions: each has its own progress, its own back-off and its own parked events, on every backend."""

from datetime import timedelta
from typing import Any

import pytest
from attrs import frozen

from contracts.billing import CustomerId, CustomerMoved
from contracts.stores import OpenBilling
from tristore import (
    ConfigurationError,
    Convert,
    Event,
    FixedClock,
    NotFound,
    PublishedEvent,
    Rename,
    SchemaStep,
    Unavailable,
    new_id,
)
from tristore.adapters.backend import Update, WritePlan
from tristore.operations import OutboxRelay, health_of

from ..outbox_base import (
    MINUTES,
    SECOND,
    Arrivals,
    BillingStore,
    Blocked,
    OutboxContract,
    add_mover,
    move,
    records,
)


@frozen(kw_only=True)
class Paid(Event, name="Paid"):
    """An invoice was paid: as it was first."""

    sum: str


@frozen(kw_only=True)
class PaidNow(Event, name="Paid"):
    """The same, in its form of today."""

    amount: int


PAID = PublishedEvent(
    PaidNow, schema_version=3, steps=[SchemaStep(2, Rename("sum", "amount")), SchemaStep(3, Convert("amount", int))]
)


class SubscriptionsContract(OutboxContract):
    """What one subscription does to the others: nothing."""

    @pytest.fixture
    def good(self) -> Arrivals:
        """A handler that takes everything."""
        return Arrivals()

    @pytest.fixture
    def bad(self) -> Arrivals:
        """A handler that fails where it is told to."""
        return Arrivals()

    @pytest.mark.parametrize("bad_first", [True, False])
    @pytest.mark.parametrize("error", [RuntimeError("no"), Unavailable("down")])
    def test_one_that_fails_starves_no_other(
        self, store: BillingStore, good: Arrivals, bad: Arrivals, bad_first: bool, error: Exception
    ) -> None:
        """Whatever is wrong, and in whichever order they were registered, later events of the entity included."""
        relay = OutboxRelay(store)
        bad.failing["ada/1"] = error
        for name in ("bad", "good") if bad_first else ("good", "bad"):
            relay.on(CustomerMoved, name, good if name == "good" else bad)
        ada = add_mover(store, "ada", "ada/1", "ada/2")
        move(store, ada, "ada/3")

        relay.run_once()

        assert (["ada/1", "ada/2", "ada/3"], []) == (good.cities, bad.cities)
        assert ["ada/1"] == bad.tried

    def test_each_keeps_the_order_of_an_entity(
        self, store: BillingStore, relay: OutboxRelay, clock: FixedClock, good: Arrivals, bad: Arrivals
    ) -> None:
        """What waits for its turn arrives behind what failed, and nobody gets anything twice."""
        relay.on(CustomerMoved, "bad", bad)
        relay.on(CustomerMoved, "good", good)
        bad.failing["ada/2"] = RuntimeError("not yet")
        ada = add_mover(store, "ada", "ada/1", "ada/2", "ada/3")
        add_mover(store, "bob", "bob/1")
        done = [relay.run_once()]
        move(store, ada, "ada/4")
        bad.failing.clear()
        clock.advance(SECOND)
        done.append(relay.run_once())

        assert {"ada/1", "bob/1"} == set(bad.cities[:2])
        assert ["ada/2", "ada/3", "ada/4"] == bad.cities[2:]
        assert ["ada/1", "ada/2", "ada/3", "ada/4"] == [city for city in good.cities if city != "bob/1"]
        assert [(2, 1), (3, 0)] == [(one.delivered, one.failed) for one in done]

    def test_each_waits_for_itself(
        self, store: BillingStore, relay: OutboxRelay, clock: FixedClock, good: Arrivals, bad: Arrivals
    ) -> None:
        """The attempts of one neither lengthen the wait of another nor count for it."""
        relay.on(CustomerMoved, "bad", bad)
        relay.on(CustomerMoved, "good", good)
        bad.failing["ada/1"] = RuntimeError("no")
        add_mover(store, "ada", "ada/1")
        for seconds in (0, 1, 2):
            clock.advance(timedelta(seconds=seconds))
            relay.run_once()
        late = Arrivals()
        late.failing["ada/1"] = RuntimeError("once")
        relay.on(CustomerMoved, "late", late)
        relay.run_once()
        late.failing.clear()
        clock.advance(SECOND)
        relay.run_once()

        assert (3, 1) == (len(bad.tried), len(good.tried))
        assert [2] == [one.attempt for one in late.deliveries]

    def test_parked_for_one(
        self, store: BillingStore, relay: OutboxRelay, clock: FixedClock, good: Arrivals, bad: Arrivals
    ) -> None:
        """An event is parked for the one that fails; lists, counts, health and a replay say which one it is."""
        relay.on(CustomerMoved, "bad", bad)
        relay.on(CustomerMoved, "good", good)
        bad.failing["ada/1"] = RuntimeError("no such city")
        add_mover(store, "ada", "ada/1", "ada/2")
        for _ in range(20):
            relay.run_once()
            clock.advance(MINUTES)
        (parked,) = relay.parked()
        backlog, health = relay.backlog(), health_of(store)
        bad.failing.clear()
        with pytest.raises(NotFound):
            relay.replay(parked.event_id, "nobody")
        relay.replay(parked.event_id, "bad")
        relay.run_once()

        counts = [(one.name, one.waiting, one.failing, one.parked) for one in backlog.subscriptions]
        assert ("bad", 20, "RuntimeError: no such city") == (parked.subscription, parked.attempts, parked.error)
        assert [("bad", 1, 0, 1), ("good", 0, 0, 0)] == counts
        assert any("1 events are parked, for bad (1)" in warning for warning in health.stores[0].warnings)
        seen = health.stores[0].backlog
        assert seen is not None
        assert ["bad"] == [one.name for one in seen.subscriptions]
        assert (["ada/1", "ada/2"], ["ada/1", "ada/2"]) == (bad.cities, good.cities)
        assert [] == relay.parked()
        assert {"done"} == {one["status"] for one in records(store)}

    @pytest.mark.parametrize("subscription", ["bad", None])
    def test_a_parked_event_can_be_given_up(
        self, store: BillingStore, clock: FixedClock, good: Arrivals, bad: Arrivals, subscription: str | None
    ) -> None:
        """What it held back goes on; it is done with, expires, and is given up once."""
        relay = OutboxRelay(store)
        relay.on(CustomerMoved, "bad", bad)
        relay.on(CustomerMoved, "good", good)
        bad.failing["ada/1"] = RuntimeError("never")
        add_mover(store, "ada", "ada/1", "ada/2")
        for _ in range(20):
            relay.run_once()
            clock.advance(MINUTES)
        (parked,) = relay.parked()
        relay.discard(parked.event_id, subscription)
        relay.run_once()

        assert (["ada/2"], ["ada/1", "ada/2"]) == (bad.cities, good.cities)
        assert (0, 0, []) == (relay.backlog().waiting, relay.backlog().parked, relay.parked())
        assert all("doneAt" in one for one in records(store))
        for wrong in (parked.event_id, new_id()):
            with pytest.raises(NotFound):
                relay.discard(wrong, subscription)

    def test_one_may_give_up_what_others_still_get(
        self, store: BillingStore, relay: OutboxRelay, clock: FixedClock, good: Arrivals, bad: Arrivals
    ) -> None:
        """Discarded for one subscription, an event waits for the others as before."""
        relay.on(CustomerMoved, "bad", bad)
        relay.on(CustomerMoved, "good", good)
        add_mover(store, "ada", "ada/1", "ada/2")
        first = min(records(store), key=lambda one: one["n"])

        relay.discard(first["_id"].binary.hex(), "bad")
        relay.run_once()

        assert (["ada/2"], ["ada/1", "ada/2"]) == (bad.cities, good.cities)

    def test_an_event_that_nobody_takes_can_be_given_up(self, store: BillingStore, relay: OutboxRelay) -> None:
        """It waits for a handler until then, and no longer."""
        taken: list[Event] = []
        with store.unit_of_work() as uow:
            uow.publish(Blocked(customer_id=CustomerId(new_id())))
        (record,) = records(store)
        relay.discard(record["_id"].binary.hex())
        relay.on(Blocked, "late", lambda event, delivery: taken.append(event))
        relay.run_once()
        given_up = len(taken), relay.backlog().waiting
        relay.replay(record["_id"].binary.hex())
        relay.run_once()

        assert ((0, 0), 1) == (given_up, len(taken))

    def test_one_that_is_added_later_begins_with_what_waits(
        self, store: BillingStore, relay: OutboxRelay, clock: FixedClock, good: Arrivals, bad: Arrivals
    ) -> None:
        """It gets what no relay is done with, in order, and nothing of what was delivered or parked before."""
        late = Arrivals()
        relay.on(CustomerMoved, "bad", bad)
        add_mover(store, "bob", "bob/1")
        bad.failing["ada/1"] = bad.failing["eve/1"] = RuntimeError("no")
        ada = add_mover(store, "ada", "ada/1", "ada/2")
        for _ in range(20):
            relay.run_once()
            clock.advance(MINUTES)
        add_mover(store, "eve", "eve/1", "eve/2")
        relay.run_once()

        relay.on(CustomerMoved, "late", late)
        move(store, ada, "ada/3")
        relay.run_once()
        bad.failing.clear()
        (parked,) = relay.parked()
        relay.replay(parked.event_id)
        clock.advance(SECOND)
        relay.run_once()

        assert ["ada/2", "ada/3"] == [city for city in late.cities if city.startswith("ada")]
        assert ["eve/1", "eve/2"] == [city for city in late.cities if city.startswith("eve")]
        assert 4 == len(late.cities)
        assert ["ada/1", "ada/2", "ada/3"] == [city for city in bad.cities if city.startswith("ada")]

    def test_names_are_only_names(self, store: BillingStore, relay: OutboxRelay, clock: FixedClock) -> None:
        """Dots, dollars and digits in the name of a subscription mean nothing."""
        names = ["a.b", "$gt", "0", "ü x", "a", "b"]
        handlers = {name: Arrivals() for name in names}
        for name, handler in handlers.items():
            handler.failing["ada/1"] = RuntimeError("not yet")
            relay.on(CustomerMoved, name, handler)
        add_mover(store, "ada", "ada/1")
        relay.run_once()
        for handler in handlers.values():
            handler.failing.clear()
        clock.advance(SECOND)
        relay.run_once()

        assert {name: ["ada/1"] for name in names} == {name: handler.cities for name, handler in handlers.items()}

    def test_records_from_before_subscriptions_had_progress(
        self, store: BillingStore, relay: OutboxRelay, clock: FixedClock, good: Arrivals, bad: Arrivals
    ) -> None:
        """Who had one is not given it again, and one that was parked as a whole can be replayed."""
        relay.on(CustomerMoved, "good", good)
        relay.on(CustomerMoved, "bad", bad)
        add_mover(store, "ada", "ada/1", "ada/2")
        first, _ = sorted(records(store), key=lambda one: one["n"])
        old = {"status": "parked", "attempts": 20, "error": "E", "delivered": ["good"], "rev": first["rev"] + 1}
        plan = WritePlan("tristore_outbox", "rev", updates=[Update(first["_id"], first["rev"], old)])
        store.backend.write(plan, transaction=None, timeout=5)
        relay.run_once()
        held = list(bad.cities)
        (parked,) = relay.parked()
        relay.replay(parked.event_id)
        relay.run_once()

        assert ([], "", 20, "E") == (held, parked.subscription, parked.attempts, parked.error)
        assert (["ada/2"], ["ada/1", "ada/2"]) == (good.cities, bad.cities)

    def test_old_forms_of_events_are_brought_up_to_date(self, open_billing: OpenBilling, url: str) -> None:
        """By steps, as documents are: handlers know the form of today alone."""
        store = open_billing(publishes=(PAID,))
        with store.unit_of_work() as uow:
            uow.publish(PaidNow(amount=7))
        (record,) = records(store)
        old: dict[str, Any] = {"payload": {"sum": "5"}, "rev": record["rev"] + 1}
        plan = WritePlan(
            "tristore_outbox", "rev", updates=[Update(record["_id"], record["rev"], old, ("schemaVersion",))]
        )
        store.backend.write(plan, transaction=None, timeout=5)
        with store.unit_of_work() as uow:
            uow.publish(PaidNow(amount=8))
        relay, taken = OutboxRelay(store), list[int]()
        relay.on(PaidNow, "log", lambda event, delivery: taken.append(event.amount))
        relay.run_once()

        assert 3 == record["schemaVersion"]
        assert [5, 8] == sorted(taken)

    def test_what_newer_code_wrote_waits(self, open_billing: OpenBilling) -> None:
        """A form that is not known here fails with the reason, and is not taken for another one."""
        store = open_billing(publishes=(PAID,))
        with store.unit_of_work() as uow:
            uow.publish(PaidNow(amount=7))
        (record,) = records(store)
        plan = WritePlan("tristore_outbox", "rev", updates=[Update(record["_id"], record["rev"], {"schemaVersion": 4})])
        store.backend.write(plan, transaction=None, timeout=5)
        relay, taken = OutboxRelay(store), list[int]()
        relay.on(PaidNow, "log", lambda event, delivery: taken.append(event.amount))

        assert (0, 1) == ((done := relay.run_once()).delivered, done.failed)
        (left,) = records(store)
        assert "newer code wrote it" in next(iter(left["progress"].values()))["error"]

    def test_wrong_steps_are_refused(self, open_billing: OpenBilling) -> None:
        """Steps of events are checked as those of documents are."""
        with pytest.raises(ConfigurationError, match="event Paid"):
            open_billing(publishes=(PublishedEvent(PaidNow, schema_version=2),)) and open_billing(
                publishes=(PublishedEvent(PaidNow, schema_version=2, steps=[SchemaStep(3)]),)
            )
