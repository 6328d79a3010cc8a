"""Metrics of a real server: commands, connections, heartbeats, in the process and in OpenTelemetry."""

import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest
from contracts.operations.metrics_suite import observed
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from tristore import TristoreError, open_store
from tristore.domain.core import CoreUnitOfWork, User
from tristore.operations import Metrics, MetricsSnapshot
from tristore.testing import MongoServer
from tristore.three_stores import CORE

Failpoint = Callable[..., Any]


def eventually(metrics: Metrics, holds: Callable[[MetricsSnapshot], bool]) -> MetricsSnapshot:
    """Look until something holds, at the most 10 s: heartbeats have a pace of their own."""
    end = time.monotonic() + 10
    while not holds(found := metrics.snapshot()) and time.monotonic() < end:
        time.sleep(0.05)
    return found


def test_commands_connections_and_servers(mongo_url: str, tristore_mongod: MongoServer, failpoint: Failpoint) -> None:
    """Commands are counted by name with their errors and times, connections by what becomes of them."""
    reader = InMemoryMetricReader()
    provider = MeterProvider([reader])
    metrics = Metrics(meter_provider=provider)
    url = f"{mongo_url}&maxPoolSize=3&minPoolSize=0"
    store = open_store(CoreUnitOfWork, url=url, documents=CORE, name="under-test", prepare="create", metrics=metrics)
    with store.unit_of_work() as core:
        core.users.add(User(email="a@example.org", username="ada"))
    with store.reader() as core_reader:
        core_reader.users.count()
        with failpoint(["find"], errorCode=2), pytest.raises(TristoreError):
            core_reader.users.find()

    found = eventually(metrics, lambda snapshot: any(one.kind == "RSPrimary" for one in snapshot.servers.values()))
    server = next(address for _, address in found.pools)
    key = ("under-test", server)
    pool, insert, find = found.pools[key], found.commands["under-test", "insert"], found.commands["under-test", "find"]
    assert (3, 0, 0, 0) == (pool.most, pool.in_use, pool.waiting, pool.refused)
    assert 1 <= pool.open == pool.created - pool.closed <= 3
    assert (1, 0) == (insert.count, insert.errors)
    assert 1 == find.errors
    assert 0 < insert.slowest <= insert.seconds
    assert (True, "RSPrimary", 0) == (found.servers[key].answers, found.servers[key].kind, found.servers[key].failures)
    points = observed(reader)
    durations = points["db.client.operation.duration"]
    failed = next(
        one for one in durations if "find" == one.attributes["db.operation.name"] and "error.type" in one.attributes
    )
    assert ("find", "mongodb", "2") == (
        failed.attributes["db.operation.name"],
        failed.attributes["db.system.name"],
        failed.attributes["error.type"],
    )
    idle = {one.attributes["db.client.connection.state"]: one.value for one in points["db.client.connection.count"]}
    assert {"used": 0, "idle": pool.open} == idle
    assert 3 == points["db.client.connection.max"][0].value
    store.close()
    assert 0 == metrics.snapshot().pools[key].open
    provider.shutdown()


def test_opentelemetry_is_not_needed() -> None:
    """Where it is not installed, the figures are kept all the same."""
    program = """
import sys
sys.modules["opentelemetry"] = None
from tristore import open_stores
from tristore.operations import Metrics
metrics = Metrics()
with open_stores(metrics=metrics) as stores:
    with stores.core.unit_of_work() as core:
        core.users.count()
print(metrics.snapshot().units["core"].committed)
"""
    assert "1\n" == subprocess.check_output([sys.executable, "-c", program], text=True)
