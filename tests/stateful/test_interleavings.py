"""The in-memory backend against a real mongod: one schedule of transactions and plain writes, the same answers."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pymongo import MongoClient
from sized import sized

from tristore.adapters.backend import Backend, BackendOptions, backend_for
from tristore.testing import MemoryBackend, MongoServer

from .interleavings import COLLECTION, DECLARED, Schedule, Side, Step, documents, steps

OPTIONS = BackendOptions("interleavings", DECLARED)
DATABASE = "interleavings"


@pytest.fixture
def on_mongo(tristore_mongod: MongoServer) -> Iterator[Backend]:
    """A prepared backend on MongoDB."""
    url = tristore_mongod.url_for(DATABASE)
    backend = backend_for(url).open(url, OPTIONS)
    backend.prepare(DECLARED, timeout=30.0)
    yield backend
    backend.close()


@sized(40, soak=200)
@pytest.mark.usefixtures("patient_server")
def test_every_schedule_has_the_same_outcome(
    on_mongo: Backend, raw: MongoClient[dict[str, Any]], examples: int
) -> None:
    """Three transactions and a plain writer meet the same snapshots, conflicts, taken keys and waits on both sides."""
    met: set[str] = set()
    seen: list[int] = []

    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(documents, max_size=3), st.lists(steps, min_size=6, max_size=18))
    def schedules(stored: list[dict[str, Any]], schedule: list[Step]) -> None:
        seen.append(1)
        raw[DATABASE][COLLECTION].delete_many({})
        sides = Side(MemoryBackend.open("memory://", OPTIONS)), Side(on_mongo)
        try:
            Schedule(sides, met).run([*(("plain", [document]) for document in stored), *schedule])
        finally:
            for side in sides:
                side.close()

    schedules()

    assert len(seen) >= examples * 3 // 4
    # schedules in which nobody is in another's way would prove little
    assert {"WriteConflict", "taken", "waits"} <= met
