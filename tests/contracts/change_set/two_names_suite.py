"""Two names for one collection in a unit of work: a repository and the port of its queries."""

from collections.abc import Iterator

import pytest

from tristore import ConfigurationError, Documents, DocumentStore, UnitOfWork, open_store
from tristore.operations import Migrations

from ..billing import DOCUMENTS, Customer, CustomerQueries, CustomerRepository, Invoice, InvoiceRepository, customer


class TwoNames(UnitOfWork):
    """The query port stands before the repository, and another collection between them."""

    readings: CustomerQueries
    invoices: InvoiceRepository
    customers: CustomerRepository


class TwoNamesContract:
    """There is one identity map for each collection, whatever it is called."""

    @pytest.fixture
    def store(self, url: str) -> Iterator[DocumentStore[TwoNames]]:
        """The store."""
        with open_store(TwoNames, url=url, documents=DOCUMENTS, prepare="create") as store:
            yield store

    def test_one_object_for_one_entity(self, store: DocumentStore[TwoNames]) -> None:
        """Both names give the same object, and its edits are written once, whichever name came first."""
        ada = customer()
        store.run(lambda uow: uow.customers.add(ada))
        for first, second in (("readings", "customers"), ("customers", "readings")):
            with store.unit_of_work() as uow:
                loaded = getattr(uow, first).get(ada.id)
                loaded.credits += 1
                (found,) = getattr(uow, second).find(lambda c: c.credits > 0)
                assert found is loaded
                found.credits += 1

        with store.reader() as reader:
            assert (4, 3) == (reader.customers.get(ada.id).credits, reader.readings.get(ada.id).version)

    def test_hooks_run_once(self, store: DocumentStore[TwoNames]) -> None:
        """What was loaded by the query port is removed by the repository, with the hooks of it."""
        ada = customer()
        store.run(lambda uow: uow.customers.add(ada))
        store.run(lambda uow: uow.invoices.add(Invoice(number="1", customer_id=ada.id)))
        with store.unit_of_work() as uow:
            uow.customers.remove(uow.readings.get(ada.id))

        with store.reader() as reader:
            assert (0, 0) == (reader.readings.count(), reader.invoices.count())

    def test_upkeep_counts_a_collection_once(self, store: DocumentStore[TwoNames]) -> None:
        """What looks after collections meets each of them once."""
        store.run(lambda uow: uow.customers.add(customer()))

        assert ["customers", "invoices"] == [one.collection for one in Migrations(store).status().collections]
        assert isinstance(store.run(lambda uow: uow.readings.first()), Customer)


class DatabaseOfTheUrlContract:
    """The database of the URL, named once more in a declaration."""

    def test_a_collection_of_the_same_database_is_refused(self, url: str) -> None:
        """It would be a second declaration of the same collection."""
        again = Documents(InvoiceRepository, collection="customers", database="billing")
        with pytest.raises(ConfigurationError, match="leave database='billing' out"):
            open_store(TwoNames, url=url, documents=[DOCUMENTS[0], again])
