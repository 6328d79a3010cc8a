"""The bank test: credits move between accounts while a replica set of three nodes fails in every way it can."""

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from uuid import uuid4

import pytest

from tristore import open_store
from tristore.domain.core import CoreUnitOfWork
from tristore.testing import MongoCluster
from tristore.three_stores import CORE

from ..core_store import CoreStore
from .bank import TOTAL, Bank, Fault, Outcome, Repeating, Trouble, by_service

pytestmark = [
    pytest.mark.soak,
    pytest.mark.timeout(180),
    # As in production it is no error: the commit stands, and the books are checked.
    pytest.mark.filterwarnings("default::tristore.errors.DurabilityWarning"),
]


@pytest.fixture
def store(tristore_cluster: MongoCluster) -> Iterator[CoreStore]:
    """The core store on a replica set that is whole, in a database of its own, with the settings of the factory."""
    tristore_cluster.wait_until_whole()
    url = tristore_cluster.url_for(f"bank_{uuid4().hex[:8]}")
    store = open_store(CoreUnitOfWork, url=url, documents=CORE)
    store.prepare()
    yield store
    store.close()


def check_books(bank: Bank) -> None:
    """Nothing is lost, made up, doubled, or seen half."""
    balances, logged = bank.balances(), bank.logged()
    notes = Counter(transfer.note for transfer in logged)
    acknowledged = {told.note: told.detail for told in bank.told if told.outcome is Outcome.DONE}

    assert TOTAL == sum(balances)
    assert [] == [balance for balance in balances if balance < 0]
    assert bank.balances_by_log() == balances
    assert {TOTAL} == set(bank.audit.totals)
    assert set(bank.audit.plain) - {TOTAL}, "readers without a snapshot saw no movement: the look proves nothing"
    assert 1 == max(notes.values())
    assert acknowledged == {transfer.note: transfer.id for transfer in logged if transfer.note in acknowledged}
    assert set() == set(notes) & bank.notes(Outcome.FAILED, Outcome.REFUSED)
    assert set() == set(notes) - bank.notes(Outcome.DONE, Outcome.UNKNOWN)


def check_service(bank: Bank, faults: Sequence[Fault]) -> None:
    """Callers are served again in time after each fault."""
    gaps = {fault: bank.longest_gap(fault.at, fault.over) for fault in faults}
    answers = Counter(told.outcome.name for told in bank.told)
    torn = bank.audit.plain.total() - bank.audit.plain[TOTAL]
    report = [
        f"calls: {dict(answers)}",
        f"looks at all balances: {bank.audit.totals.total()} through a snapshot; "
        f"{bank.audit.plain.total()} without, {torn} of them torn; broken off by {dict(bank.audit.interrupted)}",
    ]
    report += [f"{fault.name:>16}: longest gap {gap:.2f} s, at most {fault.limit:g} s" for fault, gap in gaps.items()]
    sys.stdout.write("\n".join(("", *report, "")))

    assert [] == [(fault.name, gap) for fault, gap in gaps.items() if gap > fault.limit]


def test_callers_see_no_error(tristore_cluster: MongoCluster, store: CoreStore) -> None:
    """U5, U6: kills, a freeze and a step-down of the primary are invisible to callers of run, but for a short wait."""
    bank = Bank(store)
    trouble = Trouble(tristore_cluster)
    with bank.open(by_service(store)):
        trouble.happen()

    check_service(bank, trouble.faults)
    check_books(bank)
    assert [] == bank.details(Outcome.FAILED, Outcome.UNKNOWN)


def test_client_that_repeats_under_its_key(tristore_cluster: MongoCluster, store: CoreStore) -> None:
    """U5, U6: a client that repeats every failed call under its key moves the credits once, whatever was answered."""
    bank = Bank(store)
    client = Repeating(store)
    trouble = Trouble(tristore_cluster)
    with bank.open(client):
        trouble.happen()

    sys.stdout.write(f"\nrepeated by the client after: {dict(client.met)}")
    check_service(bank, trouble.faults)
    check_books(bank)
    assert [] == bank.details(Outcome.FAILED, Outcome.UNKNOWN)
    assert client.met.total() > 0
