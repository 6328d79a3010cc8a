"""The fault kit where no server is needed: its values, its counting, its crash points."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from contracts.billing import DOCUMENTS, BillingUnitOfWork, Invoice, customer

from tristore import ConfigurationError, DocumentStore, Unavailable, open_store, open_stores
from tristore.adapters.backend import BackendOptions
from tristore.adapters.testing.faults.crashes import Crash
from tristore.adapters.testing.faults.faulty_backend import FaultyBackend
from tristore.domain.core import User
from tristore.errors import UnitOfWorkClosed, WriteConflict
from tristore.testing import InvariantBroken, crash_points, faults

BillingStore = DocumentStore[BillingUnitOfWork]


@pytest.fixture
def store() -> BillingStore:
    """An empty store."""
    return open_billing()


def open_billing(**options: Any) -> BillingStore:
    """A store on fresh data."""
    return open_store(BillingUnitOfWork, url=options.pop("url", "memory://"), documents=DOCUMENTS, **options)


def add(store: BillingStore) -> None:
    """One customer more."""
    with store.unit_of_work() as uow:
        uow.customers.add(customer(f"{uow.id}@example.org"))


def count(store: BillingStore) -> int:
    """How many customers are stored."""
    with store.reader() as billing:
        return billing.customers.count()


def test_faults_are_plain_values() -> None:
    """A fault compares by its value, and says all of it."""
    assert faults.TransientError(at=2) == faults.TransientError(at=2, on="any", times=1)
    assert "SlowCommand(at=1, on='find', times=1, seconds=0.5)" == repr(faults.SlowCommand(0.5, on="find"))


@pytest.mark.parametrize(
    "make",
    [
        lambda: faults.TransientError(at=0),
        lambda: faults.TransientError(times=0),
        lambda: faults.SlowCommand(0),
        lambda: faults.ServerGone(seconds=-1),
        lambda: faults.TransientError(on="comit"),  # type: ignore[arg-type]
    ],
)
def test_impossible_faults_are_refused(make: Callable[[], object]) -> None:
    """A fault that could never happen is an error at once, not a test that proves nothing."""
    with pytest.raises(ValueError, match="must be"):
        make()


def test_a_server_is_gone_once() -> None:
    """A server that is gone has no number of operations."""
    with pytest.raises(ConfigurationError, match="seconds"):
        faults.ServerGone(times=2)


def test_operations_are_counted_by_kind(store: BillingStore) -> None:
    """U21: each fault counts the operations that it names, from the begin of its injection."""
    with faults.inject(store, faults.TransientError(at=2, on="write"), faults.TransientError(at=5)) as injection:
        add(store)
        with pytest.raises(WriteConflict):
            add(store)
        found = count(store)
        with pytest.raises(WriteConflict):
            count(store)

    assert (1, ["write customers", "count customers"]) == (found, injection.struck)


def test_one_operation_meets_one_fault(store: BillingStore) -> None:
    """Of two faults that would hit the same operation the first one does."""
    with faults.inject(store, faults.SlowCommand(0.01), faults.TransientError()) as injection:
        found = count(store)

    assert (0, ["count customers"]) == (found, injection.struck)


def test_injections_nest(store: BillingStore) -> None:
    """An injection inside another one ends alone."""
    with faults.inject(store, faults.TransientError(on="count")) as outer:
        with faults.inject(store, faults.ServerGone(on="count")) as inner:
            with pytest.raises(Unavailable):
                count(store)
            with pytest.raises(Unavailable):
                store.open()
        with pytest.raises(WriteConflict):
            count(store)

    assert (["count customers"], ["count customers"]) == (outer.struck, inner.struck)
    assert 0 == count(store)


def test_a_store_without_transactions_has_no_second_try() -> None:
    """U5: a server without transactions has no retryable writes either: a closed connection is Unavailable."""
    store = open_billing(url="memory://?transactions=false", transactions="off")
    with faults.inject(store, faults.ConnectionClosed(on="write")), pytest.raises(Unavailable):
        add(store)

    assert 0 == count(store)


def test_what_has_no_backend_is_refused() -> None:
    """The kit says which stores it can take."""
    with pytest.raises(ConfigurationError, match="SimpleNamespace"), faults.inject(SimpleNamespace()):  # type: ignore[arg-type]
        pass
    with pytest.raises(ConfigurationError, match="has no URL"):
        FaultyBackend.open("memory://", BackendOptions("x", ()))


def test_every_point_is_tried_once() -> None:
    """U21: two collections and a commit are so many points; at each of them the data is there whole or not at all."""
    seen: list[tuple[int, int]] = []

    def work(store: BillingStore) -> None:
        with store.unit_of_work() as uow:
            uow.customers.add(ada := customer())
            uow.invoices.add(Invoice(number="1", customer_id=ada.id))

    def invariant(store: BillingStore) -> None:
        with store.reader() as billing:
            seen.append((billing.customers.count(), billing.invoices.count()))

    report = crash_points(open_billing, work, invariant)

    moments = [(point.moment, point.operation) for point in report.points]
    writes = [(moment, f"write {name}") for name in ("customers", "invoices") for moment in ("before", "after")]
    assert [("before", "begin"), ("after", "begin"), *writes, ("before", "commit"), ("after", "commit")] == moments
    assert [(1, 1), *[(0, 0)] * 7, (1, 1)] == seen


def test_a_work_in_two_steps_breaks_in_between() -> None:
    """X1: two units are two commits; the report names each point between them, and the first error is the cause."""

    def work(store: BillingStore) -> None:
        add(store)
        add(store)

    def invariant(store: BillingStore) -> None:
        assert count(store) != 1, "only one"

    with pytest.raises(InvariantBroken, match=r"6 after commit: only one") as caught:
        crash_points(open_billing, work, invariant)

    assert [6, 7, 8, 9, 10, 11] == [point.number for point, _ in caught.value.broken]
    assert "only one" in str(caught.value.__cause__)


def test_an_invariant_must_hold_without_a_crash_too() -> None:
    """A work that is wrong by itself fails with its own error, before any crash is tried."""

    def invariant(store: BillingStore) -> None:
        assert count(store) == 2, "two"

    with pytest.raises(AssertionError, match=r"^two"):
        crash_points(open_billing, add, invariant)


def test_an_error_of_the_work_is_not_a_crash() -> None:
    """An error that the work raises by itself is raised."""

    def work(store: BillingStore) -> None:
        raise UnitOfWorkClosed

    with pytest.raises(UnitOfWorkClosed):
        crash_points(open_billing, work, count)


def test_nothing_follows_a_crash() -> None:
    """A dead process reaches no backend: what catches the crash and goes on dies again, and leaves no row locked."""

    def work(store: BillingStore) -> None:
        try:
            add(store)
        except Crash:
            add(store)

    def invariant(store: BillingStore) -> None:
        assert count(store) in {0, 1}
        add(store)

    assert 6 == len(crash_points(open_billing, work, invariant).points)


def test_several_stores_are_one_process() -> None:
    """X1: the points of all stores are counted together."""

    def work(stores: Any) -> None:
        with stores.core.unit_of_work() as core:
            core.users.add(User(email="ada@example.org", username="ada"))
        with stores.analytics.reader() as analytics:
            analytics.metrics.count()

    report = crash_points(lambda: open_stores(core="memory://"), work, lambda stores: None)

    assert ("before", "count metrics") == (report.points[-1].moment, report.points[-1].operation)
