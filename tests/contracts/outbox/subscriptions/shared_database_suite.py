"""Two stores in one database: neither takes what the other keeps for itself for its own, on every backend."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contracts.billing import DOCUMENTS, BillingUnitOfWork, CustomerMoved
from tristore import DocumentStore, FixedClock, Id, NotFound, open_store
from tristore.adapters.backend import EVERYTHING, Query, Update, WritePlan
from tristore.errors import MigrationRunning
from tristore.operations import Migrations, OneOff, OutboxRelay

from ..outbox_base import Arrivals, add_mover, records

BillingStore = DocumentStore[BillingUnitOfWork]
OpenNamed = Callable[[str], Any]
NOW = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
LONG_AGO = datetime(2020, 1, 1)


def seven(uow: BillingUnitOfWork) -> int:
    """A result."""
    return 7


def eight(uow: BillingUnitOfWork) -> int:
    """Another one."""
    return 8


def kept(store: BillingStore, collection: str) -> list[dict[str, Any]]:
    """What a store finds in a collection of records."""
    return store.backend.find(collection, Query(), transaction=None, timeout=5).to_list()


def as_before_names(store: BillingStore) -> None:
    """Let the records of the outbox be as they were before they carried the name of their store."""
    updates = [Update(one["_id"], one["rev"], {"rev": one["rev"]}, ("store",)) for one in records(store)]
    store.backend.write(WritePlan("tristore_outbox", "rev", updates=updates), transaction=None, timeout=5)


class SharedDatabaseContract:
    """What two stores of one database leave alone; a subclass says where, with `shared_url`."""

    @pytest.fixture
    def clock(self) -> FixedClock:
        """A clock that stands still."""
        return FixedClock(NOW)

    @pytest.fixture
    def named(self, shared_url: str, clock: FixedClock) -> OpenNamed:
        """Open the database as the store of a name, for a block; in memory one at a time has it."""

        @contextmanager
        def open_it(name: str) -> Iterator[BillingStore]:
            with open_store(
                BillingUnitOfWork,
                url=shared_url,
                documents=DOCUMENTS,
                name=name,
                prepare="create",
                clock=clock,
                publishes=(CustomerMoved,),
                receipts=True,
            ) as store:
                yield store

        return open_it

    @pytest.mark.parametrize("names", [("one", "two"), ("one:", "one"), ("a b/ü", "a b")])
    def test_a_key_is_of_its_store(self, named: OpenNamed, names: tuple[str, str]) -> None:
        """A keyed run of the second store does its own work, and each gets its own result back."""
        results = []
        for work in (seven, eight):
            for name in names:
                with named(name) as store:
                    results.append(store.run(work if name == names[0] else eight, key=":k"))

        assert [7, 8, 7, 8] == results

    def test_a_receipt_is_of_its_store(self, named: OpenNamed) -> None:
        """Which units were committed, each store tells of its own."""
        with named("one") as store:
            with store.unit_of_work() as uow:
                unit_id = uow.id
                uow.publish(CustomerMoved(city="Oslo"))
            own = store.resolve(unit_id)
        with named("two") as store:
            others = store.resolve(unit_id)

        assert (True, False) == (own, others)

    def test_a_relay_delivers_what_its_store_published(self, named: OpenNamed) -> None:
        """The other's events are neither delivered nor counted, listed nor replayed."""
        taken: dict[str, list[str]] = {}
        for name in ("one", "two"):
            with named(name) as store:
                add_mover(store, name, f"{name}/1")
        for name in ("one", "two"):
            with named(name) as store:
                arrivals = Arrivals()
                relay = OutboxRelay(store)
                relay.on(CustomerMoved, "log", arrivals)
                waiting = relay.backlog().waiting
                assert (1, 1) == (waiting, relay.run_once().delivered)
                taken[name] = arrivals.cities
                (foreign,) = [one["_id"] for one in records(store) if one["store"] != name]
                with pytest.raises(NotFound):
                    relay.replay(Id(str(foreign)))

        assert {"one": ["one/1"], "two": ["two/1"]} == taken

    def test_lanes_are_of_their_store(self, named: OpenNamed, clock: FixedClock) -> None:
        """A relay that has died with its lanes holds back nobody but those of its own store."""
        for name in ("one", "two"):
            with named(name) as store:
                add_mover(store, name, f"{name}/1")
                lanes = [
                    {
                        "_id": f"lane:one:{lane}",
                        "store": "one",
                        "fence": 1,
                        "until": NOW + timedelta(hours=1),
                        "beat": 0,
                    }
                    for lane in range(16)
                ]
                if name == "one":
                    store.backend.write(
                        WritePlan("tristore_lanes", "fence", inserts=lanes), transaction=None, timeout=5
                    )
                arrivals = Arrivals()
                relay = OutboxRelay(store)
                relay.on(CustomerMoved, "log", arrivals)
                relay.run_once()
                assert ([] if name == "one" else ["two/1"]) == arrivals.cities

    def test_migrations_are_of_their_store(self, named: OpenNamed) -> None:
        """A runner holds up none of another store, which lists no step of the other as one that was forgotten."""

        def clean(store: Any) -> str:
            return "cleaned"

        with named("one") as store:
            Migrations(store, [OneOff("clean", "cleans", clean)]).run()
            store.backend.claim_lease("tristore_migrations", "runner:one", owner="h:1:x", seconds=60, timeout=5)
            with pytest.raises(MigrationRunning):
                Migrations(store).run()
        with named("two") as store:
            migrations = Migrations(store)
            assert migrations.run().ok
            assert ((), None) == (migrations.status().steps, migrations.status().runner)

    def test_records_without_a_name_are_read(self, named: OpenNamed) -> None:
        """What was written before records carried a name is delivered, recalled, and counted on."""
        old = {"_id": "key:k", "unit": "0" * 24, "result": 7, "at": NOW.replace(tzinfo=None)}
        lane = [{"_id": number, "fence": 3, "until": LONG_AGO, "beat": 0} for number in range(16)]
        runner = {"_id": "runner", "fence": 7, "owner": "h:1:x", "until": LONG_AGO}
        step = {"_id": "step:clean", "fence": 7, "store": "one", "outcome": "running", "checksum": "1"}
        done: list[Any] = []
        with named("one") as store:
            add_mover(store, "ada", "ada/1")
            as_before_names(store)
            for collection, documents in (
                ("tristore_units", [old]),
                ("tristore_lanes", lane),
                ("tristore_migrations", [runner, step]),
            ):
                plan = WritePlan(collection, "fence", inserts=documents)
                store.backend.write(plan, transaction=None, timeout=5)
            arrivals, relay = Arrivals(), OutboxRelay(store)
            relay.on(CustomerMoved, "log", arrivals)
            relay.run_once()
            Migrations(store, [OneOff("clean", "cleans", done.append, checksum="1")]).run()

            assert ["ada/1"] == arrivals.cities
            assert 7 == store.run(eight, key="k")
            assert [store] == done

    def test_every_record_carries_the_name(self, named: OpenNamed) -> None:
        """Whatever tristore keeps for itself, it keeps under the name of its store."""
        with named("one") as store:
            add_mover(store, "ada", "ada/1")
            relay = OutboxRelay(store)
            relay.on(CustomerMoved, "log", Arrivals())
            relay.run_once()
            store.run(seven, key="k")
            Migrations(store, [OneOff("clean", "cleans", lambda store: None, checksum="1")]).run()
            collections = ("tristore_outbox", "tristore_lanes", "tristore_units", "tristore_migrations")
            found = [one for collection in collections for one in kept(store, collection)]
            emptied = store.backend.count("tristore_outbox", EVERYTHING, limit=None, transaction=None, timeout=5)

        nameless = [one["_id"] for one in found if one.get("store") != "one" and ":one" not in str(one["_id"])]
        assert (1, []) == (emptied, nameless)
