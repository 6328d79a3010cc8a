"""The bank with the settings of the factory and the deadline that callers of run have who say nothing."""

import sys
from collections import Counter
from collections.abc import Iterator
from inspect import signature
from uuid import uuid4

import pytest

from tristore import Store, open_store
from tristore.domain.core import CoreUnitOfWork
from tristore.testing import MongoCluster
from tristore.three_stores import CORE

from ..core_store import CoreStore
from .bank import Bank, Outcome, Trouble, by_service
from .test_bank import check_books, check_service

pytestmark = [
    pytest.mark.soak,
    pytest.mark.timeout(240),
    pytest.mark.filterwarnings("default::tristore.errors.DurabilityWarning"),
]

DEADLINE: float = signature(Store.run).parameters["deadline"].default
FREEZE = 45.0
MANY = 24
STILL_FROZEN = 30.0
"""Seconds without service that are taken for waiting for the frozen server; the longest gap is printed."""


@pytest.fixture
def store(tristore_cluster: MongoCluster) -> Iterator[CoreStore]:
    """The core store on a replica set that is whole, in a database of its own."""
    tristore_cluster.wait_until_whole()
    store = open_store(
        CoreUnitOfWork, url=tristore_cluster.url_for(f"bank_{uuid4().hex[:8]}"), documents=CORE, prepare="create"
    )
    yield store
    store.close()


def test_a_kill_is_invisible_within_the_default_deadline(tristore_cluster: MongoCluster, store: CoreStore) -> None:
    """U5, U6: when the primary is killed, callers see no error within the 10 s of the default deadline."""
    bank = Bank(store)
    trouble = Trouble(tristore_cluster)
    with bank.open(by_service(store, DEADLINE)):
        trouble.kill_once()

    sys.stdout.write(f"\nmet by callers: {dict(Counter(bank.details(Outcome.FAILED, Outcome.UNKNOWN)))}")
    check_service(bank, trouble.faults)
    check_books(bank)
    assert [] == bank.details(Outcome.FAILED, Outcome.UNKNOWN)


def test_a_long_freeze_is_not_waited_for(tristore_cluster: MongoCluster, store: CoreStore) -> None:
    """U5, U6: while the primary is frozen for 45 s, 24 callers are served by the next one, and no credit is lost."""
    bank = Bank(store, tellers=MANY)
    trouble = Trouble(tristore_cluster)
    with bank.open(by_service(store, DEADLINE)):
        trouble.freeze_for_long(FREEZE, STILL_FROZEN)

    sys.stdout.write(f"\nmet by callers: {dict(Counter(bank.details(Outcome.FAILED, Outcome.UNKNOWN)))}")
    check_service(bank, trouble.faults)
    check_books(bank)
