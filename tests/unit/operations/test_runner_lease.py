"""The lease of a runner of migrations."""

from collections.abc import Iterator

import pytest
from contracts.parcels import PARCELS, ParcelUnitOfWork

from tristore import DocumentStore, open_store
from tristore.adapters.operations.migrations.journal import RunnerLease


@pytest.fixture(params=["memory", "mongod"])
def store(request: pytest.FixtureRequest) -> Iterator[DocumentStore[ParcelUnitOfWork]]:
    """A store on each backend."""
    url = "memory://" if request.param == "memory" else request.getfixturevalue("mongo_url")
    store = open_store(ParcelUnitOfWork, url=url, documents=(PARCELS,), prepare="create")
    yield store
    store.close()


def test_a_lease_that_was_given_back(store: DocumentStore[ParcelUnitOfWork]) -> None:
    """Leaving the block gives it back, so that the next runner need not wait."""
    with RunnerLease(store.environment, 30, 0) as first:
        first.check()
    with RunnerLease(store.environment, 30, 0) as second:
        second.check()

    assert first.fence + 1 == second.fence
