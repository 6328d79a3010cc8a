"""Relays: order, leases, failures, and effects that happen once, on every backend."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from tristore import FixedClock, NotFound, Unavailable, new_id
from tristore.operations import Delivery, OutboxRelay

from ..billing import BillingUnitOfWork, CustomerId, CustomerMoved, customer
from .outbox_base import (
    MINUTES,
    SECOND,
    Arrivals,
    BillingStore,
    Blocked,
    OutboxContract,
    add_mover,
    arrived,
    ids_of_one_lane,
    move,
    record_in,
    records,
)


class RelayContract(OutboxContract):
    """What relays do."""

    def test_events_arrive_once_and_in_order(
        self, store: BillingStore, other: BillingStore, relay: OutboxRelay
    ) -> None:
        """X4, X5: every event has its effect once, those about one entity in the order of their commits."""
        arrivals = Arrivals()
        relay.on(CustomerMoved, "log", arrivals)
        relay.into(CustomerMoved, "effect", other, record_in)
        ada, bob = add_mover(store, "ada", "ada/1", "ada/2"), add_mover(store, "bob", "bob/1")
        move(store, ada, "ada/3")
        move(store, bob, "bob/2")

        done = [relay.run_once(), relay.run_once()]

        assert [(5, 0), (0, 0)] == [(one.delivered, one.failed) for one in done]
        assert {"ada": ["1", "2", "3"], "bob": ["1", "2"]} == arrived(other)
        assert {("Customer", ada.id, 2, 1)} == {
            (one.aggregate_type, one.aggregate_id, one.version, one.attempt)
            for city, one in zip(arrivals.cities, arrivals.deliveries, strict=True)
            if city == "ada/3"
        }
        assert {"done"} == {one["status"] for one in records(store)}

    def test_several_relays_share_the_work(self, store: BillingStore, other: BillingStore) -> None:
        """X4: four relays at once deliver each event's effect once, in the order of each aggregate."""
        movers = [add_mover(store, f"m{number}") for number in range(8)]
        stop = threading.Event()

        def deliver() -> None:
            relay = OutboxRelay(store)
            relay.into(CustomerMoved, "effect", other, record_in)
            relay.run(stop, poll=0.005)

        def publish(number: int) -> None:
            for step in range(6):
                move(store, movers[number], f"m{number}/{step}")

        with ThreadPoolExecutor(8) as pool:
            relays = [pool.submit(deliver) for _ in range(4)]
            try:
                list(pool.map(publish, range(8)))
                final = OutboxRelay(store)
                final.into(CustomerMoved, "effect", other, record_in)
                limit = threading.Event()
                for _ in range(400):
                    if final.backlog().waiting == 0:
                        break
                    limit.wait(0.05)
            finally:
                stop.set()
            for relay in relays:
                relay.result(timeout=30)

        assert {f"m{number}": list("012345") for number in range(8)} == arrived(other)

    def test_a_relay_that_slept_beyond_its_lease_is_fenced(
        self, store: BillingStore, other: BillingStore, clock: FixedClock
    ) -> None:
        """X4: what it did before is not doubled, it acknowledges nothing, and it stops."""
        sleepy, awake = OutboxRelay(store), OutboxRelay(store)
        taken: list[str] = []

        def effect(uow: BillingUnitOfWork, event: CustomerMoved) -> None:
            record_in(uow, event)

        def pause(event: CustomerMoved, delivery: Delivery) -> None:
            taken.append(event.city)
            clock.advance(timedelta(seconds=31))
            assert 2 == awake.run_once().delivered

        sleepy.into(CustomerMoved, "effect", other, effect)
        sleepy.on(CustomerMoved, "pause", pause)
        awake.into(CustomerMoved, "effect", other, effect)
        add_mover(store, "ada", "ada/1", "ada/2")

        done = sleepy.run_once()

        assert (0, 0) == (done.delivered, done.failed)
        assert ["ada/1"] == taken
        assert {"ada": ["1", "2"]} == arrived(other)
        assert [("done", 2), ("done", 2)] == [(one["status"], one["rev"]) for one in records(store)]

    def test_a_lease_is_kept_while_it_lasts(self, store: BillingStore, clock: FixedClock) -> None:
        """X4: before its lease is over, nobody else delivers from a relay's lane; afterwards it is free at once."""
        busy, idle = OutboxRelay(store), OutboxRelay(store)
        met = []

        def work(event: CustomerMoved, delivery: Delivery) -> None:
            clock.advance(timedelta(seconds=29))
            met.append(idle.run_once().delivered)

        busy.on(CustomerMoved, "work", work)
        idle.on(CustomerMoved, "work", lambda event, delivery: None)
        ada = add_mover(store, "ada", "1", "2", "3")
        done = busy.run_once()
        move(store, ada, "4")

        assert [0, 0, 0] == met
        assert (3, 1) == (done.delivered, idle.run_once().delivered)

    def test_a_slow_handler_keeps_its_lane(self, store: BillingStore) -> None:
        """X4: the lease is renewed at a third of it while a handler takes longer than the lease."""
        from tristore import SystemClock

        lease, met = timedelta(seconds=0.6), []
        busy, idle = (OutboxRelay(store, clock=SystemClock(), lease=lease) for _ in range(2))

        def work(event: CustomerMoved, delivery: Delivery) -> None:
            threading.Event().wait(1.2)
            met.append(idle.run_once().delivered)

        busy.on(CustomerMoved, "work", work)
        idle.on(CustomerMoved, "work", lambda event, delivery: None)
        add_mover(store, "ada", "1")

        assert 1 == busy.run_once().delivered
        assert [0] == met

    def test_a_failed_delivery_is_tried_again_later(
        self, store: BillingStore, relay: OutboxRelay, clock: FixedClock
    ) -> None:
        """X6: after 1 s, 2 s, 4 s and so on; later events of the entity wait, those of others do not."""
        arrivals = Arrivals()
        relay.on(CustomerMoved, "log", arrivals)
        arrivals.failing["ada/1"] = RuntimeError("not yet")
        add_mover(store, "ada", "ada/1", "ada/2")
        add_mover(store, "bob", "bob/1")

        tried = []
        for wait in (0, 0.999, 0.001, 1.999, 0.001):
            clock.advance(timedelta(seconds=wait))
            relay.run_once()
            tried.append(arrivals.tried.count("ada/1"))
        arrivals.failing.clear()
        clock.advance(timedelta(seconds=4))
        relay.run_once()

        assert [1, 1, 2, 2, 3] == tried
        assert ["bob/1", "ada/1", "ada/2"] == arrivals.cities
        assert 4 == arrivals.deliveries[1].attempt

    def test_poison_is_parked_and_can_be_replayed(
        self, store: BillingStore, relay: OutboxRelay, clock: FixedClock
    ) -> None:
        """X6: after 20 attempts a record is parked; it blocks only its aggregate, and a replay delivers all."""
        arrivals = Arrivals()
        relay.on(CustomerMoved, "log", arrivals)
        arrivals.failing["ada/1"] = RuntimeError("no such city")
        ada = add_mover(store, "ada", "ada/1", "ada/2")
        for _ in range(25):
            relay.run_once()
            clock.advance(MINUTES)
        add_mover(store, "bob", "bob/1")
        relay.run_once()
        (parked,) = relay.parked()
        blocked = list(arrivals.cities)
        arrivals.failing.clear()
        relay.replay(parked.event_id)
        relay.run_once()

        assert 21 == arrivals.tried.count("ada/1")
        assert (20, "RuntimeError: no such city", "Customer", ada.id) == (
            parked.attempts,
            parked.error,
            parked.aggregate_type,
            parked.aggregate_id,
        )
        assert ["bob/1"] == blocked
        assert ["bob/1", "ada/1", "ada/2"] == arrivals.cities
        assert [] == relay.parked()

    def test_what_was_delivered_can_be_replayed(
        self, store: BillingStore, other: BillingStore, relay: OutboxRelay
    ) -> None:
        """X5, X6: plain handlers get it again, an effect under the inbox key still happens once."""
        arrivals = Arrivals()
        relay.on(CustomerMoved, "log", arrivals)
        relay.into(CustomerMoved, "effect", other, record_in)
        add_mover(store, "ada", "ada/1")
        relay.run_once()

        relay.replay(arrivals.deliveries[0].event_id)
        relay.run_once()

        assert ["ada/1", "ada/1"] == arrivals.cities
        assert {"ada": ["1"]} == arrived(other)
        with pytest.raises(NotFound):
            relay.replay(new_id())

    def test_what_one_handler_has_done_is_not_done_again(
        self, store: BillingStore, relay: OutboxRelay, clock: FixedClock
    ) -> None:
        """X6: of several handlers, only the one that failed gets the event again."""
        first, second = Arrivals(), Arrivals()
        relay.on(CustomerMoved, "first", first)
        relay.on(CustomerMoved, "second", second)
        second.failing["ada/1"] = RuntimeError("not yet")
        add_mover(store, "ada", "ada/1")
        relay.run_once()
        second.failing.clear()
        clock.advance(SECOND)

        relay.run_once()

        assert (["ada/1"], ["ada/1"]) == (first.cities, second.cities)

    def test_a_receiver_that_is_down_parks_nothing(
        self, store: BillingStore, relay: OutboxRelay, clock: FixedClock
    ) -> None:
        """X6: one event finds out that a receiver is down, the others wait, and all arrive when it is back."""
        arrivals, healthy = Arrivals(), []
        relay.on(CustomerMoved, "log", arrivals)
        relay.on(Blocked, "healthy", lambda event, delivery: healthy.append(event))
        for name in ("ada", "bob", "cat"):
            arrivals.failing[name] = Unavailable("down")
            add_mover(store, name, name)
        blocked = Blocked(customer_id=CustomerId(new_id()), reason="a test")
        with store.unit_of_work() as billing:
            billing.publish(blocked)

        relay.run_once()
        tried_first = len(arrivals.tried)
        for _ in range(25):
            clock.advance(MINUTES)
            relay.run_once()
        parked = list(relay.parked())
        arrivals.failing.clear()
        clock.advance(2 * MINUTES)
        relay.run_once()

        assert (1, [], [blocked]) == (tried_first, parked, healthy)
        assert ["ada", "bob", "cat"] == sorted(arrivals.cities)

    def test_a_backlog_for_a_receiver_that_is_down_stops_no_others(
        self, store: BillingStore, relay: OutboxRelay, clock: FixedClock
    ) -> None:
        """X6: however many events of one class wait in a lane, those of other classes about other entities go on."""
        arrivals = Arrivals()
        taken: list[str] = []

        def down(event: Blocked, delivery: Delivery) -> None:
            raise Unavailable("down")

        relay.on(Blocked, "down", down)
        relay.on(CustomerMoved, "log", arrivals)
        crowd = [customer(f"c{number}@example.org", id=id) for number, id in enumerate(ids_of_one_lane(131))]
        with store.unit_of_work() as billing:
            for one in crowd:
                billing.customers.add(one)
                one.record(Blocked(customer_id=one.id) if one is not crowd[-1] else CustomerMoved(city="Oslo"))
        move(store, crowd[0], "behind")

        relay.run_once()

        assert {"Oslo", "behind"} == set(arrivals.cities)
        relay = OutboxRelay(store)
        relay.on(Blocked, "down", lambda event, delivery: taken.append(event.customer_id))
        relay.on(CustomerMoved, "log", arrivals)
        clock.advance(MINUTES)
        assert 130 == relay.run_once().delivered
        assert ({one.id for one in crowd[:-1]}, 2) == (set(taken), len(arrivals.cities))

    def test_events_without_a_handler_wait(self, store: BillingStore, relay: OutboxRelay) -> None:
        """X6: they block nobody, and arrive once somebody takes them."""
        arrivals, taken = Arrivals(), []
        relay.on(CustomerMoved, "log", arrivals)
        ada = add_mover(store, "ada")
        with store.unit_of_work() as billing:
            found = billing.customers.get(ada.id)
            found.record(Blocked(customer_id=ada.id))
            found.record(CustomerMoved(city="Oslo"))
        relay.run_once()
        backlog = relay.backlog()

        relay.on(Blocked, "late", lambda event, delivery: taken.append(event))
        relay.run_once()

        assert ["Oslo"] == arrivals.cities
        assert (1, 1) == (backlog.waiting, backlog.unhandled)
        assert [Blocked(customer_id=ada.id)] == taken

    def test_the_backlog_tells_what_is_left(self, store: BillingStore, relay: OutboxRelay, clock: FixedClock) -> None:
        """X6: how many wait, failed, are parked, and since when the oldest waits."""
        arrivals = Arrivals()
        relay.on(CustomerMoved, "log", arrivals)
        empty = relay.backlog()
        began = clock.now()
        arrivals.failing["ada/1"] = arrivals.failing["bob/1"] = RuntimeError("never")
        add_mover(store, "ada", "ada/1", "ada/2")
        for _ in range(20):
            relay.run_once()
            clock.advance(MINUTES)
        add_mover(store, "bob", "bob/1")
        add_mover(store, "cat", "cat/1")
        relay.run_once()

        backlog = relay.backlog()

        assert (0, 0, 0, 0, None) == (empty.waiting, empty.failing, empty.unhandled, empty.parked, empty.oldest)
        assert (2, 1, 0, 1, began) == (
            backlog.waiting,
            backlog.failing,
            backlog.unhandled,
            backlog.parked,
            backlog.oldest,
        )

    def test_eight_deliveries_at_once_have_one_effect(self, store: BillingStore, other: BillingStore) -> None:
        """X5: however many relays deliver one event at the same time, its effect happens once."""
        start = store.environment.clock.now()
        together, entered = threading.Barrier(8), threading.Semaphore(0)
        add_mover(store, "ada", "ada/1")

        def deliver(number: int) -> None:
            waited = []

            def effect(uow: BillingUnitOfWork, event: CustomerMoved) -> None:
                record_in(uow, event)

            def gather(event: CustomerMoved, delivery: Delivery) -> None:
                waited.append(delivery.event_id)
                entered.release()
                together.wait(20)

            # each thinks that the lease of the one before is over
            relay = OutboxRelay(store, clock=FixedClock(start + number * timedelta(seconds=31)))
            relay.on(CustomerMoved, f"gather {number}", gather)
            relay.into(CustomerMoved, "effect", other, effect)
            relay.run_once()
            assert 1 == len(waited)

        with ThreadPoolExecutor(8) as pool:
            running = []
            for number in range(8):
                running.append(pool.submit(deliver, number))
                assert entered.acquire(timeout=20)
            for one in running:
                one.result(timeout=60)

        assert {"ada": ["1"]} == arrived(other)
        assert ["done"] == [one["status"] for one in records(store)]
