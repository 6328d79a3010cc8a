"""Keys and receipts, on every backend: what is repeated has one effect, and an outcome can be asked for."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import pytest

from tristore import ConfigurationError, Unavailable, ValidationError
from tristore.adapters.backend import Backend
from tristore.errors import CommitUnknown, UnitOfWorkError, WriteConflict
from tristore.operations import UnitOfWorkListener, UnitReport
from tristore.testing import ObservedBackend, Operation, faults, plugged

from ..billing import BillingUnitOfWork, CustomerMoved, customer
from ..repository.repository_suite import BillingStore, save
from ..stores import BillingContract, OpenBilling

T = TypeVar("T")


class ReceiptsContract(BillingContract):
    """Idempotency keys and the receipts of units."""

    def test_a_key_has_its_effect_once(self, store: BillingStore) -> None:
        """U6: a repeat under the key gets the first result, calls nothing and changes nothing."""
        ada = customer(credits=1)
        save(store, ada)
        calls = []
        heard: list[CustomerMoved] = []
        store.subscribe(CustomerMoved, heard.append)

        def work(uow: BillingUnitOfWork) -> dict[str, Any]:
            calls.append(1)
            found = uow.customers.get(ada.id)
            found.credits += 10
            found.move("Paris")
            return {"credits": found.credits, "at": found.created_at}

        results = [store.run(work, key="grant-1"), store.run(work, key="grant-1"), store.run(work, key="grant-2")]
        with store.reader() as billing:
            found = billing.customers.get(ada.id)

        assert ([11, 11, 21], 21, 3) == ([one["credits"] for one in results], found.credits, found.version)
        assert results[0] == results[1]
        assert (2, 2) == (len(calls), len(heard))

    def test_every_caller_gets_the_same_result(self, store: BillingStore) -> None:
        """U6: the first caller under a key gets the result in the form in which it is kept, as the others do."""
        moment = datetime(2026, 1, 31, 12, 0, 0, 123_456, tzinfo=UTC)

        first, again = [store.run(lambda _: {"pair": (1, 2.0), "at": moment}, key="k") for _ in range(2)]

        assert {"pair": [1, 2.0], "at": moment.replace(microsecond=123_000)} == first == again

    def test_a_key_without_changes_or_result_is_kept_too(self, store: BillingStore) -> None:
        """A unit that writes nothing and returns None still runs once under its key."""
        calls: list[int] = []
        for _ in range(3):
            store.run(lambda _: calls.append(1), key="nothing")
        assert [1] == calls

    def test_a_failed_unit_does_not_use_up_its_key(self, store: BillingStore) -> None:
        """What was rolled back left no key: the repeat does the work."""

        def fails(uow: BillingUnitOfWork) -> None:
            uow.customers.add(customer())
            uow.flush()
            raise ValueError("no")

        with pytest.raises(ValueError, match="no"):
            store.run(fails, key="k")
        store.run(lambda uow: uow.customers.add(customer()), key="k")
        with store.reader() as billing:
            assert 1 == billing.customers.count()

    def test_one_key_in_many_threads(self, store: BillingStore) -> None:
        """8 callers with one key at the same time: one effect, one result for all."""
        ada = customer(credits=0)
        save(store, ada)

        def work(uow: BillingUnitOfWork) -> str:
            found = uow.customers.get(ada.id)
            found.credits += 1
            return uow.id

        with ThreadPoolExecutor(8) as pool:
            results = list(pool.map(lambda _: store.run(work, key="once", max_attempts=100), range(8)))
        with store.reader() as billing:
            assert (1, 1) == (billing.customers.get(ada.id).credits, len(set(results)))

    def test_a_result_that_cannot_be_kept_is_refused(self, store: BillingStore) -> None:
        """The result is kept with the key, so it must be a plain value; nothing is written otherwise."""

        def work(uow: BillingUnitOfWork) -> object:
            new = customer()
            uow.customers.add(new)
            return new

        with pytest.raises(ValidationError, match="kept with it"):
            store.run(work, key="k")
        with store.reader() as billing:
            assert not billing.customers.exists()

    @pytest.mark.parametrize("key", ["", 5, {"$gt": ""}])
    def test_a_key_is_text(self, store: BillingStore, key: Any) -> None:
        """A key that is empty or no text is refused before any I/O."""
        with pytest.raises(UnitOfWorkError, match="a key is text"):
            store.run(lambda _: None, key=key)

    def test_receipts_tell_of_every_unit_that_wrote(self, open_billing: OpenBilling) -> None:
        """U6: with receipts, resolve() tells of any unit whether it was committed."""
        store = open_billing(receipts=True)
        with store.unit_of_work() as committed:
            committed.customers.add(customer("a@example.org"))
        with store.unit_of_work() as discarded:
            discarded.customers.add(customer("b@example.org"))
            discarded.flush()
            discarded.rollback()
        with pytest.raises(WriteConflict), store.unit_of_work() as failed:
            failed.customers.add(customer("c@example.org"))
            raise WriteConflict

        assert [True, False, False] == [store.resolve(unit.id) for unit in (committed, discarded, failed)]

    def test_a_unit_with_a_key_leaves_a_receipt(self, store: BillingStore) -> None:
        """U6: without receipts for all, those with a key have one."""
        ids: list[str] = []
        store.run(lambda uow: ids.append(uow.id), key="k")
        with store.unit_of_work() as plain:
            plain.customers.add(customer())

        assert store.resolve(ids[0])
        with pytest.raises(CommitUnknown, match="its outcome is unknown"):
            store.resolve(plain.id)  # it never had a receipt, so none to be found says nothing

    @pytest.mark.parametrize("error", [WriteConflict(), Unavailable("no server")])
    def test_what_was_committed_is_not_repeated(self, store: BillingStore, error: Exception) -> None:
        """U5: an error after an explicit commit reaches the caller; run() and attempts() do nothing twice."""
        calls = []

        def work(uow: BillingUnitOfWork) -> None:
            calls.append(1)
            uow.customers.add(customer(f"u{len(calls)}@example.org"))
            uow.commit()
            raise error

        def inline() -> None:
            for attempt in store.attempts(deadline=2):
                with attempt as uow:
                    work(uow)

        with pytest.raises(type(error)):
            store.run(work, deadline=2)
        with pytest.raises(type(error)):
            inline()
        with store.reader() as billing:
            assert (2, 2) == (len(calls), billing.customers.count())

    @pytest.mark.parametrize("end", ["commit", "rollback"])
    def test_a_unit_under_a_key_ends_with_its_function(self, store: BillingStore, end: str) -> None:
        """U6: the key is written with the commit behind the function, so nothing ends the unit before it."""

        def work(uow: BillingUnitOfWork) -> None:
            uow.customers.add(customer())
            getattr(uow, end)()

        with pytest.raises(UnitOfWorkError, match="ends with its function"):
            store.run(work, key="k")
        with store.reader() as billing:
            assert not billing.customers.exists()

    def test_an_unknown_commit_of_another_store_is_not_repeated(self, store: BillingStore) -> None:
        """U6: under a key only the unit's own commit is repeated while its outcome is unknown."""
        calls: list[int] = []

        def work(uow: BillingUnitOfWork) -> None:
            calls.append(1)
            raise CommitUnknown("of another store")

        with pytest.raises(CommitUnknown, match="of another store"):
            store.run(work, key="k", deadline=2)
        assert [1] == calls

    def test_a_swallowed_unknown_commit_is_raised_again(self, store: BillingStore) -> None:
        """U3, U6: a body that catches the error of its commit does not end as if it had succeeded."""

        def work(uow: BillingUnitOfWork) -> str:
            uow.customers.add(customer())
            with suppress(CommitUnknown):
                uow.commit()
            return "done"

        with faults.inject(store, faults.CommitNotApplied(reachable=False)), pytest.raises(CommitUnknown):
            store.run(work)

    @pytest.mark.parametrize("applied", [True, False])
    def test_an_interrupt_at_the_commit_leaves_its_outcome_open(self, store: BillingStore, applied: bool) -> None:
        """U5, U6: whether it came just before or just behind the commit, `resolve` tells, and no row stays locked."""
        ada = customer(credits=1)
        save(store, ada)
        reports = Reports()
        store.listen(reports)

        with (
            plugged(store, Interrupted(store.backend, applied=applied)),
            pytest.raises(KeyboardInterrupt),
            store.unit_of_work() as uow,
        ):
            uow.customers.get(ada.id).credits = 2
        outcome = store.resolve(uow.id)
        store.run(lambda again: setattr(again.customers.get(ada.id), "name", "Ada"))
        with store.reader() as billing:
            credits = billing.customers.get(ada.id).credits

        assert (applied, 2 if applied else 1, "unknown") == (outcome, credits, reports.outcomes[0])

    @pytest.mark.parametrize("lifetime", [timedelta(0), timedelta(seconds=-1), timedelta(seconds=1.5), timedelta.max])
    def test_a_lifetime_is_a_number_of_seconds(self, open_billing: OpenBilling, lifetime: timedelta) -> None:
        """How long receipts are kept is said in whole seconds that a server can count."""
        with pytest.raises(ConfigurationError, match="whole seconds"):
            open_billing(receipt_lifetime=lifetime)


class Interrupted(ObservedBackend):
    """A backend whose first commit is interrupted, as by Ctrl-C, behind the server's answer or before it is asked."""

    def __init__(self, inner: Backend, *, applied: bool) -> None:
        super().__init__(inner)
        self._applied = applied

    def _around(self, operation: Operation, call: Callable[[], T]) -> T:
        if operation.name == "commit":
            if self._applied:
                call()
            raise KeyboardInterrupt
        return call()


class Reports(UnitOfWorkListener):
    """Remembers what became of units."""

    def __init__(self) -> None:
        self.outcomes: list[str] = []

    def ended(self, report: UnitReport) -> None:
        self.outcomes.append(report.outcome)
