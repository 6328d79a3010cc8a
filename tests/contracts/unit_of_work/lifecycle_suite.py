"""The life of a unit of work, on every backend: states, errors, hooks, events, threads, nesting."""

import contextvars
import threading
import time
import weakref
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from attrs import evolve

from tristore import ConfigurationError, DuplicateKey, UnitOfWork, VersionConflict
from tristore.errors import (
    ConcurrentUse,
    CrossStore,
    DeadlineExceeded,
    LargeUnitWarning,
    NestedUnitOfWork,
    TooLarge,
    UnitOfWorkClosed,
    UnitOfWorkError,
    UnitOfWorkFailed,
    WriteConflict,
)
from tristore.operations import UnitOfWorkListener, UnitReport

from ..billing import (
    DOCUMENTS,
    BillingUnitOfWork,
    Customer,
    CustomerMoved,
    CustomerRepository,
    Invoice,
    InvoiceRepository,
    customer,
)
from ..repository.repository_suite import BillingStore, save
from ..stores import BillingContract, OpenBilling, elsewhere


class Diary(UnitOfWorkListener):
    """Writes down what happens to units."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.before_commit_does: Callable[[Any], None] = lambda _: None

    def before_flush(self, uow: UnitOfWork[Any]) -> None:
        self.lines.append("before_flush")

    def after_flush(self, uow: UnitOfWork[Any]) -> None:
        self.lines.append("after_flush")

    def before_commit(self, uow: UnitOfWork[Any]) -> None:
        self.lines.append("before_commit")
        self.before_commit_does(uow)

    def after_commit(self, uow: UnitOfWork[Any]) -> None:
        self.lines.append("after_commit")

    def after_rollback(self, uow: UnitOfWork[Any]) -> None:
        self.lines.append("after_rollback")

    def on_retry(self, attempt: int, error: BaseException, delay: float) -> None:
        self.lines.append(f"on_retry {attempt} {type(error).__name__}")


class LifecycleContract(BillingContract):
    """States, failures, hooks and guards."""

    def test_a_clean_exit_commits_and_an_exception_rolls_back(self, store: BillingStore) -> None:
        """U2: leaving the block commits; an exception discards everything and reaches the caller."""
        save(store, customer("kept@example.org"))
        with pytest.raises(ZeroDivisionError), store.unit_of_work() as uow:
            uow.customers.add(customer("lost@example.org"))
            uow.flush()
            _ = 1 / 0
        with store.reader() as billing:
            assert ["kept@example.org"] == [one.email for one in billing.customers.find()]

    def test_a_store_is_closed_at_the_end_of_its_block(self, open_billing: OpenBilling) -> None:
        """A store is a context manager; one that is closed opens again at its next use."""
        with open_billing() as store, store.unit_of_work() as uow:
            uow.customers.add(customer("a@example.org"))
        with store.reader() as billing:
            assert ["a@example.org"] == [one.email for one in billing.customers.find()]

    def test_commit_and_rollback_close_the_unit(self, store: BillingStore) -> None:
        """U2: after an explicit end every call is refused, and leaving the block does nothing more."""
        with store.unit_of_work() as uow:
            uow.customers.add(customer("a@example.org"))
            uow.commit()
            for use in (uow.commit, uow.flush, uow.rollback, uow.customers.count):
                with pytest.raises(UnitOfWorkClosed, match="has ended"):
                    use()
        with store.unit_of_work() as uow:
            uow.customers.add(customer("b@example.org"))
            uow.rollback()
            with pytest.raises(UnitOfWorkClosed):
                uow.customers.find()
        with store.reader() as billing:
            assert ["a@example.org"] == [one.email for one in billing.customers.find()]

    def test_a_unit_is_used_inside_its_block_and_once(self, store: BillingStore) -> None:
        """U2: before the block, after it and a second time the unit is closed."""
        uow = store.unit_of_work()
        with pytest.raises(UnitOfWorkClosed, match="has not begun"):
            uow.customers.find()
        with uow:
            pass
        with pytest.raises(UnitOfWorkClosed), uow:
            pass

    def test_the_first_error_is_sticky(self, store: BillingStore) -> None:
        """U3: after a server error only a rollback is accepted; a body that swallows it still fails."""
        save(store, customer("ada@example.org"))
        with pytest.raises(DuplicateKey), store.unit_of_work() as uow:
            uow.customers.add(customer("ada@example.org"))
            with pytest.raises(DuplicateKey):
                uow.flush()
            with pytest.raises(UnitOfWorkFailed) as refused:
                uow.customers.count()
            assert isinstance(refused.value.__cause__, DuplicateKey)
        with store.reader() as billing:
            assert 1 == billing.customers.count()

    def test_a_failed_unit_can_be_rolled_back_in_peace(self, store: BillingStore) -> None:
        """U3: an explicit rollback after the error lets the block end cleanly."""
        save(store, customer("ada@example.org"))
        with store.unit_of_work() as uow:
            uow.customers.add(customer("ada@example.org"))
            with pytest.raises(DuplicateKey):
                uow.flush()
            uow.rollback()

    def test_run_does_not_repeat_a_swallowed_duplicate(self, store: BillingStore) -> None:
        """U3: run() makes one attempt and raises the DuplicateKey that its function swallowed."""
        save(store, customer("ada@example.org"))
        calls = []

        def work(uow: BillingUnitOfWork) -> None:
            calls.append(1)
            uow.customers.add(customer("ada@example.org"))
            with suppress(DuplicateKey):
                uow.flush()

        with pytest.raises(DuplicateKey):
            store.run(work)
        assert [1] == calls

    def test_one_call_at_a_time(self, store: BillingStore) -> None:
        """U15: of four threads in one unit at the same time one works, the others raise, nothing is written."""
        inside, leave = threading.Event(), threading.Event()

        class Slow(UnitOfWorkListener):
            def before_flush(self, uow: UnitOfWork[Any]) -> None:
                inside.set()
                leave.wait(10)

        store.listen(Slow())
        refused: list[BaseException] = []

        def use(uow: BillingUnitOfWork) -> None:
            try:
                uow.customers.count()
            except ConcurrentUse as error:
                refused.append(error)

        with pytest.raises(ConcurrentUse), store.unit_of_work() as uow:
            uow.customers.add(customer())
            worker = threading.Thread(target=uow.flush)
            worker.start()
            inside.wait(10)
            others = [threading.Thread(target=use, args=(uow,)) for _ in range(3)]
            for other in others:
                other.start()
            for other in others:
                other.join()
            leave.set()
            worker.join()
        with store.reader() as billing:
            assert not billing.customers.exists()
        assert 3 == len(refused)

    def test_a_unit_may_be_handed_from_thread_to_thread(self, store: BillingStore) -> None:
        """U15: entered in one thread, used in a second, closed in a third."""
        uow = store.unit_of_work()
        elsewhere(uow.__enter__)
        elsewhere(lambda: uow.customers.add(customer()))
        elsewhere(lambda: uow.__exit__(None, None, None))
        with store.reader() as billing:
            assert 1 == billing.customers.count()

    def test_units_of_one_store_do_not_nest(self, store: BillingStore) -> None:
        """U16: a unit, run() or attempts() inside an active unit of the store raises at once."""
        with store.unit_of_work() as uow:
            with pytest.raises(NestedUnitOfWork, match="pass it along"), store.unit_of_work():
                pass
            with pytest.raises(NestedUnitOfWork):
                store.run(lambda _: None)
            with pytest.raises(NestedUnitOfWork):
                for attempt in store.attempts():
                    with attempt:
                        pass
            uow.customers.add(customer())
        save(store, customer("after@example.org"))

    @pytest.mark.parametrize("ends", ["commit", "block"])
    def test_what_runs_as_a_unit_ends_does_not_nest_either(self, store: BillingStore, ends: str) -> None:
        """U16: a unit is active until it has committed, whether a call ends it or its block does."""
        diary = Diary()
        diary.before_commit_does = lambda _: save(store, customer("b@example.org"))
        with pytest.raises(NestedUnitOfWork, match="pass it along"), store.unit_of_work() as uow:
            uow.customers.add(customer("a@example.org"))
            store.listen(diary)
            if ends == "commit":
                uow.commit()
        with store.reader() as billing:
            assert 0 == billing.customers.count()

    def test_a_rollback_that_waited_for_a_commit_comes_too_late(self, store: BillingStore) -> None:
        """U2: what another thread commits meanwhile stays, and the rollback says that the unit has ended."""
        diary = Diary()
        refused: list[UnitOfWorkClosed] = []

        def roll_back() -> None:
            try:
                uow.rollback()
            except UnitOfWorkClosed as error:
                refused.append(error)

        waits = threading.Thread(target=roll_back)

        def wait_for_the_other(_: UnitOfWork[Any]) -> None:
            waits.start()
            time.sleep(0.05)  # for the other thread to come to the lock

        diary.before_commit_does = wait_for_the_other
        store.listen(diary)
        uow = store.unit_of_work()
        with uow:
            uow.customers.add(customer())
        waits.join()
        assert 1 == len(refused)
        assert "after_rollback" not in diary.lines
        with store.reader() as billing:
            assert 1 == billing.customers.count()

    def test_units_of_different_stores_may_nest(self, store: BillingStore, open_billing: OpenBilling) -> None:
        """U16: another store has its own transactions."""
        other = open_billing()
        with store.unit_of_work() as uow, other.unit_of_work() as second:
            uow.customers.add(customer("a@example.org"))
            second.customers.add(customer("b@example.org"))

    def test_lock_wants_an_entity_of_the_unit(self, store: BillingStore) -> None:
        """U1: an entity that another unit or store loaded is refused before any I/O."""
        with store.unit_of_work() as uow, pytest.raises(CrossStore, match="load or attach"):
            uow.lock(customer())

    def test_hooks_run_in_order(self, store: BillingStore) -> None:
        """U17: flush, before_commit (which may still add), flush, after_commit; a rollback says so."""
        diary = Diary()
        diary.before_commit_does = lambda uow: uow.customers.add(customer("late@example.org"))
        store.listen(diary)
        save(store, customer("early@example.org"))
        with pytest.raises(ZeroDivisionError), store.unit_of_work():
            _ = 1 / 0
        with store.reader() as billing:
            assert 2 == billing.customers.count()

        assert [
            "before_flush",
            "after_flush",
            "before_commit",
            "before_flush",
            "after_flush",
            "after_commit",
            "after_rollback",
        ] == diary.lines

    def test_a_listener_that_never_rests_is_stopped(self, store: BillingStore) -> None:
        """U17: changes at every flush are taken for a loop, with nothing written."""

        class Restless(UnitOfWorkListener):
            def after_flush(self, uow: UnitOfWork[Any]) -> None:
                uow.customers.add(customer(f"c{id(object())}{len(found)}@example.org"))  # type: ignore[attr-defined]
                found.append(1)

        found: list[int] = []
        store.listen(Restless())
        with pytest.raises(UnitOfWorkError, match="at every flush"):
            save(store, customer())
        with store.reader() as billing:
            assert not billing.customers.exists()

    def test_events_reach_handlers_once_after_the_commit(self, store: BillingStore) -> None:
        """U17: although the body ran three times, each event, hook and callback comes once, after the commit."""
        heard: list[str] = []
        store.subscribe(CustomerMoved, lambda event: heard.append(f"event {event.city}"))
        diary = Diary()
        store.listen(diary)
        ada = customer()
        save(store, ada)
        runs = []

        def work(uow: BillingUnitOfWork) -> Customer:
            runs.append(1)
            found = uow.customers.get(ada.id)
            found.move("Paris")
            uow.after_commit(lambda: heard.append("callback"))
            assert [] == heard
            if len(runs) < 3:
                raise WriteConflict
            return found

        diary.lines.clear()
        found = store.run(work)

        assert (3, ["callback", "event Paris"], ()) == (len(runs), heard, found.recorded_events)
        assert ["on_retry 1 WriteConflict", "on_retry 2 WriteConflict"] == [
            line for line in diary.lines if line.startswith("on_retry")
        ]
        assert (2, 1) == (diary.lines.count("after_rollback"), diary.lines.count("after_commit"))

    def test_events_of_a_rolled_back_unit_stay_on_the_entity(self, store: BillingStore) -> None:
        """U17: only a commit delivers and clears recorded events."""
        heard: list[CustomerMoved] = []
        store.subscribe(CustomerMoved, heard.append)
        ada = customer()
        ada.move("Paris")
        with store.unit_of_work() as uow:
            uow.customers.add(ada)
            uow.rollback()

        assert ([], 1) == (heard, len(ada.recorded_events))

    def test_errors_after_the_commit_change_nothing(
        self, store: BillingStore, caplog: pytest.LogCaptureFixture
    ) -> None:
        """U17: a failing handler is logged; the commit stands and the others run."""
        heard: list[str] = []

        def fails() -> None:
            raise RuntimeError("handler broke")

        with store.unit_of_work() as uow:
            uow.customers.add(customer())
            uow.after_commit(fails)
            uow.after_commit(lambda: heard.append("second"))
        with store.reader() as billing:
            assert billing.customers.exists()
        assert ["second"] == heard
        assert "the commit stands" in caplog.text

    def test_an_after_commit_handler_may_open_a_unit(self, store: BillingStore) -> None:
        """U16: after the commit the unit is over, and its handlers can begin another one."""
        with store.unit_of_work() as uow:
            uow.customers.add(customer("a@example.org"))
            uow.after_commit(lambda: save(store, customer("b@example.org")))
        with store.reader() as billing:
            assert 2 == billing.customers.count()

    def test_the_repositorys_after_commit_hook(self, open_billing: OpenBilling) -> None:
        """The hook of the port runs once for each entity that the unit wrote."""
        seen: list[str] = []

        class Watched(InvoiceRepository):
            def after_commit(self, entity: Invoice) -> None:
                seen.append(f"{entity.number} v{entity.version}")

        store = open_billing(documents=(DOCUMENTS[0], evolve(DOCUMENTS[1], repository=Watched)))
        ada = customer()
        with store.unit_of_work() as uow:
            uow.invoices.add(Invoice(number="1", customer_id=ada.id))
            uow.flush()
            uow.invoices.add(Invoice(number="2", customer_id=ada.id))

        assert ["1 v1", "2 v1"] == seen

    def test_a_stream_inside_a_unit_ends_with_it(self, store: BillingStore) -> None:
        """U14: a cursor that outlives its unit raises UnitOfWorkClosed, not a driver's error."""
        save(store, *(customer(f"u{n}@example.org") for n in range(5)))
        with store.unit_of_work() as uow:
            stream = uow.customers.stream()
            next(stream)
        with pytest.raises(UnitOfWorkClosed):
            next(stream)

    def test_an_untouched_unit_does_nothing(self, store: BillingStore) -> None:
        """T17: a unit without operations commits without a word."""
        diary = Diary()
        store.listen(diary)
        with store.unit_of_work():
            pass
        assert ["before_commit", "after_commit"] == diary.lines

    def test_a_hook_may_be_the_first_to_use_a_repository(self, store: BillingStore) -> None:
        """What a cascade does in a collection that the unit had not touched is written with the commit."""
        ada = customer()
        with store.unit_of_work() as uow:
            uow.customers.add(ada)
            uow.invoices.add(Invoice(number="1", customer_id=ada.id))
        with store.unit_of_work() as uow:
            uow.customers.remove(uow.customers.get(ada.id))
        with store.reader() as billing:
            assert (0, 0) == (billing.customers.count(), billing.invoices.count())

    def test_without_transactions_what_was_applied_is_said(self, open_billing: OpenBilling) -> None:
        """U19: with transactions off the same plan is written; an error says what stays applied."""
        store = open_billing(transactions="off")
        save(store, customer("ada@example.org"))
        ok, twin = customer("ok@example.org"), customer("ada@example.org")
        with pytest.raises(DuplicateKey) as error, store.unit_of_work() as uow:
            uow.customers.add(ok)
            uow.customers.add(twin)

        assert (f"added Customer {ok.id}",) == error.value.applied
        with store.reader() as billing:
            assert 2 == billing.customers.count()

    def test_without_transactions_versions_still_guard(self, open_billing: OpenBilling) -> None:
        """U12, U19: changed, removed and fine entities: exactly the first two are named, the third is applied."""
        store = open_billing(transactions="off")
        changed, removed, fine = (customer(f"{name}@example.org") for name in ("changed", "removed", "fine"))
        save(store, changed, removed, fine)

        def meddle() -> None:
            with store.unit_of_work() as other:
                other.customers.get(changed.id).credits = 5
                other.customers.remove(other.customers.get(removed.id))

        with pytest.raises(VersionConflict) as error, store.unit_of_work() as uow:
            for one in uow.customers.find():
                one.name = "mine"
            elsewhere(meddle)

        assert {(changed.id, 2), (removed.id, None)} == {(one.id, one.actual) for one in error.value.stale}
        assert (f"updated Customer {fine.id}",) == error.value.applied

    @pytest.mark.parametrize("end", ["commit", "rollback"])
    @pytest.mark.parametrize("where", ["before_flush", "before_commit"])
    def test_a_hook_cannot_end_its_unit(self, store: BillingStore, end: str, where: str) -> None:
        """U2: commit() or rollback() inside a hook or listener is refused, and nothing is written."""

        class Ender(UnitOfWorkListener):
            pass

        setattr(Ender, where, lambda _, uow: getattr(uow, end)())
        store.listen(Ender())
        with pytest.raises(UnitOfWorkError, match="inside a hook"), store.unit_of_work() as uow:
            uow.customers.add(customer())
        with store.reader() as billing:
            assert not billing.customers.exists()

    def test_a_dropped_unit_goes_at_once(self, store: BillingStore) -> None:
        """U5: a unit that nobody holds any more is gone, its rows are free, and its context can open another."""
        ada = customer()
        save(store, ada)
        uow = store.unit_of_work()
        uow.__enter__()
        uow.customers.get(ada.id).name = "lost"
        uow.flush()
        gone = weakref.ref(uow)
        del uow
        assert gone() is None
        for attempt in store.attempts(deadline=5):
            with attempt as other:
                other.customers.get(ada.id).name = "kept"
        with store.reader() as billing:
            assert billing.customers.get(ada.id).name == "kept"

    def test_two_databases_share_a_transaction(self, open_billing: OpenBilling) -> None:
        """U1, X1: repositories in two databases of one server commit, roll back and keep their keys together."""
        store = open_billing(documents=(DOCUMENTS[0], evolve(DOCUMENTS[1], database="ledger")))
        plain = open_billing(documents=DOCUMENTS)
        ada = customer()
        with store.unit_of_work() as uow:
            uow.customers.add(ada)
            uow.invoices.add(Invoice(number="1", customer_id=ada.id))
        with pytest.raises(ZeroDivisionError), store.unit_of_work() as uow:
            uow.customers.get(ada.id).name = "lost"
            uow.invoices.add(Invoice(number="2", customer_id=ada.id))
            uow.flush()
            _ = 1 / 0
        with pytest.raises(DuplicateKey), store.unit_of_work() as uow:
            uow.invoices.add(Invoice(number="1", customer_id=ada.id))
        with store.reader() as billing, plain.reader() as other:
            assert (["1"], "ada") == ([one.number for one in billing.invoices.find()], billing.customers.find()[0].name)
            assert 0 == other.invoices.count()

    def test_every_unit_is_reported(self, store: BillingStore) -> None:
        """U20: a listener learns of each attempt what was sent and written, how it ended, and why."""
        reports: list[UnitReport] = []

        class Reporter(UnitOfWorkListener):
            def ended(self, report: UnitReport) -> None:
                reports.append(report)

        store.listen(Reporter())
        ada = customer()
        calls = []

        def work(uow: BillingUnitOfWork) -> None:
            calls.append(uow.id)
            uow.customers.count()
            uow.customers.add(ada if len(calls) > 1 else customer())
            uow.flush()
            if len(calls) == 1:
                uow.customers.find()
                raise WriteConflict

        store.run(work)

        assert [
            (calls[0], 1, "rolled back", 3, 1, None),
            (calls[1], 2, "committed", 2, 1, None),
        ] == [(one.unit_id, one.attempt, one.outcome, one.operations, one.documents, one.error) for one in reports]
        assert all(0 <= one.seconds < 60 for one in reports)

    def test_a_unit_above_the_limits_is_refused(self, open_billing: OpenBilling) -> None:
        """U20: too many changes, or too long a time, are refused with nothing written."""
        few = open_billing(max_changes=2)
        with pytest.raises(TooLarge, match="changes 3 entities and may change 2"):
            save(few, *(customer(f"u{n}@example.org") for n in range(3)))
        short = open_billing(max_seconds=0.01)
        with pytest.raises(DeadlineExceeded, match="has been open"), short.unit_of_work() as uow:
            uow.customers.add(customer())
            time.sleep(0.05)
        with few.reader() as billing:
            assert not billing.customers.exists()
        with pytest.raises(ConfigurationError, match="max_changes"):
            open_billing(max_changes=0)

    def test_a_large_unit_is_warned_of(self, store: BillingStore) -> None:
        """U20: above 1,000 changed entities a warning says so, and the unit goes on."""
        with pytest.warns(LargeUnitWarning, match="changes 1,001 entities"):
            save(store, *(customer(f"u{n}@example.org") for n in range(1001)))
        with store.reader() as billing:
            assert billing.customers.count() == 1001

    def test_ports_must_not_hide_the_rules(self, open_billing: OpenBilling) -> None:
        """A port that overrides get() or add() is refused when the store is opened."""

        class Sneaky(CustomerRepository):
            def add(self, entity: Customer) -> None:
                """Hide the rules."""

        with pytest.raises(ConfigurationError, match="Sneaky overrides add"):
            open_billing(documents=(evolve(DOCUMENTS[0], repository=Sneaky), DOCUMENTS[1]))


def in_its_own_context(work: Callable[[], Any]) -> Any:
    """Run in this thread, outside every unit of work that is active in it."""
    return contextvars.Context().run(work)
