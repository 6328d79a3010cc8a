"""Every named fault on every backend: the exact error class, and exactly what was applied."""

import time
import warnings
from typing import Any

import pytest
from attrs import frozen

from tristore import TristoreError, Unavailable, UnitOfWork, count
from tristore.errors import CommitUnknown, DeadlineExceeded, DurabilityWarning, WriteConflict
from tristore.operations import UnitOfWorkListener
from tristore.testing import crash_points, faults

from .billing import BillingUnitOfWork, Customer, CustomerId, CustomerMoved, Invoice, customer
from .repository_suite import BillingStore, save
from .stores import BillingContract, OpenBilling, elsewhere

QUICK = {"heartbeatFrequencyMS": 500, "maxPoolSize": 2}
TIMEOUT = 0.6
TOO_LONG = 1.0

Case = tuple[faults.Fault, type[TristoreError] | None, bool]

INVISIBLE: dict[str, Case] = {
    "transient error at a read": (faults.TransientError(on="find"), WriteConflict, False),
    "transient error at a write": (faults.TransientError(on="write"), WriteConflict, False),
    "transient error at the second operation": (faults.TransientError(at=2), WriteConflict, False),
    "transient error at the commit": (faults.TransientError(on="commit"), WriteConflict, False),
    "connection closed at a read": (faults.ConnectionClosed(), WriteConflict, False),
    "connection closed at a write": (faults.ConnectionClosed(on="write"), WriteConflict, False),
    "connection closed at the commit": (faults.ConnectionClosed(on="commit"), None, True),
    "step-down at a read": (faults.StepDown(on="find"), WriteConflict, False),
    "step-down at a write": (faults.StepDown(on="write"), WriteConflict, False),
    "step-down at the commit": (faults.StepDown(on="commit"), None, True),
    "commit applied, answer lost": (faults.CommitAppliedAnswerLost(), None, True),
    "commit not applied": (faults.CommitNotApplied(), WriteConflict, False),
    "commit not confirmed": (faults.WriteConcernTimeout(), None, True),
    "slow read": (faults.SlowCommand(0.2, on="find"), None, True),
    "slow read beyond its time": (faults.SlowCommand(TOO_LONG, on="find"), DeadlineExceeded, False),
    "slow write beyond its time": (faults.SlowCommand(TOO_LONG, on="write"), DeadlineExceeded, False),
    "slow commit": (faults.SlowCommand(TOO_LONG, on="commit"), None, True),
    "no connection for a read": (faults.PoolExhausted(seconds=TOO_LONG), Unavailable, False),
    "no connection for a write": (faults.PoolExhausted(seconds=TOO_LONG, on="write"), Unavailable, False),
    "no connection for the commit": (faults.PoolExhausted(seconds=TOO_LONG, on="commit"), None, True),
    "server gone": (faults.ServerGone(seconds=1.5), Unavailable, False),
}
"""Faults that `run` hides within its deadline, with what a single unit meets, and whether it is applied."""

SEEN: dict[str, Case] = {
    "applied, server silent": (faults.CommitAppliedAnswerLost(reachable=False), CommitUnknown, True),
    "not applied, server silent": (faults.CommitNotApplied(reachable=False), CommitUnknown, False),
    "server gone at the commit": (faults.ServerGone(on="commit"), CommitUnknown, False),
}
"""Faults that a caller of `run` without a key sees."""


@frozen
class Tally:
    """How many there are."""

    n: int


class Told(UnitOfWorkListener):
    """What listeners were told."""

    def __init__(self) -> None:
        self.commits = 0

    def after_commit(self, uow: UnitOfWork[Any]) -> None:
        self.commits += 1


