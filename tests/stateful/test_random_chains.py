"""Random chains: every way to the current version ends in the same documents, and rules mean the same on the way."""

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from pymongo import MongoClient
from sized import sized

from tristore import InvalidQuery, open_store
from tristore.adapters.backend import Predicate
from tristore.operations import Migrations, Progress
from tristore.testing import MongoServer

from .chains import Case, ThingStore, ThingUnitOfWork, cases, insert, predicates, stored, without_version

DATABASE = "random_chains"
PATIENT = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.filter_too_much]


class KilledError(Exception):
    """Stands for the end of the process."""


@pytest.fixture(params=["memory", "mongodb"])
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    """Where the stores are."""
    if request.param == "memory":
        yield "memory://"
        return
    server: MongoServer = request.getfixturevalue("tristore_mongod")
    yield server.url_for(DATABASE)
    with MongoClient[dict[str, Any]](server.url) as client:
        client.drop_database(DATABASE)


def fewer(url: str, examples: int) -> int:
    """Fewer where each takes round trips."""
    return examples // 8 if url != "memory://" else examples


def fresh(url: str, case: Case, upto: int | None = None, **options: Any) -> ThingStore:
    """A store that holds the documents of a case and no records."""
    store = open_store(ThingUnitOfWork, url=url, documents=[case.declared(upto, **options)], prepare="off")
    if url != "memory://":
        with MongoClient[dict[str, Any]](url) as client:
            for name in client[DATABASE].list_collection_names():
                client[DATABASE][name].delete_many({})
    if case.documents:
        insert(store, case.documents)
    return store


def eagerly(url: str, case: Case) -> list[dict[str, Any]]:
    """What one clean run makes."""
    store = fresh(url, case)
    assert Migrations(store).run(batch=2).ok
    found = stored(store)
    store.close()
    return found


@sized(24, soak=120)
def test_eager_lazy_and_step_by_step(url: str, examples: int) -> None:
    """One run, reading with and without changes, and a deployment of each version in turn end in the same documents."""

    @settings(max_examples=fewer(url, examples), suppress_health_check=PATIENT)
    @given(cases())
    def check(case: Case) -> None:
        expected = without_version(eagerly(url, case))

        at_once = fresh(url, case, write_back="on_read")
        with at_once.reader() as reader:
            reader.things.find(limit=100)
        on_read = without_version(stored(at_once))
        at_once.close()

        on_change = fresh(url, case, write_back="on_change")
        with on_change.unit_of_work() as uow:
            for thing in uow.things.find(limit=100):
                uow.lock(thing)
        changed = without_version(stored(on_change))
        on_change.close()

        store = fresh(url, case, 0)
        for version in range(1, len(case.steps) + 1):
            later = open_store(ThingUnitOfWork, url=url, documents=[case.declared(version)], prepare="off")
            later.environment.backend, backend = store.backend, later.backend
            Migrations(later).run()  # documents of later versions are from the future until their turn has come
            backend.close()
        one_by_one = without_version(stored(store))
        store.close()

        # a document that was current already is not written, by lock() it is
        assert expected == on_read
        assert [{**one, "schemaVersion": len(case.steps) + 1} for one in expected] == [
            {**one, "schemaVersion": len(case.steps) + 1} for one in changed
        ]
        assert expected == one_by_one

    check()


@sized(24, soak=120)
def test_interrupted_and_resumed(url: str, examples: int) -> None:
    """A run that is broken off after any batches and started again ends as one clean run, versions included."""

    @settings(max_examples=fewer(url, examples), suppress_health_check=PATIENT)
    @given(cases(), st.lists(st.integers(1, 3), max_size=4))
    def check(case: Case, stops: list[int]) -> None:
        expected = eagerly(url, case)

        store = fresh(url, case)
        for stop in stops:
            batches: list[Progress] = []

            def kill(progress: Progress, batches: list[Progress] = batches, stop: int = stop) -> None:
                batches.append(progress)
                if len(batches) == stop:
                    raise KilledError

            with contextlib.suppress(KilledError):
                Migrations(store).run(batch=1, on_progress=kill)
        assert Migrations(store).run(batch=1).ok
        found = stored(store)
        store.close()

        assert expected == found

    check()


@sized(24, soak=120)
def test_rules_mean_the_same_before_and_after(url: str, examples: int) -> None:
    """A rule over documents of all versions meets those whose migrated documents it meets."""

    @settings(max_examples=fewer(url, examples) * 3, suppress_health_check=PATIENT)
    @given(cases(functions=False), predicates)
    def check(case: Case, predicate: Predicate) -> None:
        store = fresh(url, case)
        try:
            mixed = store.environment.bindings["things"].mapping._mixed.rewritten(predicate)
        except InvalidQuery:
            store.close()
            assume(False)
            return
        before = [one["_id"] for one in stored(store, mixed)]
        assert Migrations(store).run().ok
        after = [one["_id"] for one in stored(store, predicate)]
        again = [one["_id"] for one in stored(store, mixed)]
        store.close()

        assert after == before
        assert after == again

    check()
