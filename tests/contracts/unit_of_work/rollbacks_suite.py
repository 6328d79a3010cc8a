"""A unit that is broken off at any of its steps: neither documents, outbox, subscribers nor objects show it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tristore import UnitOfWork
from tristore.errors import WriteConflict
from tristore.operations import UnitOfWorkListener
from tristore.testing import faults

from ..billing import BillingUnitOfWork, Customer, CustomerMoved, Invoice
from ..outbox.outbox_base import BillingStore, add_mover, records
from ..stores import BillingContract, OpenBilling

STEPS = ("body", "before_flush", "after_flush", "before_commit")
LOST = {
    "a read": faults.TransientError(on="find"),
    "a write": faults.TransientError(on="write"),
    "the second write": faults.TransientError(on="write", at=2),
    "the outbox": faults.TransientError(on="write", at=3),
    "the commit": faults.CommitNotApplied(),
}


Work = Callable[[BillingUnitOfWork], None]


class Broken(Exception):
    """The unit ends here."""


class Breaker(UnitOfWorkListener):
    """Raises at one step of each unit."""

    def __init__(self, step: str) -> None:
        self.step = step

    def before_flush(self, uow: UnitOfWork[Any]) -> None:
        self.reach("before_flush")

    def after_flush(self, uow: UnitOfWork[Any]) -> None:
        self.reach("after_flush")

    def before_commit(self, uow: UnitOfWork[Any]) -> None:
        self.reach("before_commit")

    def reach(self, step: str) -> None:
        """Raise if it is the step."""
        if step == self.step:
            raise Broken


class RollbacksContract(BillingContract):
    """What is left of a unit that did not commit: nothing."""

    @pytest.fixture
    def store(self, open_billing: OpenBilling) -> BillingStore:
        """A store that publishes, with a name of its own for the fail points of a server."""
        return open_billing(name="rollbacks", publishes=(CustomerMoved,), settings={"heartbeatFrequencyMS": 500})

    @pytest.fixture
    def ada(self, store: BillingStore) -> Customer:
        """A stored customer who moved once."""
        return add_mover(store, "ada", "Oslo")

    @contextmanager
    def nothing_seen(self, store: BillingStore, ada: Customer) -> Iterator[Callable[[Work], None]]:
        """Give a unit that edits, adds, records and publishes; afterwards look for anything of it, everywhere."""
        heard: list[CustomerMoved] = []
        objects: list[Customer] = []
        store.subscribe(CustomerMoved, heard.append)
        before = (records(store), look(store))

        def change(end: Work) -> None:
            with store.unit_of_work() as uow:
                found = uow.customers.get(ada.id)
                objects.append(found)
                found.move("Rome")
                uow.invoices.add(Invoice(number="1", customer_id=ada.id))
                uow.publish(CustomerMoved(city="Bern"))
                end(uow)

        yield change
        after = (records(store), look(store))
        with store.unit_of_work() as uow:
            again = uow.customers.get(ada.id)
            seen = (again.address, again.version, again is objects[0] if objects else False)
            uow.rollback()

        assert before == after
        assert (ada.address, 1, False) == seen
        assert [] == heard
        assert [1] * len(objects) == [one.version for one in objects]

    @pytest.mark.parametrize("step", STEPS)
    def test_a_unit_that_raises_at_any_step(self, store: BillingStore, ada: Customer, step: str) -> None:
        """U2, U17, X1: whatever raises, in the body or a listener, nothing of the unit is seen anywhere."""
        breaker = Breaker(step)

        def end(uow: BillingUnitOfWork) -> None:
            uow.flush()
            breaker.reach("body")

        with self.nothing_seen(store, ada) as change, pytest.raises(Broken):
            store.listen(breaker)
            change(end)

    @pytest.mark.parametrize("where", LOST)
    def test_a_unit_whose_server_fails_at_any_step(self, store: BillingStore, ada: Customer, where: str) -> None:
        """U2, U5, X1: the same where an operation or the commit itself fails."""
        with (
            self.nothing_seen(store, ada) as change,
            pytest.raises(WriteConflict),
            faults.inject(store, LOST[where]) as injection,
        ):
            change(lambda uow: None)

        assert 1 == len(injection.struck)


def look(store: BillingStore) -> list[tuple[Any, ...]]:
    """All that is stored."""
    with store.reader() as billing:
        customers = [(one.id, one.version, one.address) for one in billing.customers.find()]
        return [*customers, *((one.id, one.version) for one in billing.invoices.find())]
