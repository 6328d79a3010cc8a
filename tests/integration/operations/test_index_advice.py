"""Advice on indexes: which are unused, redundant, too many, and which queries want one."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from tristore import Index
from tristore.operations import index_advice

from .upkeep import BillingStore, customers, on_billing, open_billing


@pytest.fixture
def store(mongo_url: str) -> Iterator[BillingStore]:
    """A prepared store with an index that another one makes redundant."""
    store = open_billing(mongo_url, customers(Index("status"), Index("status", "-credits")))
    store.prepare()
    yield store
    store.close()


def test_advice_on_a_server(store: BillingStore) -> None:
    """The server's counts and indexes give the advice; what is used is no longer unused."""
    before = {(one.kind, one.subject) for one in index_advice(store, watched=timedelta(0))}
    with store.reader() as reader:
        for _ in range(3):
            reader.customers.find(lambda c: c.credits >= 5, sort=("status", "-credits"), limit=5)
    after = {(one.kind, one.subject) for one in index_advice(store, watched=timedelta(0))}
    early = {one.kind for one in index_advice(store)}

    assert {("redundant", "status_1"), ("unused", "status_1"), ("unused", "status_1_credits_-1")} <= before
    assert ("unused", "status_1_credits_-1") not in after
    assert "unused" not in early, "an index of some seconds is not judged"
    assert ("too many", "5 indexes") in {(one.kind, one.subject) for one in index_advice(store, most=4)}


def test_the_command(mongo_url: str) -> None:
    """The command prints advice on indexes and on named queries that scan, in 100 columns."""
    with_scans = open_billing(mongo_url)
    with_scans.prepare()
    with_scans.close()
    result = on_billing("indexes", "advise", url=mongo_url)
    words = " ".join(result.stdout.replace("\u2502", " ").split())

    assert 0 == result.exit_code
    assert "CustomerRepository" in words
    assert "scan" in words
    assert "credits" in words
    assert max(map(len, result.stdout.splitlines())) <= 100
