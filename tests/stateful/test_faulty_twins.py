"""The in-memory backend against a real mongod while both meet the same faults."""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from contracts.billing import DOCUMENTS, BillingUnitOfWork
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test
from pymongo import MongoClient

from tristore import DocumentStore, FixedClock, open_store
from tristore.testing import MongoServer

from .faults import FaultyHistories
from .histories import START

EXAMPLES = 250
STEPS = 20
QUICK = {"heartbeatFrequencyMS": 500, "maxPoolSize": 4}

BillingStore = DocumentStore[BillingUnitOfWork]


@pytest.fixture
def clock() -> FixedClock:
    """A clock that only the histories move."""
    return FixedClock(START)


@pytest.fixture
def stores(
    tristore_mongod: MongoServer, clock: FixedClock
) -> Iterator[Callable[[], tuple[BillingStore, BillingStore]]]:
    """Return the two stores, empty, each time that it is called.

    A unit that stays open through several faults takes longer than the server of the tests lets a transaction live.
    """
    url = tristore_mongod.url_for("faulty_twins")
    options: dict[str, Any] = {"documents": DOCUMENTS, "clock": clock, "name": "faulty-twin"}
    on_mongo = open_store(BillingUnitOfWork, url=url, prepare="create", settings=QUICK, **options)
    with MongoClient[dict[str, Any]](url) as raw:

        def empty() -> tuple[BillingStore, BillingStore]:
            for name in raw.faulty_twins.list_collection_names():
                raw.faulty_twins[name].delete_many({})
            return open_store(BillingUnitOfWork, url="memory://", **options), on_mongo

        yield empty
        on_mongo.close()


@pytest.mark.timeout(900)
@pytest.mark.usefixtures("patient_server")
@pytest.mark.filterwarnings("ignore::tristore.errors.DurabilityWarning")
def test_both_backends_agree_on_what_was_applied(stores: Any, clock: FixedClock) -> None:
    """U5, U6, U21: random faults at the same operations give the same error classes, and the same documents stay."""

    class Machine(FaultyHistories):
        pass

    Machine.clock, Machine.met, Machine.struck = clock, set(), Counter()
    Machine.stores = staticmethod(stores)
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )

    # histories in which no fault hits anything would prove little
    assert {
        "TransientError",
        "CommitAppliedAnswerLost",
        "CommitNotApplied",
        "WriteConcernTimeout",
        "ConnectionClosed",
        "SlowCommand",
    } <= set(Machine.struck)
    assert {"WriteConflict", "UnitOfWorkFailed"} <= Machine.met
