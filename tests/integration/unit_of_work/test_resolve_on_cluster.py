"""Outcomes of commits on a replica set whose members do not follow."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from pymongo import MongoClient
from pymongo.write_concern import WriteConcern

from tristore import open_store
from tristore.domain.core import CoreUnitOfWork
from tristore.errors import DeadlineExceeded
from tristore.testing import MongoCluster
from tristore.three_stores import CORE

from ..core_store import CoreStore, Raw


@contextmanager
def nobody_follows(cluster: MongoCluster) -> Iterator[None]:
    """Let the secondaries answer, and copy nothing."""
    primary = cluster.primary()
    with ExitStack() as stack:
        followers: list[Raw] = [
            stack.enter_context(MongoClient(f"mongodb://127.0.0.1:{node.port}", directConnection=True))
            for node in cluster.nodes
            if node is not primary
        ]
        for one in followers:
            one.admin.command("configureFailPoint", "stopReplProducer", mode="alwaysOn")
        try:
            yield
        finally:
            for one in followers:
                one.admin.command("configureFailPoint", "stopReplProducer", mode="off")


@pytest.fixture
def store(tristore_cluster: MongoCluster) -> Iterator[CoreStore]:
    """The core store, whose units leave receipts, on a replica set that is whole."""
    tristore_cluster.wait_until_whole()
    url = tristore_cluster.url_for("resolve")
    store = open_store(CoreUnitOfWork, url=url, documents=CORE, receipts=True, operation_timeout=1.0)
    store.prepare()
    yield store
    store.close()


@pytest.mark.timeout(180)
def test_what_only_the_primary_has_is_not_denied(tristore_cluster: MongoCluster, store: CoreStore) -> None:
    """U6: while a receipt is on the primary alone, resolve() says neither yes nor no; later it says yes."""
    unit_id = uuid4().hex
    with MongoClient[dict[str, object]](tristore_cluster.url_for("resolve")) as client:
        receipts = client["resolve"].get_collection("tristore_units", write_concern=WriteConcern(1))
        with nobody_follows(tristore_cluster):
            receipts.insert_one({"_id": unit_id, "at": datetime.now(UTC)})
            with pytest.raises(DeadlineExceeded):
                store.resolve(unit_id)
        receipts.with_options(write_concern=WriteConcern(3)).update_one({"_id": unit_id}, {"$set": {"seen": True}})

        assert store.resolve(unit_id)
        assert not store.resolve(uuid4().hex)
        client.drop_database("resolve")
