"""Two writers at the same data, on every backend: snapshots, conflicts, retries."""

import itertools
import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from tristore import Conflict, DomainError, DuplicateKey, VersionConflict
from tristore.errors import RetryExhausted, UnitOfWorkError, WriteConflict

from ..billing import BillingReader, BillingUnitOfWork, CustomerId, Invoice, customer
from ..repository.repository_suite import BillingStore, save
from ..stores import BillingContract, elsewhere
from .lifecycle_suite import in_its_own_context

ACCOUNTS, THREADS, TRANSFERS, OPENING = 10, 8, 50, 1000


class ConflictsContract(BillingContract):
    """First updater wins; run() repeats; nothing is lost."""

    def test_a_unit_sees_one_snapshot(self, store: BillingStore) -> None:
        """U2: what others commit after the first operation stays invisible."""
        save(store, customer("a@example.org"))
        with store.unit_of_work() as uow:
            before = uow.customers.count()
            elsewhere(lambda: save(store, customer("b@example.org")))
            after = uow.customers.count()

        assert (1, 1) == (before, after)

    def test_threads_of_a_snapshot_reader_see_one_moment(self, store: BillingStore) -> None:
        """U2: threads that share a snapshot reader and read first at the same time see the same."""
        ada = customer(credits=0)
        save(store, ada)
        stop = threading.Event()

        def write() -> None:
            while not stop.is_set():
                store.run(lambda uow: setattr(uow.customers.get(ada.id), "credits", next(numbers)))

        def read(billing: BillingReader, start: threading.Barrier) -> int:
            start.wait(10)
            return billing.customers.get(ada.id).credits

        numbers = itertools.count(1)
        with ThreadPoolExecutor(5) as pool:
            writer = pool.submit(write)
            for _ in range(25):
                start = threading.Barrier(4)
                with store.reader(snapshot=True) as billing:
                    seen = {found.result(30) for found in [pool.submit(read, billing, start) for _ in range(4)]}
                assert len(seen) == 1
            stop.set()
            writer.result(30)

    def test_the_first_updater_wins(self, store: BillingStore) -> None:
        """U12: another writer's change inside the snapshot is a WriteConflict; the first writer's value stays."""
        ada = customer()
        save(store, ada)

        def meddle() -> None:
            with store.unit_of_work() as other:
                other.customers.get(ada.id).name = "theirs"

        with pytest.raises(WriteConflict), store.unit_of_work() as uow:
            found = uow.customers.get(ada.id)
            elsewhere(meddle)
            found.name = "mine"
        with store.reader() as billing:
            assert "theirs" == billing.customers.get(ada.id).name
        assert isinstance(WriteConflict(), Conflict)

    def test_no_update_is_lost_although_both_set_the_same_value(self, store: BillingStore) -> None:
        """T5: a flush is always a real write, so even two equal edits conflict."""
        ada = customer(credits=1)
        save(store, ada)

        def meddle() -> None:
            with store.unit_of_work() as other:
                other.customers.get(ada.id).credits = 2

        with pytest.raises(WriteConflict), store.unit_of_work() as uow:
            found = uow.customers.get(ada.id)
            elsewhere(meddle)
            found.credits = 2

    def test_an_open_writer_blocks_the_second_at_once(self, store: BillingStore) -> None:
        """T4: the second writer of a row that an open unit has written conflicts immediately, without waiting."""
        ada = customer()
        save(store, ada)
        first, second = store.unit_of_work(), store.unit_of_work()
        in_its_own_context(first.__enter__)
        in_its_own_context(second.__enter__)
        second.customers.count()
        first.customers.get(ada.id).name = "first"
        first.flush()
        second.customers.get(ada.id).name = "second"
        began = time.monotonic()
        with pytest.raises(WriteConflict):
            second.flush()
        waited = time.monotonic() - began
        second.rollback()
        first.commit()

        assert waited < 5
        with store.reader() as billing:
            assert "first" == billing.customers.get(ada.id).name

    def test_a_removal_conflicts_with_an_edit(self, store: BillingStore) -> None:
        """U12: an entity that another unit removed shows as a WriteConflict."""
        ada = customer()
        save(store, ada)

        def meddle() -> None:
            with store.unit_of_work() as other:
                other.customers.remove(other.customers.get(ada.id))

        with pytest.raises(WriteConflict), store.unit_of_work() as uow:
            found = uow.customers.get(ada.id)
            elsewhere(meddle)
            found.name = "mine"

    def test_one_unique_value_in_two_units(self, store: BillingStore) -> None:
        """T6: while the first is open the second conflicts; once it has committed it is a duplicate."""
        first, second = store.unit_of_work(), store.unit_of_work()
        in_its_own_context(first.__enter__)
        in_its_own_context(second.__enter__)
        first.customers.add(customer("same@example.org"))
        first.flush()
        second.customers.add(customer("same@example.org"))
        with pytest.raises(WriteConflict):
            second.flush()
        second.rollback()
        first.commit()
        with pytest.raises(DuplicateKey):
            save(store, customer("same@example.org"))

    def test_a_rolled_back_unit_frees_its_rows(self, store: BillingStore) -> None:
        """Rows and unique values that an aborted unit had taken are free at once."""
        ada = customer()
        save(store, ada)
        with store.unit_of_work() as uow:
            uow.customers.get(ada.id).name = "lost"
            uow.customers.add(customer("taken@example.org"))
            uow.flush()
            uow.rollback()
        with store.unit_of_work() as uow:
            uow.customers.get(ada.id).name = "kept"
            uow.customers.add(customer("taken@example.org"))

    def test_write_skew_is_guarded_by_lock(self, store: BillingStore) -> None:
        """U10: two units read each other's entity; with lock() one of them conflicts."""
        ada, bob = customer("ada@example.org"), customer("bob@example.org")
        save(store, ada, bob)

        def skew(*, guard: bool) -> int:
            units = [store.unit_of_work(), store.unit_of_work()]
            for unit in units:
                in_its_own_context(unit.__enter__)
            conflicts = 0
            loaded = [[unit.customers.get(ada.id), unit.customers.get(bob.id)] for unit in units]
            for mine, (unit, entities) in enumerate(zip(units, loaded, strict=True)):
                entities[mine].credits += 1
                if guard:
                    unit.lock(entities[1 - mine])
                try:
                    unit.flush()
                except WriteConflict:
                    conflicts += 1
            for unit in units:
                if conflicts == 0 or unit is units[0]:
                    unit.commit()
                else:
                    unit.rollback()
            return conflicts

        assert (0, 1) == (skew(guard=False), skew(guard=True))

    def test_run_repeats_with_fresh_entities(self, store: BillingStore) -> None:
        """U5: after a conflict the whole function runs again on what is stored now."""
        ada = customer(credits=1)
        save(store, ada)
        seen: list[int] = []

        def meddle() -> None:
            with store.unit_of_work() as other:
                other.customers.get(ada.id).credits += 10

        def work(uow: BillingUnitOfWork) -> int:
            found = uow.customers.get(ada.id)
            seen.append(found.credits)
            if len(seen) == 1:
                elsewhere(meddle)
            found.credits += 1
            return found.credits

        result = store.run(work)

        assert (12, [1, 11]) == (result, seen)

    def test_attempts_do_the_same_inline(self, store: BillingStore) -> None:
        """U5: the loop ends with the first attempt that commits."""
        ada = customer(credits=1)
        save(store, ada)
        numbers = []
        for attempt in store.attempts():
            with attempt as uow:
                numbers.append(attempt.number)
                found = uow.customers.get(ada.id)
                if len(numbers) < 3:
                    raise WriteConflict
                found.credits = 5
        with store.reader() as billing:
            assert ([1, 2, 3], 5) == (numbers, billing.customers.get(ada.id).credits)

    def test_an_attempt_must_be_entered(self, store: BillingStore) -> None:
        """U5: a loop that forgets the with block says so instead of running for ever."""
        with pytest.raises(UnitOfWorkError, match="enter each attempt"):
            for _ in store.attempts():
                pass

    def test_retries_end(self, store: BillingStore) -> None:
        """U5: attempts and deadline are bounds; RetryExhausted says how many were made and why."""

        def conflict(_: BillingUnitOfWork) -> None:
            raise WriteConflict

        def inline() -> None:
            for attempt in store.attempts(max_attempts=2):
                with attempt:
                    raise WriteConflict

        with pytest.raises(RetryExhausted, match="gave up after 3 attempts") as by_count:
            store.run(conflict, max_attempts=3)
        with pytest.raises(RetryExhausted, match="deadline") as by_time:
            store.run(conflict, max_attempts=10_000, deadline=0.2)
        with pytest.raises(RetryExhausted, match="gave up after 2 attempts"):
            inline()

        assert (3, True) == (by_count.value.attempts, isinstance(by_count.value.last, WriteConflict))
        assert isinstance(by_time.value.__cause__, WriteConflict)

    @pytest.mark.parametrize(
        "error", [VersionConflict([]), DomainError("no"), DuplicateKey("Customer", ["email"]), ValueError("x")]
    )
    def test_what_is_not_a_conflict_is_not_repeated(self, store: BillingStore, error: Exception) -> None:
        """U5: version conflicts of attached entities, duplicates and the function's own errors come at once."""
        calls = []

        def work(_: BillingUnitOfWork) -> None:
            calls.append(1)
            raise error

        with pytest.raises(type(error)):
            store.run(work)
        assert [1] == calls

    def test_retry_on_adds_errors(self, store: BillingStore) -> None:
        """U5: an error that is listed is worth another attempt."""
        calls = []

        def work(_: BillingUnitOfWork) -> str:
            calls.append(1)
            if len(calls) == 1:
                raise DomainError("once")
            return "done"

        assert ("done", 2) == (store.run(work, retry_on=(DomainError,)), len(calls))

    def test_transactional_functions(self, store: BillingStore) -> None:
        """A decorated function is one run() for each call."""

        @store.transactional
        def register(uow: BillingUnitOfWork, email: str, *, credits: int) -> CustomerId:
            new = customer(email, credits=credits)
            uow.customers.add(new)
            return new.id

        ada = register("ada@example.org", credits=3)
        with store.reader() as billing:
            assert 3 == billing.customers.get(ada).credits

    def test_transfers_from_many_threads(self, store: BillingStore) -> None:
        """8 threads x 50 transfers over 10 accounts: nothing lost, nothing doubled, in bounded time."""
        accounts = [customer(f"u{n}@example.org", credits=OPENING) for n in range(ACCOUNTS)]
        save(store, *accounts)
        began = time.monotonic()

        def transfer(sender: CustomerId, receiver: CustomerId, number: str) -> Callable[[BillingUnitOfWork], None]:
            def work(uow: BillingUnitOfWork) -> None:
                giver, taker = uow.customers.get(sender), uow.customers.get(receiver)
                giver.credits -= 1
                taker.credits += 1
                uow.invoices.add(Invoice(number=number, customer_id=sender))

            return work

        def worker(thread: int) -> None:
            chance = random.Random(thread)
            for number in range(TRANSFERS):
                giver, taker = chance.sample(accounts, 2)
                store.run(transfer(giver.id, taker.id, f"{thread}-{number}"), max_attempts=1000, deadline=60)

        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(worker, range(THREADS)))
        with store.reader(snapshot=True) as billing:
            after = billing.customers.find()
            logged = [one.number for one in billing.invoices.stream()]

        moved = sum(one.version - 1 for one in after)
        assert ACCOUNTS * OPENING == sum(one.credits for one in after)
        assert {f"{t}-{n}" for t in range(THREADS) for n in range(TRANSFERS)} == set(logged)
        assert (THREADS * TRANSFERS, 2 * THREADS * TRANSFERS) == (len(logged), moved)
        assert time.monotonic() - began < 120
