"""Pipelines in MongoDB's own words, through repositories that declare that they need them."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from contracts.billing import (
    DOCUMENTS,
    BillingUnitOfWork,
    Customer,
    CustomerId,
    CustomerRepository,
    Invoice,
    InvoiceRepository,
    customer,
)

from tristore import (
    ConfigurationError,
    Documents,
    DocumentStore,
    InvalidQuery,
    MongoRepository,
    UnitOfWork,
    open_store,
)

JOINED = datetime(2026, 1, 31, 12, tzinfo=UTC)


class MongoCustomers(MongoRepository[Customer, CustomerId], CustomerRepository):
    """Customers, with what only MongoDB can tell of them."""

    def debtors(self, least: Decimal) -> Sequence[dict[str, Any]]:
        """Those who owe at least so much, with their number of invoices."""
        return self.aggregate_raw(
            [
                {"$lookup": {"from": "invoices", "localField": "_id", "foreignField": "customerId", "as": "invoices"}},
                {"$set": {"owed": {"$sum": "$invoices.total"}, "invoices": {"$size": "$invoices"}}},
                {"$match": {"owed": {"$gte": least}}},
                {"$project": {"_id": 0, "name": 1, "owed": 1, "invoices": 1, "joinedAt": 1}},
                {"$sort": {"name": 1}},
            ]
        )


class MongoBillingUnitOfWork(UnitOfWork):
    """A unit that names the repository with MongoDB's own queries."""

    customers: MongoCustomers
    invoices: InvoiceRepository


MONGO_DOCUMENTS = (Documents(MongoCustomers, collection="customers"), DOCUMENTS[1])
MongoBilling = DocumentStore[MongoBillingUnitOfWork]


@pytest.fixture
def store(mongo_url: str) -> Iterator[MongoBilling]:
    """The store on a real server."""
    opened = open_store(MongoBillingUnitOfWork, url=mongo_url, documents=MONGO_DOCUMENTS, prepare="create")
    yield opened
    opened.close()


def test_a_unit_asks_inside_its_transaction(store: MongoBilling) -> None:
    """A pipeline sees what is pending in every collection of the unit, and others do not."""
    with store.unit_of_work() as uow:
        ada = customer(name="ada", joined_at=JOINED)
        uow.customers.add(ada)
        uow.invoices.add(Invoice(number="1", customer_id=ada.id, total=Decimal("9.90")))
        seen = uow.customers.debtors(Decimal(5))
        with store.reader() as reader:
            outside = reader.customers.debtors(Decimal(5))
        uow.rollback()

    assert [{"name": "ada", "joinedAt": JOINED, "invoices": 1, "owed": Decimal("9.90")}] == seen
    assert [] == outside


def test_a_reader_asks_its_snapshot(store: MongoBilling) -> None:
    """A snapshot shows a pipeline the moment of its first read."""
    pipeline = [{"$count": "n"}]
    with store.unit_of_work() as uow:
        uow.customers.add(customer())

    with store.reader(snapshot=True) as reader:
        before = reader.customers.aggregate_raw(pipeline)
        with store.unit_of_work() as uow:
            uow.customers.add(customer("bob@example.org"))
        after = reader.customers.aggregate_raw(pipeline)
    with store.reader() as reader:
        now = reader.customers.aggregate_raw(pipeline)

    assert ([{"n": 1}], [{"n": 1}], [{"n": 2}]) == (before, after, now)


@pytest.mark.parametrize(
    ("pipeline", "words"),
    [
        ([{"$out": "other"}], r"\$out"),
        ([{"$merge": {"into": "other"}}], r"\$merge"),
        ([{"$match": {"$where": "true"}}], r"\$where"),
        ([{"$match": {"$or": [{"$and": ({"$where": "true"},)}]}}], r"\$where"),
        ([{"$set": {"x": {"$function": {"body": "f", "args": [], "lang": "js"}}}}], r"\$function"),
        ([{"$group": {"_id": None, "x": {"$accumulator": {}}}}], r"\$accumulator"),
        ([{"$facet": {"a": [{"$match": {"x": {"$not": [{"$where": ""}]}}}]}}], r"\$where"),
        ([{"$unionWith": {"coll": "invoices", "pipeline": [{"$merge": "x"}]}}], r"\$merge"),
        ([{"$literal": {"$out": 1}}], r"\$out"),
        ("[]", "list of stages, not a str"),
        ({"$match": {}}, "list of stages, not a dict"),
        ([{"$match": {}, "$limit": 1}], "one key"),
        ([{"match": {}}], "one key"),
        (["$match"], "one key"),
        ([{"$match": {1: 2}}], "is text, not a int"),
    ],
    ids=str,
)
def test_what_is_no_reading_pipeline(store: MongoBilling, pipeline: Any, words: str) -> None:
    """What writes, runs JavaScript or is no pipeline is refused before anything is sent, and the unit goes on."""
    with store.unit_of_work() as uow:
        with pytest.raises(InvalidQuery, match=words):
            uow.customers.aggregate_raw(pipeline)

        assert 0 == uow.customers.count()


@pytest.mark.parametrize("url", ["memory://", "memory://?transactions=false"])
def test_memory_is_refused_at_open(url: str) -> None:
    """A store in memory that names such a repository does not open; the error says what it needs and what to do."""
    with pytest.raises(ConfigurationError, match=r"MongoCustomers needs PIPELINES, which memory://.* mongodb://"):
        open_store(MongoBillingUnitOfWork, url=url, documents=MONGO_DOCUMENTS)


def test_the_port_fits_both(mongo_url: str) -> None:
    """A unit that names the port takes the repository of MongoDB on a server, and the plain one in memory."""
    for url, documents, expected in (
        (mongo_url, MONGO_DOCUMENTS, MongoCustomers),
        ("memory://", DOCUMENTS, CustomerRepository),
    ):
        opened = open_store(BillingUnitOfWork, url=url, documents=documents, prepare="create")
        with opened.unit_of_work() as uow:
            assert expected is type(uow.customers)
        opened.close()
