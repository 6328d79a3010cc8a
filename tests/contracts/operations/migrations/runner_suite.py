"""What the runner of migrations does, on every backend."""

import logging
import threading
import time
from datetime import datetime
from functools import partial
from math import inf, nan
from typing import Any
from uuid import UUID

import pytest
from bson import ObjectId

from tristore import ConfigurationError, Store
from tristore.errors import LeaseLost, MigrationRunning, StepChanged, WriteConflict
from tristore.operations import Migrations, OneOff, Progress

from ...parcels import Parcel, insert, migrated, old, stored
from .migrations_suite import OpenParcels, ParcelsContract, ParcelStore

COLLECTION = "tristore_migrations"
"""Where a store records its migrations."""


class StoppedError(Exception):
    """What a test stops a run with."""


class RunnerContract(ParcelsContract):
    """Runs, dry runs, verification, leases, named steps, added fields."""

    def test_a_run(self, store: ParcelStore) -> None:
        """It brings every document up to date, reports it, and finds nothing to do the second time."""
        insert(store, [old(number) for number in range(1, 8)])
        insert(store, [migrated(8)])
        seen: list[Progress] = []

        report = Migrations(store).run(batch=3, on_progress=seen.append)
        again = Migrations(store).run()

        assert [migrated(number) for number in range(1, 9)] == stored(store)
        assert (7, 0, 0, 0, True) == (
            report.collections[0].migrated,
            report.collections[0].retried,
            report.collections[0].failed,
            report.collections[0].left,
            report.ok,
        )
        assert [(3, 7), (6, 7), (7, 7)] == [(progress.done, progress.total) for progress in seen]
        assert () == again.collections

    def test_status(self, store: ParcelStore) -> None:
        """It counts by version, and says whether a runner has completed the collection."""
        insert(store, [old(1), old(2, schemaVersion=None), old(3, schemaVersion=2, code="c"), migrated(4)])
        migrations = Migrations(store)
        before = migrations.status().collections[0]
        migrations.run()
        after = migrations.status()

        assert ({1: 2, 2: 1, 5: 1}, 3, False) == (before.census.versions, before.census.older, before.complete)
        assert (True, True, {5: 4}) == (
            after.is_complete,
            after.collections[0].complete,
            after.collections[0].census.versions,
        )

    def test_a_dry_run(self, store: ParcelStore) -> None:
        """It writes nothing, and says what each version needs, with documents before and after."""
        insert(store, [old(1), old(2, weight="heavy", schemaVersion=3, code="c")])
        before = stored(store)

        plan = Migrations(store).plan(samples=1)
        first, second = plan.collections[0].samples

        assert before == stored(store)
        assert [] == stored(store, COLLECTION)
        assert [2, 3, 4, 5] == list(plan.collections[0].steps)
        assert ("- number: 'P1'", "+ code: 'P1'", "+ priority: 'normal'") == tuple(
            line for line in first.lines if line[2:8] in {"number", "code: ", "priori"}
        )
        assert ((), True) == (second.lines, "heavy" in second.problem)

    def test_verification(self, store: ParcelStore) -> None:
        """It names documents that are old, and those that cannot be built as entities."""
        insert(store, [old(1), migrated(2), migrated(3, code=7)])
        migrations = Migrations(store)

        (before,) = migrations.verify()
        migrations.run()
        (after,) = migrations.verify()
        (quick,) = migrations.verify(read=False)

        assert (1, 3, 1, False) == (before.census.older, before.read, before.failed, before.ok)
        assert (0, 3, 1, False) == (after.census.older, after.read, after.failed, after.ok)
        assert [old(3)["_id"]] == [problem.document_id for problem in after.problems]
        assert (0, 0, True) == (quick.read, quick.failed, quick.ok)

    @pytest.mark.parametrize("stop_after", [1, 2, 3])
    def test_an_interrupted_run_goes_on(self, store: ParcelStore, stop_after: int) -> None:
        """A run that ends in its midst leaves a checkpoint, and the next one goes on behind it."""
        insert(store, [old(number) for number in range(1, 9)])

        def stop(progress: Progress) -> None:
            if progress.done >= stop_after * 2:
                raise StoppedError

        with pytest.raises(StoppedError):
            Migrations(store).run(batch=2, on_progress=stop)
        between = Migrations(store).status().collections[0]
        report = Migrations(store).run(batch=2)

        assert old(stop_after * 2)["_id"] == between.position
        assert 8 - stop_after * 2 == report.collections[0].migrated
        assert [migrated(number) for number in range(1, 9)] == stored(store)

    def test_documents_behind_the_checkpoint_are_not_forgotten(self, store: ParcelStore) -> None:
        """What old code writes behind a run is migrated by it in the end."""
        insert(store, [old(number) for number in range(5, 9)])

        def write_behind(progress: Progress) -> None:
            if progress.done == 2:
                insert(store, [old(1)])

        report = Migrations(store).run(batch=2, on_progress=write_behind)

        assert (5, True) == (report.collections[0].migrated, report.ok)
        assert 5 == sum(document["schemaVersion"] == 5 for document in stored(store))

    def test_a_run_beside_live_writers(self, open_parcels: OpenParcels) -> None:
        """Edits of units that run meanwhile are all there at the end, and every document is of the current version."""
        store = open_parcels()
        insert(store, [old(number) for number in range(1, 61)])
        ids = [old(number)["_id"].binary.hex() for number in range(1, 61)]
        edits = dict.fromkeys(ids, 0)
        over = threading.Event()
        problems: list[Exception] = []

        def edit() -> None:
            try:
                while not over.is_set():
                    for parcel_id in ids[::7]:
                        store.run(partial(note, parcel_id))
                        edits[parcel_id] += 1
            except Exception as error:  # noqa: BLE001 - told by the thread that waits for it
                problems.append(error)

        def note(parcel_id: str, uow: Any) -> None:
            parcel = uow.parcels.get(parcel_id)
            parcel.notes = [*(parcel.notes or []), "x"]

        writer = threading.Thread(target=edit)
        writer.start()
        try:
            report = Migrations(store).run(batch=5, rate=200)
        finally:
            over.set()
            writer.join()
        with store.reader() as reader:
            found = {parcel.id: parcel for parcel in reader.parcels.find(limit=1_000)}

        assert [] == problems
        assert report.ok
        assert edits == {parcel_id: len(found[parcel_id].notes or []) for parcel_id in ids}
        assert {5} == {document["schemaVersion"] for document in stored(store)}
        assert all("number" not in document and "name" not in document for document in stored(store))

    def test_a_document_that_somebody_else_wrote_is_retried(self, store: ParcelStore) -> None:
        """A document that changed between reading and writing keeps the change, and is migrated from it."""
        insert(store, [old(1), old(2)])
        backend = store.backend
        write_many = backend.write_many

        class Overtaken:
            def __getattr__(self, name: str) -> Any:
                return self.overtaken if name == "write_many" else getattr(backend, name)

            def overtaken(self, plan: Any, **options: Any) -> Any:
                store.environment.backend = backend
                update(store, 2, number="newer", version=2)
                return write_many(plan, **options)

        store.environment.backend = Overtaken()  # type: ignore[assignment] # stands in front of it for one call

        report = Migrations(store).run()

        assert (2, 1, True) == (report.collections[0].migrated, report.collections[0].retried, report.ok)
        assert [migrated(1), migrated(2, version=3, code="newer")] == stored(store)

    def test_a_writer_of_the_old_version_does_not_undo_it(self, store: ParcelStore) -> None:
        """The migration takes a step of the optimistic version: what old code planned before meets nothing."""
        insert(store, [old(1)])
        Migrations(store).run()

        assert 0 == update(store, 1, number="late", version=2)
        assert [migrated(1)] == stored(store)

    def test_one_runner_at_a_time(self, store: ParcelStore) -> None:
        """A second runner is refused with the first one's name, and works once that has ended."""
        insert(store, [old(1)])
        refusals: list[MigrationRunning] = []

        def second(_: Progress) -> None:
            with pytest.raises(MigrationRunning, match=r"is being migrated by .*its lease ends within") as caught:
                Migrations(store).run()
            refusals.append(caught.value)

        Migrations(store).run(on_progress=second)

        assert 1 == len(refusals)
        assert 0 < refusals[0].seconds <= 30
        assert Migrations(store).run().ok

    def test_a_dead_runner_is_waited_for(self, store: ParcelStore) -> None:
        """The lease of a runner that never gave it back ends by itself, and each claim raises the fence."""
        insert(store, [old(1)])
        backend = store.backend
        dead = backend.claim_lease(COLLECTION, f"runner:{store.name}", owner="host:1:dead", seconds=0.3, timeout=5)
        with pytest.raises(MigrationRunning, match="host:1"):
            Migrations(store).run(lease=0.3)

        report = Migrations(store).run(wait=30)
        taken = backend.claim_lease(COLLECTION, f"runner:{store.name}", owner="host:2:next", seconds=0.3, timeout=5)

        assert report.ok
        assert dead.fence + 2 == taken.fence

    def test_who_lost_the_lease_writes_no_record(self, store: ParcelStore) -> None:
        """A runner that was overtaken stops at its next checkpoint, and leaves the records to the later one."""
        insert(store, [old(number) for number in range(1, 7)])
        backend = store.backend

        def overtake(progress: Progress) -> None:
            if progress.done == 2:
                (lease,) = [one for one in stored(store, COLLECTION) if one["_id"] == f"runner:{store.name}"]
                mine = {"owner": lease["owner"], "fence": lease["fence"]}
                backend.renew_lease(COLLECTION, lease["_id"], **mine, seconds=0, timeout=5)
                assert Migrations(store).run().ok

        with pytest.raises(LeaseLost):
            Migrations(store).run(batch=2, on_progress=overtake)

        assert [migrated(number) for number in range(1, 7)] == stored(store)
        assert Migrations(store).status().collections[0].complete

    def test_the_lease_is_renewed(self, store: ParcelStore) -> None:
        """A run that takes longer than its lease keeps it."""
        insert(store, [old(number) for number in range(1, 31)])

        report = Migrations(store).run(batch=1, rate=25, lease=0.4)

        assert (30, True) == (report.collections[0].migrated, report.ok)

    def test_named_steps(self, store: ParcelStore) -> None:
        """Each is carried out once, after the documents, and recorded with checksum, description, times and outcome."""
        insert(store, [old(1)])
        calls: list[str] = []

        def fix(given: Store[Any]) -> str:
            calls.append(str(given.name))
            with given.bulk() as bulk:
                done = bulk.parcels.update_where(lambda p: p.first == "Ada", set={"priority": "high"})
            return f"{done.modified} parcels"

        steps = [
            OneOff("2026-01-fix", "Ada goes first", fix),
            OneOff("2026-02-index", "build", lambda one: one.prepare(), checksum="1"),
        ]
        migrations = Migrations(store, steps)
        pending = migrations.status().steps
        first = migrations.run()
        second = migrations.run()
        done = migrations.status().steps

        assert ["pending", "pending"] == [step.outcome for step in pending]
        assert (["parcel"], ()) == (calls, second.steps)
        assert ["1 parcels", ""] == [step.details for step in first.steps]
        assert ["done", "done"] == [step.outcome for step in done]
        assert ("Ada goes first", steps[0].checksum) == (done[0].description, done[0].checksum)
        assert all(step.started_at is not None and step.ended_at is not None for step in done)
        assert ["high"] == [document["priority"] for document in stored(store)]

    def test_a_changed_step_is_refused(self, store: ParcelStore) -> None:
        """A step that was done with another checksum ends a run before anything is done; status shows it."""
        calls: list[int] = []
        Migrations(store, [OneOff("fix", "d", lambda _: calls.append(1), checksum="one")]).run()
        insert(store, [old(1)])
        changed = Migrations(store, [OneOff("fix", "d", lambda _: calls.append(2), checksum="two")])

        for call in (changed.run, changed.plan):
            with pytest.raises(StepChanged, match="the step fix was carried out with another content"):
                call()

        assert [1] == calls
        assert [old(1)] == stored(store)
        assert "changed" == changed.status().steps[0].outcome
        assert "undeclared" == Migrations(store).status().steps[0].outcome

    def test_a_step_that_fails(self, store: ParcelStore, caplog: pytest.LogCaptureFixture) -> None:
        """It is recorded with its error and ends the run; mended, it is carried out by the next one."""
        calls: list[str] = []

        def broken(_: object) -> None:
            raise ValueError("no such parcel")

        steps = [
            OneOff("first", "d", lambda _: calls.append("first"), checksum="1"),
            OneOff("second", "d", broken),
            OneOff("third", "d", lambda _: calls.append("third"), checksum="1"),
        ]
        with caplog.at_level(logging.ERROR):
            report = Migrations(store, steps).run()
        steps[1] = OneOff("second", "d", lambda _: calls.append("second"), checksum="1")
        mended = Migrations(store, steps).run()

        assert [("first", "done"), ("second", "failed")] == [(step.name, step.outcome) for step in report.steps]
        assert (False, "ValueError: no such parcel") == (report.ok, report.steps[1].details)
        assert (["first", "second", "third"], True) == (calls, mended.ok)

    def test_a_step_that_was_killed_is_carried_out_again(self, store: ParcelStore) -> None:
        """A step that never came to an end is running, and is done again by the next run."""
        calls: list[int] = []

        def killed(_: object) -> None:
            calls.append(len(calls))
            if len(calls) == 1:
                raise KeyboardInterrupt

        migrations = Migrations(store, [OneOff("fix", "d", killed)])
        with pytest.raises(KeyboardInterrupt):
            migrations.run()
        between = migrations.status().steps[0].outcome
        migrations.run()

        assert ("running", [0, 1], "done") == (between, calls, migrations.status().steps[0].outcome)

    def test_only_what_was_named(self, store: ParcelStore) -> None:
        """With only= a run does what is named, and an unknown name is refused with those that there are."""
        insert(store, [old(1)])
        migrations = Migrations(store, [OneOff("fix", "d", lambda _: None, checksum="1")])

        report = migrations.run(only=["fix"])
        with pytest.raises(ConfigurationError, match=r"no collection or step parcel: it has fix, parcels"):
            migrations.run(only=["parcel"])

        assert (["fix"], []) == ([step.name for step in report.steps], list(report.collections))
        assert [old(1)] == stored(store)

    def test_an_added_field(self, store: ParcelStore) -> None:
        """Where it is missing it gets its default, each document one of its own; the rest stays, and it is verified."""
        before = [migrated(1), migrated(2, marks=["kept"]), migrated(3, marks=None), old(4)]
        insert(store, before)

        addition = Migrations(store).add_field("parcels", "marks")
        again = Migrations(store).add_field("parcels", "marks")

        assert (2, 0, True, 0) == (addition.filled, addition.left, addition.ok, again.filled)
        assert [migrated(1, version=3, marks=[]), *before[1:3], old(4, version=2, marks=[])] == stored(store)

    def test_a_field_that_cannot_be_added(self, store: ParcelStore) -> None:
        """One without a default, one that a step makes, and one that is not there are refused with what to do."""
        insert(store, [old(1)])
        migrations = Migrations(store)
        with pytest.raises(ConfigurationError, match="a schema step of parcels changes first"):
            migrations.add_field("parcels", "first")
        with pytest.raises(ConfigurationError, match=r"Parcel.notes has no default"):
            migrations.add_field("parcels", "notes")
        with pytest.raises(ConfigurationError, match=r"Parcel.code has no default"):
            migrations.add_field("parcels", "code")
        with pytest.raises(ConfigurationError, match="Parcel has no field 'wrong'"):
            migrations.add_field("parcels", "wrong")

        assert [old(1)] == stored(store)

    @pytest.mark.parametrize(
        "arguments",
        [
            {"batch": 0},
            {"batch": 1.5},
            {"rate": 0},
            {"rate": True},
            {"rate": nan},
            {"rate": inf},
            {"lease": 0.0},
            {"lease": nan},
            {"wait": -1},
            {"wait": nan},
            {"wait": "x"},
            {"only": 5},
            {"only": [5]},
        ],
    )
    def test_wrong_arguments(self, store: ParcelStore, arguments: dict[str, Any]) -> None:
        """An argument out of its bounds is refused with them."""
        with pytest.raises(ConfigurationError, match="must be"):
            Migrations(store).run(**arguments)

    @pytest.mark.parametrize("samples", [-1, 1.5, True, "x"])
    def test_a_wrong_number_of_samples(self, store: ParcelStore, samples: Any) -> None:
        """It is refused."""
        with pytest.raises(ConfigurationError, match="samples must be a whole number"):
            Migrations(store).plan(samples=samples)

    def test_the_rate_is_held(self, store: ParcelStore) -> None:
        """A run of so many documents takes at least as long as the rate says."""
        insert(store, [old(number) for number in range(60)])

        began = time.monotonic()
        report = Migrations(store).run(rate=100, batch=20)

        assert (60, True) == (report.collections[0].migrated, report.ok)
        assert time.monotonic() - began >= 0.55

    def test_ids_of_several_types(self, store: ParcelStore) -> None:
        """A run passes from the ids of one type to those of the next, also behind a document that fails."""
        ids = [1, 2.5, "a", b"b", UUID(int=5), ObjectId(), True, datetime(2026, 1, 31)]
        insert(store, [old(number, _id=id) for number, id in enumerate(ids)])
        insert(store, [old(20, _id=0, weight="heavy"), old(21, _id="", weight="heavy")])

        (report,) = Migrations(store).run(batch=1).collections

        assert (len(ids), 2, 2) == (report.migrated, report.failed, report.left)
        assert {0, ""} == {problem.document_id for problem in report.problems}

    @pytest.mark.parametrize("version", ["1", [1], nan, inf, True])
    def test_an_optimistic_version_that_is_none(self, store: ParcelStore, version: object) -> None:
        """Such a document stays as it is and is named; the others are done."""
        insert(store, [old(1, version=version), old(2)])

        (report,) = Migrations(store).run().collections

        assert (1, 1, 1) == (report.migrated, report.failed, report.left)
        assert "version of document" in report.problems[0].why
        assert [1, 5] == [document["schemaVersion"] for document in stored(store)]

    def test_documents_that_cannot_be_read_are_counted(self, store: ParcelStore) -> None:
        """A run is not ok while some are stored, whether it had something to do or not; older ones are complete."""
        insert(store, [old(1), migrated(2, schemaVersion=9), migrated(3, schemaVersion="1")])

        runs = [Migrations(store).run() for _ in range(2)]

        assert [False, False] == [run.ok for run in runs]
        assert [{"9": 1, "1": 1}] * 2 == [dict(run.collections[0].unreadable) for run in runs]
        assert [1, 0] == [run.collections[0].migrated for run in runs]

    def test_a_step_of_another_store_in_the_same_database(self, store: ParcelStore, open_parcels: OpenParcels) -> None:
        """A name stands for one step: a second store with one of that name is refused, and nothing of it is done."""
        done: list[str] = []

        def note(given: Store[Any]) -> None:
            done.append(given.name)

        other = open_parcels(name="other")
        Migrations(store, [OneOff("2026-note", "Note", note)]).run()
        again = Migrations(other, [OneOff("2026-note", "Note", note)])

        for call in (again.run, again.plan):
            with pytest.raises(
                ConfigurationError, match="step 2026-note of store other was carried out by store parcel"
            ):
                call()
        assert ["parcel"] == done

    def test_entities_edited_while_a_run_passes(self, store: ParcelStore) -> None:
        """A unit that loaded an old document before the run commits its edit or conflicts; nothing is lost."""
        insert(store, [old(1)])
        with pytest.raises(WriteConflict), store.unit_of_work() as uow:
            parcel = uow.parcels.find()[0]
            parcel.priority = "high"
            Migrations(store).run()

        assert [migrated(1)] == stored(store)

    def test_a_new_parcel_needs_no_run(self, store: ParcelStore) -> None:
        """A collection in which nothing old was ever stored answers rules about every field at once."""
        with store.unit_of_work() as uow:
            uow.parcels.add(Parcel(code="A", first="Ada"))
        with store.reader() as reader:
            found = reader.parcels.find(lambda p: p.first == "Ada", sort="code")

        assert ["A"] == [parcel.code for parcel in found]


def update(store: ParcelStore, which: int, /, **values: Any) -> int:
    """Write as another program does; return how many documents it met."""
    from tristore.adapters.backend import Update, WritePlan

    change = Update(old(which)["_id"], 1, values)
    plan = WritePlan("parcels", "version", updates=[change])
    return store.backend.write(plan, transaction=None, timeout=5).matched
