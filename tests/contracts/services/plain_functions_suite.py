"""Functions that are not done when they return: nothing that takes one counts them as done, on every backend."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tristore import (
    ConfigurationError,
    Convert,
    Documents,
    DocumentStore,
    SchemaStep,
    Transform,
    TristoreError,
    open_store,
)
from tristore.errors import UnitOfWorkError
from tristore.operations import Migrations, OneOff, OutboxRelay, UnitOfWorkListener, export_lines, import_lines
from tristore.testing import crash_points

from ..billing import DOCUMENTS, BillingUnitOfWork, CustomerMoved, CustomerRepository, customer
from ..outbox.outbox_base import BillingStore, OutboxContract, add_mover
from ..stores import OpenBilling


async def is_async(*arguments: Any) -> None:
    """Runs when it is awaited, and here nobody does."""


def generates(*arguments: Any) -> Any:
    """Runs when somebody goes through it."""
    yield


async def async_generates(*arguments: Any) -> Any:
    """Both."""
    yield


class AsyncCall:
    """An object that is called, and not done then."""

    async def __call__(self, *arguments: Any) -> None:
        """Run later."""


def hides(*arguments: Any) -> Any:
    """A plain function that returns a coroutine: it shows when it is called."""
    return is_async()


def takes_none() -> None:
    """Too few parameters for everybody but after_commit."""


NOT_PLAIN: list[Any] = [is_async, generates, async_generates, AsyncCall(), "no function"]
REFUSED = r"takes a (plain )?function"
Place = Callable[[BillingStore, Any], object]


def _transform(function: Any) -> Transform:
    return Transform(function, ("name",))


PLACES: dict[str, Place] = {
    "run": lambda store, fn: store.run(fn),
    "keyed run": lambda store, fn: store.run(fn, key="k"),
    "transactional": lambda store, fn: store.transactional(fn),
    "subscribe": lambda store, fn: store.subscribe(CustomerMoved, fn),
    "relay.on": lambda store, fn: OutboxRelay(store).on(CustomerMoved, "mail", fn),
    "relay.into": lambda store, fn: OutboxRelay(store).into(CustomerMoved, "mail", store, fn),
    "a named step": lambda store, fn: OneOff("step", "does it", fn, checksum="1"),
    "convert": lambda store, fn: Convert("name", fn),
    "transform": lambda store, fn: _transform(fn),
    "run of migrations": lambda store, fn: Migrations(store).run(on_progress=fn),
    "verify": lambda store, fn: Migrations(store).verify(on_progress=fn),
    "add_field": lambda store, fn: Migrations(store).add_field("customers", "credits", on_progress=fn),
    "export": lambda store, fn: export_lines(store, "customers", Path("never"), progress=fn),
    "import": lambda store, fn: import_lines(store, "customers", Path("never"), progress=fn),
    "crash points": lambda store, fn: crash_points(lambda: store, fn, lambda opened: None),
}


class HandedOverContract(OutboxContract):
    """What is refused where it is handed over, before anything is asked of a backend."""

    @pytest.mark.parametrize("fn", NOT_PLAIN, ids=["async", "generator", "async generator", "object", "text"])
    @pytest.mark.parametrize("place", PLACES)
    def test_what_would_not_run_is_refused_at_once(self, store: BillingStore, place: str, fn: Any) -> None:
        """An async function or a generator is refused where it is handed over."""
        with pytest.raises(TristoreError, match=REFUSED):
            PLACES[place](store, fn)

    @pytest.mark.parametrize("place", [one for one in PLACES if one not in {"transactional"}])
    def test_a_wrong_number_of_parameters_is_refused_at_once(self, store: BillingStore, place: str) -> None:
        """Not at the first call, which may be long after, and counts as a failed delivery there."""
        with pytest.raises(TristoreError, match="argument"):
            PLACES[place](store, takes_none)

    @pytest.mark.parametrize("fn", NOT_PLAIN, ids=["async", "generator", "async generator", "object", "text"])
    def test_after_commit_refuses_them_too(self, store: BillingStore, fn: Any) -> None:
        """A unit takes no callback that nobody would run."""
        with pytest.raises(UnitOfWorkError, match=REFUSED), store.unit_of_work() as uow:
            uow.after_commit(fn)

    @pytest.mark.parametrize("hook", ["before_save", "after_commit", "before_remove"])
    def test_hooks_are_plain(self, url: str, hook: str) -> None:
        """A hook that is async would be passed by, and what it refuses be written: the store does not open."""
        repository = type("Async", (CustomerRepository,), {hook: is_async})
        documents = (Documents(repository, collection="customers"), DOCUMENTS[1])

        with pytest.raises(ConfigurationError, match=f"Async.{hook} takes a plain function"):
            open_store(BillingUnitOfWork, url=url, documents=documents)

    @pytest.mark.parametrize("method", ["before_flush", "after_flush", "before_commit", "after_commit", "ended"])
    def test_listeners_are_plain(self, store: BillingStore, method: str) -> None:
        """Nor is a listener taken that would not be heard."""
        listener = type("Async", (UnitOfWorkListener,), {method: is_async})()

        with pytest.raises(ConfigurationError, match=f"{method} of a listener takes a plain function"):
            store.listen(listener)

    def test_old_values_may_be_generated(self) -> None:
        """What is gone through at once may be a generator."""
        assert SchemaStep(2, Convert("weight", int, back=generates))


class CalledContract(OutboxContract):
    """What only turns out not to be done when it is called."""

    def test_a_hook_that_returns_a_coroutine_rolls_back(self, open_billing: OpenBilling) -> None:
        """What only turns out to be async when it is called has not run either, in units and in bulk."""
        repository = type("Hiding", (CustomerRepository,), {"before_save": hides})
        store = open_billing(documents=(Documents(repository, collection="customers"), DOCUMENTS[1]))

        with pytest.raises(ConfigurationError, match="coroutine that nobody awaits"), store.unit_of_work() as uow:
            uow.customers.add(customer())
        with pytest.raises(ConfigurationError, match="coroutine that nobody awaits"), store.bulk() as bulk:
            bulk.customers.add_many([customer()])

        with store.reader() as reader:
            assert 0 == reader.customers.count()

    @pytest.mark.parametrize("way", ["on", "into"])
    def test_a_delivery_to_what_did_not_run_has_failed(
        self, store: BillingStore, other: BillingStore, relay: OutboxRelay, way: str
    ) -> None:
        """A subscription that returns a coroutine keeps its event, and says why."""
        if way == "on":
            relay.on(CustomerMoved, "mail", hides)
        else:
            relay.into(CustomerMoved, "mail", other, hides)
        add_mover(store, "ada", "Oslo")

        done = relay.run_once()

        assert (0, 1, 1) == (done.delivered, done.failed, relay.backlog().waiting)

    def test_a_step_that_did_not_run_has_failed(self, store: DocumentStore[Any]) -> None:
        """A named step whose function returns a coroutine is not recorded as done."""
        migrations = Migrations(store, [OneOff("clean", "cleans", hides, checksum="1")])

        report = migrations.run()

        assert ["failed"] == [step.outcome for step in report.steps]
        assert "coroutine" in report.steps[0].details

    @pytest.mark.parametrize("result", [hides, lambda uow: generates(), lambda uow: async_generates()])
    def test_a_run_that_returns_what_did_not_run_rolls_back(self, store: BillingStore, result: Any) -> None:
        """Whatever it did before, it did not do what it returned."""

        def body(uow: BillingUnitOfWork) -> Any:
            uow.customers.add(customer())
            return result(uow)

        with pytest.raises(UnitOfWorkError, match="the function returned"):
            store.run(body)
        with store.reader() as reader:
            assert 0 == reader.customers.count()
