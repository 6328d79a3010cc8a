"""Watched queries on a real server: the commands as they were sent, without values."""

import json
import logging
import os
from typing import Any

import pytest
from contracts.billing import DOCUMENTS, BillingUnitOfWork, Customer, customer

from tristore import DocumentStore
from tristore.testing import AnyStore, SeenQuery, factory_of, queries

DRIVER = logging.getLogger("pymongo.command")
CANARY = "hunter2Zq9"

BillingStore = DocumentStore[BillingUnitOfWork]


@pytest.fixture
def store(mongo_store: AnyStore) -> BillingStore:
    """The sample domain's store."""
    return mongo_store(BillingUnitOfWork, documents=DOCUMENTS)


def bodies(query: SeenQuery) -> list[dict[str, Any]]:
    """What was sent, without the time that it may take."""
    return [{key: value for key, value in sent.body.items() if key != "maxTimeMS"} for sent in query.commands]


def test_a_find_shows_its_filter(store: BillingStore) -> None:
    """Operators, keys, order and bounds are shown; what is compared with is not."""
    with queries(store) as seen, store.reader() as reader:
        reader.customers.find(lambda c: (c.credits >= 10) & (c.name == CANARY), sort="-credits", limit=5)

    wanted = {
        "find": "customers",
        "filter": {"$and": [{"credits": {"$gte": "?"}}, {"name": {"$eq": "?"}}]},
        "sort": {"credits": -1},
        "limit": 5,
        "batchSize": 6,
    }
    assert [wanted] == bodies(seen[0])
    assert CANARY not in repr(seen) + str(seen[0].commands)


def test_a_write_shows_each_of_its_commands(store: BillingStore) -> None:
    """One write of a collection may be several commands; documents are shown by their keys."""
    old, edited = factory_of(Customer).save(store, count=2)
    with queries(store) as seen, store.unit_of_work() as uow:
        uow.customers.remove(uow.customers.get(old.id))
        uow.customers.get(edited.id).name = CANARY
        uow.customers.add(customer(metadata={"k": [CANARY, {"d": CANARY}]}))
    (write,) = seen.of("write")
    delete, update, insert = bodies(write)

    assert ["delete", "update", "insert"] == [command.name for command in write.commands]
    assert [{"q": {"_id": "?", "version": "?"}, "limit": 1}] == delete["deletes"]
    assert {"$set": {"name": "?", "version": "?", "updatedAt": "?"}} == update["updates"][0]["u"]
    assert {"k": ["?", {"d": "?"}]} == insert["documents"][0]["metadata"]
    assert CANARY not in json.dumps([dict(command.body) for query in seen for command in query.commands])


def test_all_batches_of_a_stream_belong_to_it(store: BillingStore) -> None:
    """A stream is one query, however many batches it is read in."""
    factory_of(Customer).save(store, count=250)
    with queries(store) as seen, store.reader() as reader:
        assert 250 == len(list(reader.customers.stream()))

    assert [["find", "getMore"]] == [[command.name for command in query.commands] for query in seen]


def test_large_commands_are_read_whole(store: BillingStore) -> None:
    """The driver's own bound on what it logs does not cut what is seen."""
    with queries(store) as seen:
        factory_of(Customer).save(store, count=100)

    assert 100 == len(bodies(seen[0])[0]["documents"])
    assert all(len(line) < 300 for line in repr(seen).splitlines())


def test_the_log_of_the_driver_is_as_before(
    store: BillingStore, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Watching shows no other handler a value, and leaves logger and environment as they were."""
    monkeypatch.setenv("MONGOB_LOG_MAX_DOCUMENT_LENGTH", "77")
    before = (DRIVER.level, DRIVER.propagate, list(DRIVER.handlers))
    with queries(store), queries(store) as seen, store.unit_of_work() as uow:
        uow.customers.add(customer(name=CANARY))

    assert 2 == sum(len(query.commands) for query in seen)
    assert before == (DRIVER.level, DRIVER.propagate, DRIVER.handlers)
    assert "77" == os.environ["MONGOB_LOG_MAX_DOCUMENT_LENGTH"]
    assert [] == [record for record in caplog.records if record.name == DRIVER.name]


def test_other_stores_are_not_seen(store: BillingStore, mongo_store: AnyStore) -> None:
    """What another store sends meanwhile belongs to nobody."""
    other = mongo_store(BillingUnitOfWork, documents=DOCUMENTS)
    with queries(store) as seen, store.unit_of_work() as uow:
        uow.customers.count()
        with other.reader() as reader:
            reader.customers.find()

    assert [["aggregate"], ["commitTransaction"]] == [[command.name for command in query.commands] for query in seen]
