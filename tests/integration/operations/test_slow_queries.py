"""Slow operations: what the profiler notes, how it is grouped, what is suggested, and what the sender logs."""

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from contracts.billing import customer

from tristore import ConfigurationError, TristoreError, open_stores
from tristore.domain.core import User
from tristore.operations import profile_operations, slow_operations, slow_shapes
from tristore.three_stores import Stores

from ..core_store import Raw, database_name
from .upkeep import BillingStore, on_billing, open_billing


@pytest.fixture
def database(mongo_url: str, raw: Raw) -> Iterator[Any]:
    """The database, through a bare client; its profiler is off afterwards, and the server's threshold as before."""
    threshold = raw[database_name(mongo_url)].command("profile", -1)["slowms"]
    yield raw[database_name(mongo_url)]
    raw[database_name(mongo_url)].command("profile", 0, slowms=threshold)


@pytest.fixture
def store(mongo_url: str, database: Any) -> Iterator[BillingStore]:
    """A prepared billing store with twenty customers."""
    store = open_billing(mongo_url)
    store.prepare()
    with store.unit_of_work() as uow:
        for number in range(20):
            uow.customers.add(customer(f"c{number}@example.org", credits=number))
    yield store
    store.close()


def asked(store: BillingStore) -> None:
    """Ask a query without an index several times, one with an index, and change something."""
    with store.reader() as reader:
        for least in (1.5, 2.5, 3.5):
            _scan(reader, least)
        reader.customers.first(lambda c: c.email == "c1@example.org")
        reader.customers.count(lambda c: c.is_trusted)
    with store.unit_of_work() as uow:
        uow.customers.find(lambda c: c.email == "c1@example.org")[0].credits = 7


def _scan(reader: Any, least: float) -> None:
    reader.customers.find(lambda c: (c.score >= least) & (c.name == "x"), sort="-joined_at")


def test_profiling_per_store(store: BillingStore, mongo_url: str) -> None:
    """The profiler of one store is switched on and off; off, it notes nothing more."""
    on = profile_operations(store, 0)
    asked(store)
    noted = len(slow_operations(store))
    off = profile_operations(store, None)
    asked(store)

    assert (True, False, 0) == (on.on, on.everything, on.threshold)
    assert not off.on
    assert noted <= len(slow_operations(store)) <= noted + 1  # what switched it off
    with pytest.raises(ConfigurationError, match="a threshold is from 0 to"):
        profile_operations(store, -1)
    with pytest.raises(ConfigurationError, match="a threshold is from 0 to 2,147,483,647 ms"):
        profile_operations(store, 2**31)


def test_newest_first_with_threshold_and_limit(store: BillingStore) -> None:
    """Operations come newest first, at most as many as wanted, and only those that took so long."""
    profile_operations(store, 0)
    asked(store)
    found = slow_operations(store)

    assert sorted(found, key=lambda one: one.at, reverse=True) == [*found]
    assert [*found[-3:]] == [*slow_operations(store)[-3:]]
    assert 2 == len(slow_operations(store, limit=2))
    assert [] == [*slow_operations(store, threshold=600_000)]
    assert {"tristore/billing"} >= {one.client for one in found if one.client}


def test_groups_by_shape(store: BillingStore) -> None:
    """Operations that differ in values alone are one group, with counts, times, plan, ratio and the index it wants."""
    profile_operations(store, 0)
    asked(store)
    profile_operations(store, None)
    found = {
        (one.shape.operation, one.shape.text): one
        for one in slow_shapes(slow_operations(store))
        if one.shape.collection == "customers"
    }
    scan = next(one for one in found.values() if "score" in one.shape.text)
    by_key = next(one for one in found.values() if one.shape.text == "{email: {$eq: ?}}")

    assert (3, ("COLLSCAN",), 60, 0) == (scan.count, scan.plans, scan.examined, scan.returned)
    assert "{$and: [{score: {$gte: ?}}, {name: {$eq: ?}}]} sort {joinedAt: -1}" == scan.shape.text
    assert (("name", 1), ("joinedAt", -1), ("score", 1)) == scan.suggestion
    assert 60 == scan.ratio
    assert scan.worst <= scan.total
    assert (2, ("IXSCAN { email: 1 }",), ()) == (by_key.count, by_key.plans, by_key.suggestion)
    assert "update" in {operation for operation, _ in found}


def test_values_are_masked(store: BillingStore, database: Any) -> None:
    """No value of a filter, an update or a pipeline is in a shape."""
    profile_operations(store, 0)
    asked(store)
    database["customers"].update_many({"name": "hidden-name"}, {"$set": {"name": "hidden-name"}})
    database["customers"].aggregate(
        [{"$match": {"tags": {"$in": ["hidden-name"]}}}, {"$group": {"_id": "hidden-name"}}]
    )
    database["customers"].distinct("name", {"nickname": "hidden-name"})
    shown = on_billing("slow-queries", "--threshold", "0", url=_url(store))
    each = on_billing("slow-queries", "--threshold", "0", "--each", url=_url(store))

    assert (0, 0) == (shown.exit_code, each.exit_code)
    for output in (shown.output, each.output):
        assert "example.org" not in output
        assert "hidden-name" not in output
        assert max(map(len, output.splitlines())) <= 100
    assert "COLLSCAN" in shown.stdout
    assert "an index on name, -joinedAt, score would serve it" in " ".join(shown.stdout.split())


