"""The in-memory backend against a real mongod: the same random history, the same answers."""

from typing import Any

from contracts.billing import DOCUMENTS, BillingUnitOfWork
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test
from pymongo import MongoClient
from sized import sized

from tristore import DocumentStore, FixedClock, open_store
from tristore.testing import MongoServer

from .histories import START, Histories

STEPS = 25


@sized(50, soak=300)
def test_both_backends_give_the_same_answers(tristore_mongod: MongoServer, examples: int) -> None:
    """U21: random histories of two interleaved units agree in every answer and every document."""
    seen: list[int] = []
    clock = FixedClock(START)
    url = tristore_mongod.url_for("twins")
    on_mongo = open_store(BillingUnitOfWork, url=url, documents=DOCUMENTS, prepare="create", clock=clock)
    raw: MongoClient[dict[str, Any]] = MongoClient(url)

    def stores() -> tuple[DocumentStore[BillingUnitOfWork], DocumentStore[BillingUnitOfWork]]:
        seen.append(1)
        raw.twins.customers.delete_many({})
        return open_store(BillingUnitOfWork, url="memory://", documents=DOCUMENTS, clock=clock), on_mongo

    class Machine(Histories):
        pass

    Machine.clock, Machine.met = clock, set()
    Machine.stores = staticmethod(stores)
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    raw.close()
    on_mongo.close()

    assert len(seen) >= examples * 2 // 3
    # a history in which nothing ever goes wrong would prove little
    assert {"DuplicateKey", "NotFound", "UnitOfWorkFailed", "WriteConflict"} <= Machine.met
