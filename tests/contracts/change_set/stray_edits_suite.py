"""Edits that nobody will write: of an entity that a reader loaded, or that outlived its unit of work."""

import gc
import warnings
from collections.abc import Callable

import pytest

from tristore import ConfigurationError
from tristore.errors import StrayEdit, StrayEditWarning

from ..billing import Customer, customer
from ..repository.repository_suite import BillingStore, save
from ..stores import BillingContract, OpenBilling


def by_reader(store: BillingStore, ada: Customer) -> Customer:
    """Loaded by its id."""
    with store.reader() as billing:
        return billing.customers.get(ada.id)


def by_query(store: BillingStore, ada: Customer) -> Customer:
    """Loaded by a rule."""
    with store.reader() as billing:
        return billing.customers.find(lambda c: c.id == ada.id)[0]


def of_a_unit(store: BillingStore, ada: Customer) -> Customer:
    """Committed."""
    with store.unit_of_work() as uow:
        return uow.customers.get(ada.id)


def of_a_rollback(store: BillingStore, ada: Customer) -> Customer:
    """Rolled back."""
    with store.unit_of_work() as uow:
        found = uow.customers.get(ada.id)
        uow.rollback()
        return found


WAYS = (by_reader, by_query, of_a_unit, of_a_rollback)
Way = Callable[[BillingStore, Customer], Customer]


def told(work: Callable[[], object]) -> list[warnings.WarningMessage]:
    """Do something, and return the warnings of stray edits that it causes until all of its objects are gone."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        work()
        gc.collect()
    return [one for one in caught if issubclass(one.category, StrayEditWarning)]


class StrayEditsContract(BillingContract):
    """What nobody will write is said, where it was edited."""

    @pytest.mark.parametrize("way", WAYS)
    def test_an_edit_that_nobody_writes(self, open_billing: OpenBilling, way: Way) -> None:
        """Entity, field, file and line, once for each field, when the object goes."""
        store, ada = open_billing(stray_edits="warn"), customer()
        save(store, ada)

        def edit() -> None:
            found = way(store, ada)
            found.credits += 1
            found.credits += 1
            found.is_trusted = True

        line = edit.__code__.co_firstlineno
        messages = told(edit)
        reason = "a reader loaded it" if way in (by_reader, by_query) else "its unit of work had ended"
        assert [(__file__, line + 2), (__file__, line + 4)] == [(one.filename, one.lineno) for one in messages]
        assert (
            f"Customer {ada.id}: this edit of credits was never written, for {reason}: load the entity in a unit of "
            "work, or attach() it"
        ) == str(messages[0].message)

    @pytest.mark.parametrize("way", WAYS)
    def test_an_edit_that_somebody_writes(self, open_billing: OpenBilling, way: Way) -> None:
        """Attached later, or given to a call that writes it: nothing is lost, and nothing said."""
        store, ada = open_billing(stray_edits="warn"), customer()
        save(store, ada)

        def attached() -> None:
            found = way(store, ada)
            found.credits += 1
            store.run(lambda uow: uow.customers.attach(found))

        def in_bulk() -> None:
            found = way(store, ada)
            found.credits += 1
            with store.bulk() as bulk:
                bulk.customers.bulk_update([found])

        def in_a_unit() -> None:
            found = way(store, ada)
            found.credits += 1
            store.run(lambda uow: uow.customers.bulk_update([found]))

        def from_a_bulk() -> None:
            with store.bulk() as bulk:
                found = bulk.customers.get(ada.id)
                found.credits += 1
                bulk.customers.bulk_update([found])

        assert [] == [message for work in (attached, in_bulk, in_a_unit, from_a_bulk) for message in told(work)]
        assert 4 == by_reader(store, ada).credits

    @pytest.mark.parametrize("way", WAYS)
    def test_raise_refuses_the_edit(self, open_billing: OpenBilling, way: Way) -> None:
        """The value stays, and an attached entity takes the edit."""
        store, ada = open_billing(stray_edits="raise"), customer()
        save(store, ada)
        found = way(store, ada)
        with pytest.raises(
            StrayEdit, match=rf"Customer {ada.id}: nobody would write this edit of credits \({__file__}"
        ):
            found.credits += 1
        assert 0 == found.credits
        with store.unit_of_work() as uow:
            uow.customers.attach(found)
            found.credits += 1

        assert 1 == by_reader(store, ada).credits

    def test_ignore_says_nothing(self, open_billing: OpenBilling) -> None:
        """Nothing is looked for, whatever the environment says."""
        store, ada = open_billing(stray_edits="ignore"), customer()
        save(store, ada)

        assert [] == told(lambda: setattr(by_reader(store, ada), "credits", 5))

    def test_a_wrong_word_is_refused(self, open_billing: OpenBilling) -> None:
        """The three words are named."""
        with pytest.raises(ConfigurationError, match="stray_edits must be warn, raise or ignore, not 'no'"):
            open_billing(stray_edits="no")