@pytest.mark.filterwarnings("ignore::tristore.errors.DurabilityWarning")
class FaultsContract(BillingContract):
    """The fault kit; U5, U6, U17, U21."""

    @pytest.fixture
    def store(self, open_billing: OpenBilling) -> BillingStore:
        """A store with a name of its own, for fail points hit clients by their names."""
        store = open_billing(name="faulty", settings=QUICK, operation_timeout=TIMEOUT)
        store.open()
        return store

    @pytest.fixture
    def ada(self, store: BillingStore) -> Customer:
        """A stored customer."""
        ada = customer(credits=10)
        save(store, ada)
        return ada

    @pytest.mark.parametrize("name", [*INVISIBLE, *SEEN])
    def test_a_single_unit_meets_the_fault(self, store: BillingStore, ada: Customer, name: str) -> None:
        """U5, U6: a unit of its own meets exactly this error class, and is applied or not as it says."""
        fault, expected, applied = {**INVISIBLE, **SEEN}[name]
        met: type[BaseException] | None = None
        with faults.inject(store, fault) as injection:
            try:
                with store.unit_of_work() as uow:
                    earn(uow, ada.id)
            except TristoreError as error:
                met = type(error)
        after = load(store, ada.id)

        assert expected == met
        assert ((11, 2) if applied else (10, 1)) == (after.credits, after.version)
        assert 1 == len(injection.struck)

    @pytest.mark.parametrize(
        ("fault", "expected"),
        [
            (faults.TransientError(on="rollup"), WriteConflict),
            (faults.SlowCommand(TOO_LONG, on="rollup"), DeadlineExceeded),
            (faults.ServerGone(on="rollup"), Unavailable),
        ],
        ids=["transient error", "slow", "server gone"],
    )
    def test_a_rollup_meets_the_fault(
        self, store: BillingStore, ada: Customer, fault: faults.Fault, expected: type[TristoreError]
    ) -> None:
        """A rollup in a unit fails as a find does, within its time."""
        with faults.inject(store, fault) as injection, pytest.raises(expected), store.unit_of_work() as uow:
            uow.customers.rollup(Tally, values=lambda c: {"n": count()})

        assert ["rollup customers"] == injection.struck

    @pytest.mark.parametrize("name", INVISIBLE)
    def test_run_hides_the_fault(self, store: BillingStore, ada: Customer, name: str) -> None:
        """U5, U6, U17: callers of run see no error; the effect, the hooks and the events are there once."""
        told, events = Told(), list[CustomerMoved]()
        store.listen(told)
        store.subscribe(CustomerMoved, events.append)

        def work(uow: BillingUnitOfWork) -> str:
            earn(uow, ada.id).move("London")
            uow.invoices.add(Invoice(number="1", customer_id=ada.id))
            return "done"

        with faults.inject(store, INVISIBLE[name][0]) as injection:
            result = store.run(work)
        after = load(store, ada.id)

        assert ("done", 11, 2) == (result, after.credits, after.version)
        assert (1, 1, 1) == (told.commits, len(events), invoices(store))
        assert 1 == len(injection.struck)

    @pytest.mark.parametrize("name", SEEN)
    def test_run_says_whether_it_was_applied(self, store: BillingStore, ada: Customer, name: str) -> None:
        """U5, U6: what run cannot hide has an error class that says so, and is not done twice."""
        fault, expected, applied = SEEN[name]
        with faults.inject(store, fault), pytest.raises(TristoreError) as caught:
            store.run(lambda uow: setattr(earn(uow, ada.id), "name", "seen"))

        assert expected is caught.type
        assert (11 if applied else 10) == load(store, ada.id).credits

    @pytest.mark.parametrize("applied", [True, False])
    def test_an_unknown_commit_is_resolved_later(self, store: BillingStore, ada: Customer, applied: bool) -> None:
        """U6: while the server is silent nobody knows; afterwards resolve() tells the truth, both halves of it."""
        silent = faults.CommitAppliedAnswerLost if applied else faults.CommitNotApplied
        with faults.inject(store, silent(reachable=False)):
            with pytest.raises(CommitUnknown) as caught, store.unit_of_work() as uow:
                earn(uow, ada.id)
            with pytest.raises(CommitUnknown):
                store.resolve(caught.value.unit_id)

        assert applied is store.resolve(caught.value.unit_id)
        assert (11 if applied else 10) == load(store, ada.id).credits

    @pytest.mark.parametrize("applied", [True, False])
    def test_a_key_hides_an_unknown_commit(self, store: BillingStore, ada: Customer, applied: bool) -> None:
        """U6: run with a key repeats after an unknown commit, and has one effect whichever half it was."""
        silent = faults.CommitAppliedAnswerLost if applied else faults.CommitNotApplied
        calls: list[int] = []

        def work(uow: BillingUnitOfWork) -> int:
            calls.append(1)
            return earn(uow, ada.id).credits

        with faults.inject(store, silent(reachable=False)):
            result = store.run(work, key="earn-1")

        assert (11, 11, 1 if applied else 2) == (result, load(store, ada.id).credits, len(calls))

    def test_an_unconfirmed_commit_warns(self, store: BillingStore, ada: Customer) -> None:
        """U6: a commit that too few members confirm counts as committed, and a warning says so."""
        with pytest.warns(DurabilityWarning, match="committed"), faults.inject(store, faults.WriteConcernTimeout()):
            store.run(lambda uow: setattr(earn(uow, ada.id), "name", "new"))

        assert "new" == load(store, ada.id).name

    def test_an_unconfirmed_commit_is_no_error_where_warnings_are(self, store: BillingStore, ada: Customer) -> None:
        """U6: where warnings are errors it is only logged: an error would say that nothing was applied."""
        with warnings.catch_warnings(), faults.inject(store, faults.WriteConcernTimeout()):
            warnings.simplefilter("error")
            store.run(lambda uow: setattr(earn(uow, ada.id), "name", "new"))

        assert "new" == load(store, ada.id).name

    def test_a_fault_may_come_several_times(self, store: BillingStore, ada: Customer) -> None:
        """U5: with times=n the fault hits n operations, and run gets through with n + 1 attempts."""
        calls: list[int] = []

        def work(uow: BillingUnitOfWork) -> None:
            calls.append(1)
            earn(uow, ada.id)

        with faults.inject(store, faults.TransientError(on="write", times=3)) as injection:
            store.run(work)

        assert (4, 11) == (len(calls), load(store, ada.id).credits)
        assert ["write customers"] * 3 == injection.struck

    def test_reads_outside_a_transaction_are_sent_again(self, store: BillingStore, ada: Customer) -> None:
        """U5: a reader does not notice a closed connection or a step-down; a server that is gone is Unavailable."""
        with faults.inject(store, faults.ConnectionClosed(), faults.StepDown(at=2, on="find")) as injection:
            found = [load(store, ada.id).credits, load(store, ada.id).credits]
        with faults.inject(store, faults.ServerGone()), pytest.raises(Unavailable):
            load(store, ada.id)

        assert ([10, 10], ["find customers", "find customers"]) == (found, injection.struck)

    def test_a_stream_and_a_count_meet_faults(self, store: BillingStore, ada: Customer) -> None:
        """U5: a stream that meets a fault raises at its first entity, never ends early; so does a count."""
        with faults.inject(store, faults.TransientError(on="find"), faults.TransientError(on="count")) as injection:
            with pytest.raises(WriteConflict), store.unit_of_work() as uow:
                list(uow.customers.stream())
            with pytest.raises(WriteConflict), store.unit_of_work() as uow:
                uow.customers.count()
            with store.reader() as billing:
                found = [one.id for one in billing.customers.stream()]

        assert ([ada.id], ["find customers", "count customers"]) == (found, injection.struck)

    def test_nothing_is_left_of_a_fault(self, store: BillingStore, ada: Customer) -> None:
        """The end of the block disarms what did not hit, whatever is raised inside it."""
        with pytest.raises(KeyError), faults.inject(store, faults.ServerGone(), faults.TransientError(at=2)):
            raise KeyError
        began = time.monotonic()
        with store.unit_of_work() as uow:
            earn(uow, ada.id)

        assert (11, True) == (load(store, ada.id).credits, time.monotonic() - began < TIMEOUT)

    def test_others_go_on_while_a_process_is_paused(self, store: BillingStore, ada: Customer) -> None:
        """U12: a unit that was paused while another one changed its entity meets a WriteConflict; run repeats it."""
        meanwhile = faults.Paused(lambda: elsewhere_earn(store, ada), on="write")
        with faults.inject(store, meanwhile) as injection:
            store.run(lambda uow: setattr(earn(uow, ada.id), "name", "paused"))

        assert (12, ["write customers"]) == (load(store, ada.id).credits, injection.struck)

    def test_a_crash_at_any_point_leaves_all_or_nothing(self, open_billing: OpenBilling) -> None:
        """U2, U6: wherever a process dies, a unit is there whole or not at all, and no row stays locked."""
        ada = customer(credits=10)
        seen: list[tuple[int, int]] = []

        def open_it() -> BillingStore:
            nonlocal ada
            store, ada = open_billing(name="crashing", settings=QUICK), customer(credits=10)
            with store.unit_of_work() as uow:
                for one in uow.customers.find():
                    uow.customers.remove(one)
            save(store, ada)
            return store

        def work(store: BillingStore) -> None:
            with store.unit_of_work() as uow:
                earn(uow, ada.id)
                uow.invoices.add(Invoice(number="1", customer_id=ada.id))

        def invariant(store: BillingStore) -> None:
            seen.append((load(store, ada.id).credits, invoices(store)))
            with store.unit_of_work() as uow:
                uow.customers.get(ada.id).name = "free"

        report = crash_points(open_it, work, invariant)

        assert 9 == len(report.points)
        assert [(11, 1), *[(10, 0)] * 8, (11, 1)] == seen


def earn(uow: BillingUnitOfWork, id: CustomerId) -> Customer:
    """One credit more: a read, a write and a commit."""
    found = uow.customers.get(id)
    found.credits += 1
    return found


def elsewhere_earn(store: BillingStore, ada: Customer) -> None:
    """The same from another process."""

    def work() -> None:
        with store.unit_of_work() as uow:
            earn(uow, ada.id)

    elsewhere(work)


def load(store: BillingStore, id: CustomerId) -> Customer:
    """The stored customer."""
    with store.reader() as billing:
        return billing.customers.get(id)


def invoices(store: BillingStore) -> int:
    """How many invoices are stored."""
    with store.reader() as billing:
        return billing.invoices.count()
