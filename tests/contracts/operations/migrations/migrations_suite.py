"""What holds of documents of several schema versions, on every backend: reading, asking, writing back."""

from collections.abc import Callable, Iterator
from math import inf, nan
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen

from tristore import (
    Convert,
    Default,
    Documents,
    DocumentStore,
    InvalidQuery,
    Rename,
    SchemaStep,
    Transform,
    ValidationError,
    VersionConflict,
    count,
    exists,
    is_none,
    not_,
    one_of,
    open_store,
    some,
)
from tristore.errors import StepFailed, UnreadableVersion
from tristore.operations import Migrations, import_lines, to_line

from ...parcels import (
    PARCELS,
    READS_AT_ONCE,
    STEPS,
    Label,
    Parcel,
    ParcelRepository,
    ParcelUnitOfWork,
    insert,
    migrated,
    old,
    stored,
)

ParcelStore = DocumentStore[ParcelUnitOfWork]
OpenParcels = Callable[..., ParcelStore]


@frozen
class CodeAndWeight:
    """A view of fields that steps have changed."""

    code: str
    weight: int


@frozen
class Notes:
    """A view of a field that no step changes."""

    notes: list[str] | None


class ParcelsContract:
    """The fixtures over parcels; a subclass adds where."""

    @pytest.fixture
    def open_parcels(self, url: str) -> Iterator[OpenParcels]:
        """Open a store with documents of the test's own, on the database of the test; closed after it."""
        opened: list[ParcelStore] = []

        def open_it(documents: Documents = PARCELS, **options: Any) -> ParcelStore:
            store = open_store(ParcelUnitOfWork, url=url, documents=[documents], prepare="create", **options)
            if opened:  # in memory each store has data of its own: the second one is another program on the first's
                store.environment.backend = opened[0].backend
            opened.append(store)
            return store

        yield open_it
        for store in opened:
            store.close()

    @pytest.fixture
    def store(self, open_parcels: OpenParcels) -> ParcelStore:
        """The store."""
        return open_parcels()


def version_3(code: str, **values: Any) -> dict[str, Any]:
    """A document between the versions."""
    return {
        **old(9),
        "_id": old(9)["_id"],
        "code": code,
        "priority": "high",
        "schemaVersion": 3,
        "label": {"zipCode": "1", "city": "Ulm"},
    } | values


