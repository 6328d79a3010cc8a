"""Many threads of one process that write one document: each has its turn, and none gives up."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from tristore.errors import DeadlineExceeded, RetryExhausted

from ..billing import BillingUnitOfWork, CustomerId, customer
from ..repository.repository_suite import BillingStore, save
from ..stores import BillingContract

WRITERS, EACH = 50, 4
ROUNDS = 3
WORK = 0.001
"""Seconds that each function takes between its reading and its writing."""


def crowd(store: BillingStore, work: Callable[[], None]) -> float:
    """Let many threads do some work several times, all at once; return the seconds it took."""
    start = threading.Barrier(WRITERS + 1)

    def go() -> None:
        with store.unit_of_work() as uow:
            uow.customers.count()
            start.wait(30)  # every thread has its connection
        for _ in range(EACH):
            work()

    with ThreadPoolExecutor(WRITERS) as pool:
        threads = [pool.submit(go) for _ in range(WRITERS)]
        start.wait(30)
        began = time.monotonic()
        for thread in threads:
            thread.result(60)
    return time.monotonic() - began


class CrowdContract(BillingContract):
    """Attempts that conflict over the same document queue."""

    def test_a_crowd_at_one_document(self, store: BillingStore) -> None:
        """U5: 50 writers: nobody gives up, nothing is lost, and it takes about as long as one thread with all of it."""
        ada, bob = customer("ada@example.org"), customer("bob@example.org")
        save(store, ada, bob)

        def bump(id: CustomerId) -> None:
            def work(uow: BillingUnitOfWork) -> None:
                found = uow.customers.get(id)
                found.credits += 1
                time.sleep(WORK)

            store.run(work)

        ratios = []
        for _ in range(ROUNDS):
            together = crowd(store, lambda: bump(ada.id))
            began = time.monotonic()
            for _ in range(WRITERS * EACH):
                bump(bob.id)
            ratios.append(together / (time.monotonic() - began))
            print(f"{WRITERS} writers of one document: {ratios[-1]:.2f} times the time of one thread")
            if ratios[-1] <= 1.5:
                break

        assert min(ratios) <= 1.5
        with store.reader() as billing:
            assert WRITERS * EACH * len(ratios) == billing.customers.get(ada.id).credits

    @pytest.mark.parametrize("way", ["find", "attempts", "update_where", "key"])
    def test_a_crowd_on_other_ways(self, store: BillingStore, way: str) -> None:
        """U5: whatever the first operation is, and inline too, nobody gives up."""
        ada = customer()
        save(store, ada)

        def by_rule(uow: BillingUnitOfWork) -> None:
            uow.customers.find(lambda c: c.id == ada.id)[0].credits += 1

        def with_one_command(uow: BillingUnitOfWork) -> None:
            uow.customers.update_where(lambda c: c.id == ada.id, increment={"credits": 1})

        def inline() -> None:
            for attempt in store.attempts():
                with attempt as uow:
                    by_rule(uow)

        ways: dict[str, Callable[[], None]] = {
            "find": lambda: store.run(by_rule),
            "attempts": inline,
            "update_where": lambda: store.run(with_one_command),
            "key": lambda: store.run(by_rule, key="the same for all"),
        }
        crowd(store, ways[way])

        with store.reader() as billing:
            assert (1 if way == "key" else WRITERS * EACH) == billing.customers.get(ada.id).credits

    def test_the_deadline_is_the_bound(self, store: BillingStore) -> None:
        """U5: without a count of attempts it alone ends the waiting, for a turn as for the next attempt."""
        ada = customer()
        save(store, ada)
        entered, leave = threading.Event(), threading.Event()

        def hold(uow: BillingUnitOfWork) -> None:
            uow.customers.get(ada.id).credits += 1
            uow.flush()
            entered.set()
            assert leave.wait(30)

        calls: list[int] = []

        def touch(uow: BillingUnitOfWork) -> None:
            calls.append(1)
            uow.customers.get(ada.id).credits += 1

        with ThreadPoolExecutor(4) as pool:
            holder = pool.submit(store.run, hold, deadline=30)
            assert entered.wait(10)
            waiting = [pool.submit(store.run, touch, deadline=0.4) for _ in range(3)]
            errors = [one.exception(10) for one in waiting]
            leave.set()
            holder.result(10)

        # whoever is in the midst of an operation then is told by it, whoever waits by the end of the attempts
        assert all(isinstance(error, RetryExhausted | DeadlineExceeded) for error in errors), errors
        store.run(touch, deadline=5)  # nobody has kept a turn

    def test_who_fails_passes_the_turn_on(self, store: BillingStore) -> None:
        """U5: an error of the function's own, in the attempt that has the turn, lets the others go on."""
        ada = customer()
        save(store, ada)
        attempts = threading.local()

        def touch(uow: BillingUnitOfWork) -> None:
            attempts.number = getattr(attempts, "number", 0) + 1
            found = uow.customers.get(ada.id)
            if attempts.number > 1:
                raise ValueError("no")
            found.credits += 1
            time.sleep(WORK)

        def work() -> None:
            attempts.number = 0
            try:
                store.run(touch, deadline=20)
            except ValueError:
                failed.append(1)

        failed: list[int] = []
        crowd(store, work)

        with store.reader() as billing:
            assert WRITERS * EACH == billing.customers.get(ada.id).credits + len(failed)
