"""What every backend must keep about files of Extended JSON lines into and out of repositories."""

import json
import os
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from bson import Decimal128, Int64, ObjectId, encode
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tristore import ConfigurationError, DocumentStore, ValidationError
from tristore.adapters.backend import CODEC_OPTIONS, EVERYTHING, Document, Query, SortKey, WritePlan
from tristore.operations import ImportReport, Step, export_lines, from_line, import_lines, to_line
from tristore.testing import entities

from ..billing import Address, BillingUnitOfWork, Customer, customer
from .extended_json import documents

Billing = DocumentStore[BillingUnitOfWork]

CUSTOMERS = "customers"
MANY = 5_000
"""More than two chunks of an import."""


class Stopped(BaseException):
    """Breaks a transfer off, as Ctrl-C does."""


def stored(store: Billing, collection: str = CUSTOMERS) -> list[Document]:
    """The documents, in the order of their ids."""
    query = Query(EVERYTHING, (SortKey(("_id",)),))
    return store.backend.find(collection, query, transaction=None, timeout=10).to_list()


def store_raw(store: Billing, *found: Document) -> None:
    """Store documents past the mapping, as another program does."""
    store.environment.ensure_prepared()
    if found:
        store.backend.write_many(WritePlan(CUSTOMERS, "version", inserts=found), timeout=10)


def empty(store: Billing, collection: str = CUSTOMERS) -> None:
    """Remove every document."""
    store.backend.remove_where(collection, EVERYTHING, transaction=None, timeout=10)


def bits(found: list[Document]) -> list[bytes]:
    """Documents as they are told apart: by their bytes."""
    return [encode(document, False, CODEC_OPTIONS) for document in found]


def raw_customer(number: int, **fields: Any) -> Document:
    """The document of a customer."""
    return {"_id": ObjectId(f"65{number:022x}"), "email": f"c{number}@example.org", "name": f"c{number}", **fields}


def written(path: Path, *lines: Document | bytes) -> Path:
    """A file with these lines."""
    path.write_bytes(b"".join(line + b"\n" if isinstance(line, bytes) else to_line(line) for line in lines))
    return path


def piped(content: bytes) -> int:
    """The end of a pipe that holds this."""
    reading, writing = os.pipe()
    with os.fdopen(writing, "wb") as file:
        file.write(content)
    return reading