def _url(store: BillingStore) -> str:
    return store.backend._connection._url  # type: ignore[attr-defined, no-any-return]


def test_the_command_switches(mongo_url: str, store: BillingStore, database: Any) -> None:
    """The command switches the profiler on and off, and says where nothing was noted why that may be."""
    nothing = on_billing("slow-queries", url=mongo_url)
    on = on_billing("slow-queries", "--profile", "on", "--threshold", "250", url=mongo_url)
    state = database.command("profile", -1)
    off = on_billing("slow-queries", "--profile", "off", url=mongo_url)

    assert [0, 0, 0] == [one.exit_code for one in (nothing, on, off)]
    assert "the profiler is off" in nothing.stdout
    assert (1, 250) == (state["was"], state["slowms"])
    assert 0 == database.command("profile", -1)["was"]


@pytest.fixture
def slow(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """What is logged of slow commands."""
    caplog.set_level(logging.WARNING, "tristore.slow")
    return caplog


def test_commands_are_logged_with_their_method(
    mongo_url: str, store: BillingStore, slow: pytest.LogCaptureFixture
) -> None:
    """A command over the threshold is logged with the repository method that sent it and the caller's line, masked."""
    listening = open_billing(mongo_url, settings={"slowCommandMS": 0})
    with listening.reader() as reader:
        reader.customers.rich(12_345)
        reader.customers.first(lambda c: c.email == "c1@example.org")
        list(reader.customers.stream(lambda c: c.name == "hidden-name"))
        reader.customers.page(lambda c: c.name == "hidden-name", limit=1)
    with listening.unit_of_work() as uow:
        uow.customers.find()[0].name = "hidden-name"
    listening.close()
    said = [message for message in slow.messages if "endSessions" not in message]
    rich, first, stream, *page, find, update, commit = said

    assert "billing: find customers {credits: {$gte: ?}} sort {credits: -1, _id: 1} took" in rich
    assert f"sent by CustomerRepository.rich at {__file__}:" in rich
    assert "CustomerRepository.first at" in first
    assert "CustomerRepository.stream at" in stream
    assert page
    assert all(f"CustomerRepository.page at {__file__}:" in one for one in page)
    assert "CustomerRepository.find at" in find
    assert "update customers" in update
    assert "with $set took" in update
    assert "BillingUnitOfWork.__exit__" in commit
    assert not [line for line in said if "12345" in line or "hidden-name" in line or "example.org" in line]


def test_a_failed_command_is_logged(
    mongo_url: str, store: BillingStore, failpoint: Any, slow: pytest.LogCaptureFixture
) -> None:
    """A command that fails after long is logged as one that failed."""
    listening = open_billing(mongo_url, settings={"slowCommandMS": 0})
    failing = failpoint(["find"], errorCode=2, appName="tristore/billing")
    with failing, pytest.raises(TristoreError), listening.reader() as reader:
        reader.customers.find(lambda c: c.name == "x")
    listening.close()

    assert "and failed, sent by CustomerRepository.find at" in slow.messages[0]


def test_nobody_listens_unasked(store: BillingStore, slow: pytest.LogCaptureFixture) -> None:
    """Without the setting no command is listened to; below the threshold nothing is logged."""
    patient = open_billing(_url(store), settings={"slowCommandMS": 600_000})
    for one in (store, patient):
        with one.reader() as reader:
            reader.customers.find()
    client = store.backend._connection.client  # type: ignore[attr-defined]
    patient.close()

    assert not client._event_listeners.enabled_for_commands
    assert [] == slow.messages


def test_the_setting_of_the_environment(
    monkeypatch: pytest.MonkeyPatch, mongo_url: str, slow: pytest.LogCaptureFixture
) -> None:
    """TRISTORE_CORE_SLOW_COMMAND_MS makes a store log; a wrong value is refused."""
    monkeypatch.setenv("TRISTORE_CORE_URL", mongo_url)
    monkeypatch.setenv("TRISTORE_CORE_SLOW_COMMAND_MS", "1")
    with open_stores(prepare="create") as stores:
        assert isinstance(stores, Stores)
        stores.core.run(lambda core: core.users.add(User(email="ada@example.org", username="ada")))

    assert {"core"} == {message.partition(":")[0] for message in slow.messages}
    with pytest.raises(ConfigurationError, match="slowCommandMS must be a number"):
        open_billing(mongo_url, settings={"slowCommandMS": "soon"})