class MixedVersionsContract(ParcelsContract):
    """Documents of several versions: reading them, asking about them, writing them back."""

    def test_old_documents_are_read_as_the_steps_make_them(self, store: ParcelStore) -> None:
        """Each way of reading gives the entity of the current version, and writes nothing."""
        insert(store, [old(1), old(2, schemaVersion=None)])
        before = stored(store)

        with store.reader() as reader:
            one = reader.parcels.get(before[0]["_id"].binary.hex())
            seen = [
                one,
                reader.parcels.first(sort="id"),
                reader.parcels.find(sort="id")[0],
                reader.parcels.page(page=1, limit=1, sort="id").items[0],
                next(iter(reader.parcels.stream())),
                *reader.parcels.get_many([one.id]),
            ]
        with store.unit_of_work() as uow:
            seen += [uow.parcels.get(one.id), *uow.parcels.find(lambda p: p.code == "P1")]

        assert ("P1", 1_000, "normal", "Ada", "L1", Label("?", "00001")) == (
            one.code,
            one.weight,
            one.priority,
            one.first,
            one.last,
            one.label,
        )
        assert [one.id] * 8 == [parcel.id for parcel in seen if parcel is not None]
        assert ["P1"] * 8 == [parcel.code for parcel in seen if parcel is not None]
        assert before == stored(store)

    def test_an_edit_writes_the_document_back(self, store: ParcelStore) -> None:
        """With the next change of its entity a document is wholly of the current version; unknown fields stay."""
        insert(store, [old(1), old(2)])

        with store.unit_of_work() as uow:
            parcel = uow.parcels.find(lambda p: p.code == "P1")[0]
            uow.parcels.find(lambda p: p.code == "P2")
            parcel.priority = "high"
        first, second = stored(store)

        expected = migrated(1, priority="high", updatedAt=first["updatedAt"])
        assert (expected, old(2)) == (first, second)
        assert 2 == parcel.version

    def test_every_way_of_writing_leaves_no_old_keys(self, store: ParcelStore) -> None:
        """attach, bulk_update of entities and of those in a unit, and upsert write whole current documents."""
        insert(store, [old(number) for number in range(1, 6)])
        with store.reader() as reader:
            parcels = reader.parcels.find(sort="id")
        for parcel in parcels[:3]:
            parcel.notes = ["seen"]

        with store.unit_of_work() as uow:
            uow.parcels.attach(parcels[0])
        with store.unit_of_work() as uow:
            uow.parcels.bulk_update([parcels[1]])
        with store.bulk() as bulk:
            assert 1 == bulk.parcels.bulk_update([parcels[2]]).modified
        with store.unit_of_work() as uow:
            held = uow.parcels.get(parcels[3].id)
            uow.parcels.update_where(lambda p: p.id == held.id, set={"notes": ["other"]})
            held.notes = ["seen"]
        with store.unit_of_work() as uow:
            held = uow.parcels.get(parcels[4].id)
            uow.parcels.refresh(held)
            held.notes = ["seen"]
        found = stored(store)

        assert [migrated(number, notes=["seen"]) for number in range(1, 6)] == [
            {key: value for key, value in {**one, "updatedAt": old(1)["updatedAt"]}.items() if key != "marks"}
            for one in found
        ]

    def test_written_back_at_once(self, open_parcels: OpenParcels) -> None:
        """With write_back="on_read" a reader and a unit write what they read; the entities have the new version."""
        store = open_parcels(READS_AT_ONCE)
        insert(store, [old(number) for number in range(1, 5)])

        with store.reader() as reader:
            first = reader.parcels.find(lambda p: p.code == "P1")[0]
            second = reader.parcels.get(old(2)["_id"].binary.hex())
        with store.unit_of_work() as uow:
            third = uow.parcels.find(lambda p: p.code == "P3")[0]
        found = stored(store)

        assert [migrated(1), migrated(2), old(4)] == [found[0], found[1], found[3]]
        assert migrated(3, updatedAt=found[2]["updatedAt"]) == found[2]
        assert [2, 2, 2] == [first.version, second.version, third.version]

    def test_writing_back_does_not_overwrite(self, open_parcels: OpenParcels) -> None:
        """A reader that writes back meets the version that it read, or leaves the document alone."""
        store = open_parcels(READS_AT_ONCE)
        store.prepare()
        insert(store, [old(1)])
        backend = store.backend
        find = backend.find

        def find_and_be_overtaken(*arguments: Any, **options: Any) -> Any:
            documents = find(*arguments, **options).to_list()
            store.environment.backend = backend
            insert_newer(store)
            return Found(documents)

        class Found:
            def __init__(self, documents: list[dict[str, Any]]) -> None:
                self.documents = documents

            def to_list(self) -> list[dict[str, Any]]:
                return self.documents

        class Overtaken:
            def __getattr__(self, name: str) -> Any:
                return find_and_be_overtaken if name == "find" else getattr(backend, name)

        store.environment.backend = Overtaken()  # type: ignore[assignment] # stands in front of it for one call

        with store.reader() as reader:
            seen = reader.parcels.find(limit=1)[0]

        assert ("P1", 1) == (seen.code, seen.version)
        assert [{**old(1), "version": 2, "number": "newer"}] == stored(store)

    @pytest.mark.parametrize(
        ("rule", "expected"),
        [
            (lambda p: p.code == "P1", {1}),
            (lambda p: one_of(p.code, ["P1", "P2", "P9"]), {1, 2, 9}),
            (lambda p: p.code != "P1", {2, 3, 9}),
            (lambda p: not_(p.code == "P1"), {2, 3, 9}),
            (lambda p: p.code.startswith("P"), {1, 2, 3, 9}),
            (lambda p: p.priority == "normal", {1, 2, 3}),
            (lambda p: p.priority != "normal", {9}),
            (lambda p: exists(p.priority), {1, 2, 3, 9}),
            (lambda p: p.weight == 2_000, {2}),
            (lambda p: p.weight != 2_000, {1, 3, 9}),
            (lambda p: one_of(p.weight, [1_000, 4_000, 7]), {1, 9}),
            (lambda p: some(p.label).city == "?", {1, 2, 3}),
            (lambda p: some(p.label).zip_code == "00002", {2}),
            (lambda p: (some(p.label).zip_code == "1") | (p.code == "P3"), {3, 9}),
            (lambda p: is_none(p.notes) & (p.code != "P2"), {1, 3, 9}),
        ],
    )
    def test_rules_find_documents_of_all_versions(
        self, store: ParcelStore, rule: Callable[[Parcel], Any], expected: set[int]
    ) -> None:
        """A rule about a field that declarative steps moved meets what it meets when all is migrated."""
        insert(store, [old(1), old(2, schemaVersion=None), migrated(3), version_3("P9", weight="4")])

        with store.reader() as reader:
            before = reader.parcels.find(rule)
            counted = reader.parcels.count(rule)
        Migrations(store).run()
        with store.reader() as reader:
            after = reader.parcels.find(rule)

        assert expected == {int(parcel.id, 16) for parcel in before}
        assert len(expected) == counted
        assert {parcel.id for parcel in before} == {parcel.id for parcel in after}

    def test_rules_about_what_a_function_made_wait(self, store: ParcelStore) -> None:
        """Such a rule is refused with the step and what to do until no old document is stored, and answered then."""
        insert(store, [old(1), migrated(2)])
        refused = r"first of Parcel cannot be asked about yet: a function of schema version 5 .*split_name.*migrate run"

        with store.reader() as reader, pytest.raises(InvalidQuery, match=refused):
            reader.parcels.find(lambda p: p.first == "Ada")
        with store.unit_of_work() as uow, pytest.raises(InvalidQuery, match=refused):
            uow.parcels.count(lambda p: (p.code == "P1") & (p.first == "Ada"))
        Migrations(store).run()
        with store.reader() as reader:
            found = reader.parcels.find(lambda p: p.first == "Ada")
        with store.unit_of_work() as uow:
            counted = uow.parcels.count(lambda p: p.first == "Ada")

        assert (2, 2) == (len(found), counted)

    def test_a_snapshot_from_before_the_end_still_refuses(self, store: ParcelStore) -> None:
        """A unit whose snapshot holds old documents refuses, although a runner has completed the migration since."""
        insert(store, [old(1)])

        with store.unit_of_work() as uow:
            uow.parcels.count()
            Migrations(store).run()
            with pytest.raises(InvalidQuery):
                uow.parcels.count(lambda p: p.first == "Ada")
            uow.rollback()

    def test_what_needs_one_form_of_all_documents_waits(self, store: ParcelStore) -> None:
        """Orders, distinct values, rollups and blind changes of a moved field are refused until all are migrated."""
        insert(store, [old(1), migrated(2)])

        @frozen
        class Codes:
            code: str
            n: int

        def ask(parcels: ParcelRepository) -> list[Callable[[], object]]:
            return [
                lambda: parcels.find(sort="code"),
                lambda: parcels.distinct(lambda p: p.code),
                lambda: parcels.rollup(Codes, by=lambda p: {"code": p.code}, values=lambda p: {"n": count()}),
            ]

        with store.reader() as reader:
            for question in ask(reader.parcels):
                with pytest.raises(InvalidQuery, match=r"code of Parcel cannot be .* yet: .*rename number to code"):
                    question()
        with store.bulk() as bulk, pytest.raises(InvalidQuery, match="priority of Parcel cannot be changed"):
            bulk.parcels.update_where(lambda p: p.code == "P1", set={"priority": "high"})
        Migrations(store).run()
        with store.reader() as reader:
            answers = [question() for question in ask(reader.parcels)]

        assert [2, 2, 2] == [len(answer) for answer in answers if isinstance(answer, list | tuple)]

    def test_views_of_old_documents(self, store: ParcelStore) -> None:
        """A view of moved fields shows what the steps make of them; one of other fields reads only these."""
        insert(store, [old(1, notes=["a"]), migrated(2)])

        with store.reader() as reader:
            moved = reader.parcels.find(select=CodeAndWeight, sort="id")
            others = reader.parcels.find(lambda p: p.code == "P1", select=Notes)

        assert [CodeAndWeight("P1", 1_000), CodeAndWeight("P2", 2_000)] == list(moved)
        assert [Notes(["a"])] == list(others)

    def test_new_documents_are_of_the_current_version(self, store: ParcelStore) -> None:
        """add, add_many and upsert write the current schema version."""
        with store.unit_of_work() as uow:
            uow.parcels.add(Parcel(code="A"))
        with store.bulk() as bulk:
            bulk.parcels.add_many([Parcel(code="B")])

        assert [5, 5] == [document["schemaVersion"] for document in stored(store)]

    @pytest.mark.parametrize("version", [6, 7.0, 2**40])
    def test_a_document_from_the_future(self, store: ParcelStore, version: object) -> None:
        """It is refused by every way of reading, with its id and what to do, and stays as it is."""
        insert(store, [migrated(1, schemaVersion=version)])
        refused = r"document 0+1 of parcels has schema version .*, and this code has 5: newer code wrote it"

        for select in (None, CodeAndWeight, Notes):
            with store.reader() as reader, pytest.raises(UnreadableVersion, match=refused):
                reader.parcels.find(select=select) if select else reader.parcels.find()
        with store.unit_of_work() as uow, pytest.raises(UnreadableVersion, match=refused):
            uow.parcels.find()
        Migrations(store).run()

        assert [migrated(1, schemaVersion=version)] == stored(store)

    @pytest.mark.parametrize("how", ["bulk", "unit"])
    def test_writes_by_a_rule_leave_what_newer_code_wrote(self, store: ParcelStore, how: str) -> None:
        """update_where, remove_where and an added field pass over it, and write what this code may."""
        newer = migrated(1, schemaVersion=9, marks={"of": "newer code"})
        friendly = migrated(2, schemaVersion=9, schemaCompatible=5)
        insert(store, [newer, friendly, migrated(3)])

        for call in ("update", "remove"):
            with store.bulk() if how == "bulk" else store.unit_of_work() as work:
                if call == "update":
                    done = work.parcels.update_where(lambda p: p.priority == "normal", set={"notes": ["x"]})
                else:
                    done = work.parcels.remove_where(lambda p: p.priority == "normal")
            assert 2 == done.matched + done.removed

        assert [newer] == stored(store)

    def test_an_added_field_leaves_what_newer_code_wrote(self, store: ParcelStore) -> None:
        """It is not given a default, and not counted as left."""
        newer = migrated(1, schemaVersion=9)
        insert(store, [newer, migrated(2)])

        addition = Migrations(store).add_field("parcels", "marks")

        assert (1, 0) == (addition.filled, addition.left)
        assert [newer, migrated(2, 3, marks=[])] == stored(store)

    def test_a_conversion_to_none_has_no_way_back(self, open_parcels: OpenParcels) -> None:
        """With back=, a rule about None would not find what becomes None: such a document is an error, and stays."""
        store = open_parcels(
            Documents(
                ParcelRepository,
                collection="parcels",
                schema_version=2,
                steps=[SchemaStep(2, Convert("notes", lambda text: text or None, back=lambda notes: [notes]))],
            )
        )
        insert(store, [migrated(1, schemaVersion=1, notes="")])

        with store.reader() as reader, pytest.raises(StepFailed, match="makes None of it"):
            reader.parcels.find()

    @pytest.mark.parametrize("version", ["1", [1], nan, inf])
    def test_a_read_does_not_fail_for_what_it_cannot_write_back(
        self, open_parcels: OpenParcels, version: object
    ) -> None:
        """What is stored as the optimistic version and is none cannot be raised: the document stays as it is."""
        store = open_parcels(READS_AT_ONCE)
        insert(store, [old(1, version=version), old(2)])

        with store.reader() as reader, pytest.raises(ValidationError, match="version"):
            reader.parcels.find()

        assert [1, 5] == [document["schemaVersion"] for document in stored(store)]

    @pytest.mark.parametrize(
        ("version", "why"),
        [("two", "no version"), (1.5, "no version"), (True, "no version"), (nan, "no version"), (-inf, "no version")],
    )
    def test_a_version_that_is_none(self, store: ParcelStore, version: object, why: str) -> None:
        """What is stored as a version and is none is refused, and counted as unreadable."""
        insert(store, [migrated(1, schemaVersion=version)])

        with store.reader() as reader, pytest.raises(UnreadableVersion, match=why):
            reader.parcels.find()

        assert 1 == sum(Migrations(store).status().collections[0].census.unreadable.values())

    def test_a_document_older_than_the_steps(self, open_parcels: OpenParcels) -> None:
        """Where the chain begins later, an older document is refused with the gap, and stays as it is."""
        store = open_parcels(
            Documents(ParcelRepository, collection="parcels", schema_version=5, steps=STEPS[2:], unversioned=5)
        )
        insert(store, [old(1), migrated(2, schemaVersion=None)])

        with store.reader() as reader:
            with pytest.raises(
                UnreadableVersion, match=r"schema version 1, and this code has 5: no steps lead from 1 to 3"
            ):
                reader.parcels.find()
            found = reader.parcels.get(old(2)["_id"].binary.hex())
        report = Migrations(store).run()

        assert "P2" == found.code
        assert (1, 1, False) == (report.collections[0].failed, report.collections[0].left, report.ok)
        assert [old(1), migrated(2, schemaVersion=None)] == stored(store)

    def test_compatible_documents_are_edited_by_older_code(self, open_parcels: OpenParcels) -> None:
        """What newer code marks compatible, older code reads and edits; version and new fields stay."""
        newer = Documents(
            ParcelRepository,
            collection="parcels",
            schema_version=6,
            steps=(*STEPS, SchemaStep(6, Default("extra", "new"), compatible=True)),
        )
        new_store = open_parcels(newer)
        old_store = open_parcels()
        insert(new_store, [migrated(1)])
        Migrations(new_store).run()

        with old_store.unit_of_work() as uow:
            uow.parcels.find(lambda p: p.code == "P1")[0].priority = "high"
        (found,) = stored(old_store)

        assert {"schemaVersion": 6, "schemaCompatible": 5, "extra": "new", "priority": "high"}.items() <= found.items()
        assert {6: 1} == Migrations(old_store).status().collections[0].census.versions

    def test_replacing_code_does_not_lose_what_is_newer(self, open_parcels: OpenParcels) -> None:
        """With update="replace" a compatible document from the future is refused: a write would lose its new fields."""
        store = open_parcels(
            Documents(ParcelRepository, collection="parcels", schema_version=5, steps=STEPS, update="replace")
        )
        insert(store, [migrated(1, schemaVersion=6, schemaCompatible=5)])

        with store.unit_of_work() as uow, pytest.raises(UnreadableVersion, match="would lose the fields"):
            uow.parcels.find()

    @pytest.mark.parametrize(
        ("document", "why"),
        [
            (old(1, weight="heavy"), r"schema version 4: convert weight by grams: .*heavy"),
            (old(1, code="there"), r"schema version 2: rename number to code: code is there already beside number"),
            (old(1, label=["list"]), r"a list is in the way of label.zipCode, at label"),
            (old(1, label="text"), r"label is no document, so that label.zipCode has no place"),
        ],
    )
    def test_a_step_that_fails(self, store: ParcelStore, document: dict[str, Any], why: str) -> None:
        """The error names document, version, step and reason; the document stays as it is, in a run too."""
        insert(store, [document, old(2)])

        with store.reader() as reader, pytest.raises(StepFailed, match=why) as caught:
            reader.parcels.get(document["_id"].binary.hex())
        report = Migrations(store).run()

        assert document["_id"] == caught.value.document_id
        assert (1, 1, 1) == (report.collections[0].migrated, report.collections[0].failed, report.collections[0].left)
        assert [document, migrated(2)] == stored(store)
        assert [document["_id"]] == [problem.document_id for problem in report.collections[0].problems]

    @pytest.mark.parametrize(
        ("function", "why"),
        [
            (lambda document: {**document, "other": 1}, "it changed other, which it does not list in touches"),
            (lambda document: {**document, "code": 1}, "it changed code, which it does not list in touches"),
            (lambda document: {**document, "version": 9}, "it changed version"),
            (lambda document: {**document, "_id": 9}, "it changed _id"),
            (lambda document: {}, "which it does not list in touches"),
            (lambda document: None, "it returned no document, but NoneType"),
            (lambda document: 1 / 0, "ZeroDivisionError"),
            (lambda document: {**document, "first": object()}, "cannot be stored"),
        ],
    )
    def test_a_function_that_does_not_keep_to_its_list(
        self, open_parcels: OpenParcels, function: Any, why: str
    ) -> None:
        """What a function does beyond the keys that it lists is an error of the document, and nothing is written."""
        steps = (*STEPS, SchemaStep(6, Transform(function, ("first",))))
        store = open_parcels(Documents(ParcelRepository, collection="parcels", schema_version=6, steps=steps))
        insert(store, [migrated(1)])

        with store.reader() as reader, pytest.raises(StepFailed, match=why):
            reader.parcels.find()

        assert [migrated(1)] == stored(store)

    def test_a_held_entity_meets_the_migration_as_a_conflict(self, store: ParcelStore) -> None:
        """Whoever loaded a document before it was migrated does not write over it."""
        insert(store, [old(1)])
        with store.reader() as reader:
            parcel = reader.parcels.find()[0]
        Migrations(store).run()
        parcel.priority = "high"

        with store.unit_of_work() as uow, pytest.raises(VersionConflict):
            uow.parcels.attach(parcel)

        assert [migrated(1)] == stored(store)

    def test_names_of_keys_with_another_naming(self, open_parcels: OpenParcels) -> None:
        """With naming="snake_case" the marks are schema_version and schema_compatible."""
        store = open_parcels(
            Documents(
                ParcelRepository,
                collection="parcels",
                naming="snake_case",
                schema_version=2,
                steps=[SchemaStep(2, Rename("number", "code"), compatible=True)],
            )
        )
        insert(store, [{"_id": old(1)["_id"], "number": "P1"}])
        Migrations(store).run()

        assert [
            {"_id": old(1)["_id"], "code": "P1", "version": 1, "schema_version": 2, "schema_compatible": 1}
        ] == stored(store)

    def test_an_import_brings_documents_up_to_date(self, open_parcels: OpenParcels, tmp_path: Path) -> None:
        """Lines of older versions are stored in the current one, which a complete migration stays with; others wait."""
        store, lines = open_parcels(), tmp_path / "parcels.jsonl"
        assert Migrations(store).run().ok
        found = [old(1), old(2, weight="heavy"), migrated(3), migrated(4, schemaVersion=9)]
        lines.write_bytes(b"".join(map(to_line, found)))

        report = import_lines(store, "parcels", lines)
        again = import_lines(store, "parcels", lines, rejects=tmp_path / "again.rejects")

        assert (2, 2, 2) == (report.inserted, report.rejected, again.unchanged)
        assert [migrated(1, 1), migrated(3)] == stored(store)
        refused = (tmp_path / "parcels.jsonl.rejects").read_text()
        assert "convert weight by grams: invalid literal" in refused
        assert "newer code wrote it" in refused
        with store.reader() as reader:
            assert ["P1"] == [one.code for one in reader.parcels.find(lambda p: p.last == "L1")]


def insert_newer(store: ParcelStore) -> None:
    """Let another writer, of the old code, change the document."""
    from tristore.adapters.backend import Update, WritePlan

    change = Update(old(1)["_id"], 1, {"number": "newer", "version": 2})
    store.backend.write(WritePlan("parcels", "version", updates=[change]), transaction=None, timeout=5)