def contents(folder: Path) -> dict[str, bytes]:
    """The files of a folder, by their names."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def reasons(report: ImportReport) -> dict[int, str]:
    """Why lines were refused, by their number."""
    assert report.rejects is not None
    found = map(json.loads, report.rejects.read_text().splitlines())
    return {one["line"]: one["reason"] for one in found}


class TransferContract:
    """Export and import."""

    def test_a_round_trip_is_exact(self, store: Billing, tmp_path: Path) -> None:
        """Whatever a document holds, known to the entity or not, it comes back the same to the bit."""
        customers = st.lists(entities(Customer), max_size=4, unique_by=lambda one: one.id)

        @settings(max_examples=15, phases=[Phase.generate], suppress_health_check=[HealthCheck.too_slow])
        @given(found=customers, more=st.lists(documents(), max_size=4))
        def check(found: list[Customer], more: list[Document]) -> None:
            empty(store)
            for number, one in enumerate(found):
                one.email, one.nickname = f"e{number}@example.org", None
            with store.bulk() as billing:
                billing.customers.add_many(found)
            known = stored(store)
            empty(store)
            extras = [*more, *[{}] * len(known)]
            store_raw(store, *(one | extra for one, extra in zip(known, extras, strict=False)))
            store_raw(store, *(raw_customer(number, **extra) for number, extra in enumerate(more)))
            before = stored(store)

            report = export_lines(store, CUSTOMERS, tmp_path / "c.jsonl", overwrite=True)
            empty(store)
            imported = import_lines(store, CUSTOMERS, tmp_path / "c.jsonl")

            assert (len(found) + len(more), len(before)) == (report.documents, imported.inserted)
            assert bits(before) == bits(stored(store))

        check()

    def test_what_other_programs_write_stays(self, store: Billing, tmp_path: Path) -> None:
        """Unknown fields, explicit nulls, missing defaults and the types of numbers are kept as the line has them."""
        document = raw_customer(1, nickname=None, credits=Int64(5), __v=3, score=2, balance=Decimal128("1.10"), seen=[])

        report = import_lines(store, CUSTOMERS, written(tmp_path / "c.jsonl", document))

        assert (1, 0) == (report.inserted, report.rejected)
        assert bits([document]) == bits(stored(store))

    def test_what_mongoexport_writes_is_read(self, store: Billing, tmp_path: Path) -> None:
        """Relaxed Extended JSON, an id that is not the first key, blank lines and a byte order mark are understood."""
        line = (
            b'\xef\xbb\xbf{"email":"Ada@Example.org","name":"Ada","joinedAt":{"$date":"2026-01-01T12:00:00.250+01:00"},'
            b'"credits":7,"score":1.5,"_id":{"$oid":"65a000000000000000000001"}}'
        )
        import_lines(store, CUSTOMERS, written(tmp_path / "c.jsonl", line, b"  "))

        with store.reader() as billing:
            (found,) = billing.customers.find()
        assert found.joined_at is not None
        assert ("ada@example.org", 7, "2026-01-01T11:00:00.250000+00:00") == (
            found.email,
            found.credits,
            found.joined_at.isoformat(),
        )

    def test_values_are_what_the_constructor_makes_of_them(self, store: Billing, tmp_path: Path) -> None:
        """Converters run: an import cannot store what a lookup by the converted value would not find."""
        lines = (raw_customer(1, email=" Ada@Example.ORG "), {**raw_customer(2), "email": "ADA@example.org"})

        report = import_lines(store, CUSTOMERS, written(tmp_path / "c.jsonl", *lines))

        assert ["ada@example.org"] == [found["email"] for found in stored(store)]
        assert {2} == set(reasons(report))

    def test_what_is_refused_is_set_aside_with_the_reason(self, store: Billing, tmp_path: Path) -> None:
        """A line that is no JSON, no document, or no entity is named with all that is wrong; the others are stored."""
        path = written(
            tmp_path / "c.jsonl",
            b"{not json",
            b'[{"name": "x"}]',
            raw_customer(1),
            {**raw_customer(2), "name": 5, "credits": "many"},
            raw_customer(3, credits=-1),
            raw_customer(4, address={"zipCode": "5"}),
            raw_customer(5, metadata={"a": {"$where": "1"}}),
            {**raw_customer(6), "email": "c1@example.org"},
            {**raw_customer(1), "name": "another"},
            raw_customer(1),
            b'{"_id":{"$oid":"short"},"email":"e@example.org","name":"e"}',
            raw_customer(7),
        )

        report = import_lines(store, CUSTOMERS, path)

        found = reasons(report)
        assert (12, 2, 1, 9) == (report.lines, report.inserted, report.unchanged, report.rejected)
        assert [1, 2, 4, 5, 6, 7, 8, 9, 11] == list(found)
        assert "is not JSON" in found[1]
        assert "one document a line" in found[2]
        assert "name: " in found[4]
        assert "credits: " in found[4]
        assert found[5].startswith("credits: ")
        assert "address.city: is missing" == found[6]
        assert found[7].startswith("metadata.a.$where: ")
        assert "email" in found[8]
        assert found[9].startswith("DuplicateKey: ")
        assert "is not Extended JSON" in found[11]
        assert ["c1", "c7"] == [one["name"] for one in stored(store)]

    def test_rejects_can_be_imported_once_they_are_mended(self, store: Billing, tmp_path: Path) -> None:
        """A reject holds its document as it was written."""
        line = to_line(raw_customer(1, credits=-1))
        report = import_lines(store, CUSTOMERS, written(tmp_path / "c.jsonl", line.strip()))
        assert report.rejects is not None

        assert from_line(line) == from_line(report.rejects.read_bytes())["document"]
        with pytest.raises(ConfigurationError, match="holds something already"):
            import_lines(store, CUSTOMERS, tmp_path / "c.jsonl")

    def test_hooks_run(self, store: Billing, tmp_path: Path) -> None:
        """`before_save` has its say on each document, and may refuse it; what it changes is stored."""
        invoice = {"_id": ObjectId(), "number": "7", "customerId": ObjectId(), "extra": 1}

        import_lines(store, "invoices", written(tmp_path / "i.jsonl", invoice))

        (found,) = stored(store, "invoices")
        assert ("invoice-7", ["new"], 1) == (found["slug"], found["savedFields"], found["extra"])

    def test_a_document_without_an_id_gets_one(self, store: Billing, tmp_path: Path) -> None:
        """Ids are made for documents that have none."""
        lines = ({key: value for key, value in raw_customer(number).items() if key != "_id"} for number in range(3))

        report = import_lines(store, CUSTOMERS, written(tmp_path / "c.jsonl", *lines))

        assert (3, 3) == (report.inserted, len({found["_id"] for found in stored(store)}))

    def test_an_import_may_be_repeated(self, store: Billing, tmp_path: Path) -> None:
        """What is stored already is left alone and counted, and is no reject."""
        path = written(tmp_path / "c.jsonl", *map(raw_customer, range(10)))
        import_lines(store, CUSTOMERS, path)

        report = import_lines(store, CUSTOMERS, path)

        assert (10, 0, 10, 0) == (report.lines, report.inserted, report.unchanged, report.rejected)

    def test_an_import_that_was_broken_off_goes_on(self, store: Billing, tmp_path: Path) -> None:
        """With resume, the end is that of one import: nothing is lost or doubled, neither documents nor rejects."""
        lines = [
            b'{"name": 5}' if number % 1_000 == 999 else to_line(raw_customer(number)).strip() for number in range(MANY)
        ]
        path = written(tmp_path / "c.jsonl", *lines)
        for stop_at in (1, 2):
            steps: list[Step] = []

            def stop(step: Step, steps: list[Step] = steps, most: int = stop_at) -> None:
                steps.append(step)
                if len(steps) == most:
                    raise Stopped

            with pytest.raises(Stopped):
                import_lines(store, CUSTOMERS, path, resume=stop_at > 1, progress=stop)

        report = import_lines(store, CUSTOMERS, path, resume=True)

        assert (MANY, MANY - 5, 5) == (report.lines, report.inserted + report.unchanged, report.rejected)
        assert [1_000, 2_000, 3_000, 4_000, 5_000] == list(reasons(report))
        assert MANY - 5 == len(stored(store))
        assert {"c.jsonl", "c.jsonl.rejects"} == {left.name for left in tmp_path.iterdir()}

    def test_an_import_overwrites_nothing_of_others(self, store: Billing, tmp_path: Path) -> None:
        """With resume or without, a file that is not the rejects of the import that goes on stays as it is."""
        path, notes = written(tmp_path / "c.jsonl", b"oops", raw_customer(1)), tmp_path / "notes.txt"
        notes.write_text("mine")

        for resume in (False, True):
            with pytest.raises(ConfigurationError, match="holds something already"):
                import_lines(store, CUSTOMERS, path, rejects=notes, resume=resume)

        assert ("mine", []) == (notes.read_text(), stored(store))
        assert {"c.jsonl", "notes.txt"} == {left.name for left in tmp_path.iterdir()}

    def test_each_file_of_an_import_is_another(self, store: Billing, tmp_path: Path) -> None:
        """What is imported is not written to, under whichever name; rejects and checkpoint do not share a file."""
        path, link = written(tmp_path / "c.jsonl", b"oops", raw_customer(1)), tmp_path / "link.jsonl"
        link.hardlink_to(path)
        other = tmp_path / "other"
        new = written(tmp_path / "place.new", raw_customer(1))
        for source, rejects, checkpoint in (
            (path, path, None),
            (path, link, None),
            (path, tmp_path / ".." / tmp_path.name / "c.jsonl", None),
            (path, None, path),
            (path, other, other),
            (new, None, tmp_path / "place"),  # a checkpoint is written beside itself first
        ):
            before = source.read_bytes()
            with pytest.raises(ConfigurationError, match="must not be the same file"):
                import_lines(store, CUSTOMERS, source, rejects=rejects, checkpoint=checkpoint, resume=True)
            assert (before, []) == (source.read_bytes(), stored(store))

    def test_rejects_stay_in_one_file(self, store: Billing, tmp_path: Path) -> None:
        """An import that goes on adds to the rejects that it has; another name for them is refused."""
        path, other = written(tmp_path / "c.jsonl", *[b"oops"] * 3), tmp_path / "other.rejects"
        import_lines(store, CUSTOMERS, path, max_rejects=1)
        for name in tmp_path.iterdir():  # as whoever moves the folder
            (tmp_path / "moved").mkdir(exist_ok=True)
            name.rename(tmp_path / "moved" / name.name)
        path = tmp_path / "moved" / "c.jsonl"

        if store.backend.keeps_commits:
            with pytest.raises(ConfigurationError, match=r"are in .*c\.jsonl\.rejects: name that file"):
                import_lines(store, CUSTOMERS, path, rejects=other, resume=True)
        report = import_lines(store, CUSTOMERS, path, resume=True)

        assert (3, [1, 2, 3]) == (report.rejected, list(reasons(report)))
        assert not other.exists()

    @pytest.mark.parametrize(
        "damage",
        [
            {"token": "zz"},
            {"token": 5},
            {"offset": -5},
            {"offset": "x"},
            {"line": "1"},
            {"line": 10**13},
            {"rejects_size": None},
            {"rejects_size": -1},
            {"inserted": "a"},
            {"inserted": 10**6},
            {"rejects": 5},
            {"target": None},
            {"format": 2},
            {"more": 1},
        ],
        ids=str,
    )
    def test_a_damaged_checkpoint_is_one_error(self, store: Billing, tmp_path: Path, damage: dict[str, Any]) -> None:
        """Whatever is wrong with it is said, with what to do, before anything is changed."""
        path = written(tmp_path / "c.jsonl", b"oops", b"oops", raw_customer(1))
        import_lines(store, CUSTOMERS, path, max_rejects=1)
        (checkpoint,) = tmp_path.glob("*.checkpoint")
        checkpoint.write_text(json.dumps({**json.loads(checkpoint.read_text()), **damage}))
        before = contents(tmp_path)

        with pytest.raises(ConfigurationError, match=r"is not the checkpoint of an import.*remove it"):
            import_lines(store, CUSTOMERS, path, resume=True)

        assert (before, []) == (contents(tmp_path), stored(store))

    def test_a_checkpoint_that_is_no_file_of_lines(self, store: Billing, tmp_path: Path) -> None:
        """Neither a folder nor text nor nested lists without end are taken for one."""
        path, place = written(tmp_path / "c.jsonl", raw_customer(1)), tmp_path / "place"
        for content in (b"notes", b"\xff", b"[]", b"5", b"[" * 100_000, b""):
            place.write_bytes(content)
            with pytest.raises(ConfigurationError, match="is not the checkpoint of an import"):
                import_lines(store, CUSTOMERS, path, checkpoint=place, resume=True)
            assert content == place.read_bytes()
        place.unlink()
        place.mkdir()
        with pytest.raises(ConfigurationError, match=r"the checkpoint .* cannot be read: Is a directory"):
            import_lines(store, CUSTOMERS, path, checkpoint=place, resume=True)

        assert [] == stored(store)

    def test_rejects_that_are_lost_are_an_error(self, store: Billing, tmp_path: Path) -> None:
        """A file of rejects that holds less than the import wrote is not filled up."""
        path = written(tmp_path / "c.jsonl", *[b"oops"] * 3)
        import_lines(store, CUSTOMERS, path, max_rejects=1)
        (checkpoint,) = tmp_path.glob("*.checkpoint")
        checkpoint.write_text(json.dumps({**json.loads(checkpoint.read_text()), "rejects_size": 1_000_000}))
        before = contents(tmp_path)

        with pytest.raises(ConfigurationError, match="does not hold all lines that were refused so far: put it back"):
            import_lines(store, CUSTOMERS, path, resume=True)

        assert before == contents(tmp_path)

    def test_it_stops_after_too_many_rejects(self, store: Billing, tmp_path: Path) -> None:
        """A file for another repository does not become a file of rejects as long as itself."""
        path = written(tmp_path / "c.jsonl", raw_customer(1), *[b"{}"] * 10, raw_customer(2))

        report = import_lines(store, CUSTOMERS, path, max_rejects=3)

        assert (True, 3, 1) == (report.stopped, report.rejected, report.inserted)
        assert 10 == import_lines(store, CUSTOMERS, path, resume=True).rejected
        assert 2 == len(stored(store))

    def test_an_export_that_was_broken_off_goes_on(self, store: Billing, tmp_path: Path) -> None:
        """It goes on behind the last whole line, and the target appears when it is whole."""
        store_raw(store, *map(raw_customer, range(MANY)))
        target, part = tmp_path / "c.jsonl", tmp_path / "c.jsonl.part"

        def stop(step: Step) -> None:
            if step.count == 2_000:
                raise Stopped

        with pytest.raises(Stopped):
            export_lines(store, CUSTOMERS, target, progress=stop)
        with part.open("ab") as file:
            file.write(b'{"_id":{"$oid":')  # torn in the midst of a line
        assert not target.exists()
        with pytest.raises(ConfigurationError, match="--resume"):
            export_lines(store, CUSTOMERS, target)

        report = export_lines(store, CUSTOMERS, target, resume=True)

        assert (MANY, 2_000, target.stat().st_size) == (report.documents, report.resumed_after, report.size)
        assert bits(stored(store)) == bits([from_line(line) for line in target.read_bytes().splitlines()])
        assert [target] == list(tmp_path.iterdir())

    @pytest.mark.parametrize("last", [b"{}", b'{"id":1}', b"oops"])
    def test_a_part_that_is_of_no_export(self, store: Billing, tmp_path: Path, last: bytes) -> None:
        """What does not end with a document of an export is refused, and stays."""
        store_raw(store, raw_customer(1))
        part = tmp_path / "c.jsonl.part"
        part.write_bytes(last + b"\n")

        with pytest.raises(ConfigurationError, match="does not end with a document of this export"):
            export_lines(store, CUSTOMERS, tmp_path / "c.jsonl", resume=True)
        assert last + b"\n" == part.read_bytes()

    def test_an_export_goes_on_behind_ids_of_every_type(self, store: Billing, tmp_path: Path) -> None:
        """Ids of other programs may have any type; the order of the file is that of the store."""
        ids = (None, 2.5, Int64(7), "text", b"bytes", ObjectId(), True)
        store_raw(store, *({**raw_customer(number), "_id": id} for number, id in enumerate(ids)))
        target, part = tmp_path / "c.jsonl", tmp_path / "c.jsonl.part"
        export_lines(store, CUSTOMERS, target)
        whole = target.read_bytes()

        for count in range(len(ids) + 1):
            part.write_bytes(b"".join(whole.splitlines(keepends=True)[:count]))
            export_lines(store, CUSTOMERS, target, resume=True, overwrite=True)
            assert whole == target.read_bytes()

    def test_files_are_the_owners_and_never_overwritten_unasked(self, store: Billing, tmp_path: Path) -> None:
        """An export holds secrets: nobody else may read it; and it takes the place of nothing by itself."""
        target = tmp_path / "c.jsonl"
        export_lines(store, CUSTOMERS, target)

        assert 0o600 == target.stat().st_mode & 0o777
        with pytest.raises(ConfigurationError, match="is there already"):
            export_lines(store, CUSTOMERS, target)

    def test_a_document_that_would_not_come_back_is_an_error(self, store: Billing, tmp_path: Path) -> None:
        """A key that Extended JSON takes for a type of its own cannot be written: the error names the document."""
        store_raw(store, raw_customer(1, odd={"$date": "tomorrow"}))

        with pytest.raises(ValidationError, match=r"customers 650{21}1.*\$date"):
            export_lines(store, CUSTOMERS, tmp_path / "c.jsonl")

    def test_an_open_file_is_imported(self, store: Billing, tmp_path: Path) -> None:
        """It is read once, from where it stands, and how much is left is not known; it has no place to go on from."""
        steps: list[Step] = []
        with os.fdopen(piped(b"oops\n" + to_line(raw_customer(1))), "rb") as file:
            report = import_lines(store, CUSTOMERS, file, rejects=tmp_path / "rejects", progress=steps.append)

        assert (2, 1, {1}) == (report.lines, report.inserted, set(reasons(report)))
        assert [Step(2, None, 1)] == steps
        assert ["rejects"] == [left.name for left in tmp_path.iterdir()]
        for options, problem in (
            ({}, "name a file for rejects"),
            ({"rejects": tmp_path / "r", "resume": True}, "an open file cannot be resumed"),
            ({"rejects": tmp_path / "r", "checkpoint": tmp_path / "c"}, "an open file has no checkpoint"),
        ):
            with pytest.raises(ConfigurationError, match=problem):
                import_lines(store, CUSTOMERS, BytesIO(), **options)

    def test_wrong_names_are_refused(self, store: Billing, tmp_path: Path) -> None:
        """A repository or a file that is not there is an error with what there is."""
        with pytest.raises(ConfigurationError, match="it has customers, invoices"):
            export_lines(store, "customer", tmp_path / "c.jsonl")
        with pytest.raises(ConfigurationError, match="cannot be read: No such file"):
            import_lines(store, CUSTOMERS, tmp_path / "none.jsonl")
        with pytest.raises(ConfigurationError, match="cannot be written: No such file"):
            export_lines(store, CUSTOMERS, tmp_path / "none" / "c.jsonl")

    def test_entities_of_an_import_are_whole(self, store: Billing, tmp_path: Path) -> None:
        """What was exported of one store are the same entities in another, versions and times included."""
        ada = customer("ada@example.org", address=Address("London"), tags=["a"], metadata={"x": {"y": [1, 2.0]}})
        with store.unit_of_work() as billing:
            billing.customers.add(ada)
        export_lines(store, CUSTOMERS, tmp_path / "c.jsonl")
        with store.unit_of_work() as billing:
            billing.customers.remove(billing.customers.get(ada.id))

        import_lines(store, CUSTOMERS, tmp_path / "c.jsonl")

        with store.reader() as billing_reader:
            found = billing_reader.customers.get(ada.id)
        assert (ada.version, ada.created_at, ada.address, ada.metadata) == (
            found.version,
            found.created_at,
            found.address,
            found.metadata,
        )
