"""``memory:///some/folder``: yesterday's data, one store at a time, saves that are whole or did not happen."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from contracts.billing import DOCUMENTS, BillingUnitOfWork, Invoice, customer

from tristore import (
    ConfigurationError,
    DocumentStore,
    DuplicateKey,
    Unavailable,
    new_id,
    open_store,
    open_stores,
)
from tristore.operations import export_lines, import_lines

Billing = DocumentStore[BillingUnitOfWork]
TESTS = Path(__file__).parents[2]


def opened(folder: Path, **options: object) -> Billing:
    """A store that keeps its data in a folder."""
    return open_store(BillingUnitOfWork, url=f"memory://{folder}", documents=DOCUMENTS, **options)  # type: ignore[arg-type]


def add(store: Billing, *emails: str) -> None:
    """Store customers."""
    with store.unit_of_work() as billing:
        for email in emails:
            billing.customers.add(customer(email))


def emails(store: Billing) -> list[str]:
    """Those of all customers, in the order of the store."""
    with store.reader() as billing:
        return [found.email for found in billing.customers.find()]


def test_yesterdays_data_is_there(tmp_path: Path) -> None:
    """What was committed before a store was closed is what the next one finds: entities, order, versions, keys."""
    first = opened(tmp_path / "data", receipts=True)
    add(first, *(f"c{number}@example.org" for number in (3, 1, 2)))
    with first.unit_of_work() as billing:
        changed = billing.customers.find()[0]
        changed.metadata["x"] = 1
    assert "paid" == first.run(lambda billing: "paid", key="once")
    first.close()

    with_others = opened(tmp_path / "data", receipts=True)
    with with_others.reader() as billing_reader:
        found = billing_reader.customers.find()

    assert ["c3@example.org", "c1@example.org", "c2@example.org"] == [one.email for one in found]
    assert (changed.version, {"x": 1}, changed.updated_at) == (found[0].version, found[0].metadata, found[0].updated_at)
    assert "paid" == with_others.run(lambda billing: "again", key="once")
    with pytest.raises(DuplicateKey):
        add(with_others, "c1@example.org")
    with_others.close()


def test_a_save_on_demand(tmp_path: Path) -> None:
    """`save` keeps what was committed so far, and the store goes on."""
    store = opened(tmp_path)
    add(store, "saved@example.org")
    store.save()
    saved = (tmp_path / "customers.jsonl").read_bytes()
    add(store, "later@example.org")

    assert b"saved@example.org" in saved
    assert saved == (tmp_path / "customers.jsonl").read_bytes()
    store.close()
    assert 2 == (tmp_path / "customers.jsonl").read_bytes().count(b"\n")


def test_only_what_changed_is_written(tmp_path: Path) -> None:
    """A save leaves the files of other collections alone."""
    store = opened(tmp_path)
    add(store, "a@example.org")
    store.save()
    before = (tmp_path / "customers.jsonl").stat()
    with store.unit_of_work() as billing:
        billing.invoices.add(Invoice(number="1", customer_id=new_id()))  # type: ignore[arg-type]
    store.close()

    assert before == (tmp_path / "customers.jsonl").stat()
    assert (tmp_path / "invoices.jsonl").exists()


def test_a_closed_store_opens_again_at_the_next_use(tmp_path: Path) -> None:
    """Between a close and the next use another store may have the folder; the next use reads what that one saved."""
    store, other = opened(tmp_path), opened(tmp_path)
    add(store, "one@example.org")
    store.close()
    add(other, "two@example.org")
    other.close()

    assert ["one@example.org", "two@example.org"] == emails(store)
    store.close()


def test_a_commit_after_the_close_is_refused(tmp_path: Path) -> None:
    """A unit that was open while its store was closed is told that nothing was written."""
    store = opened(tmp_path)
    with pytest.raises(Unavailable, match="closed meanwhile"), store.unit_of_work() as billing:
        assert [] == billing.customers.find()
        billing.customers.add(customer("late@example.org"))
        store.close()

    assert [] == emails(store)
    store.close()


def test_a_unit_does_not_go_on_in_a_store_that_opened_again(tmp_path: Path) -> None:
    """What it read belongs to the data of before: its writes are refused, and hold nothing of the new data."""
    store = opened(tmp_path)
    add(store, "a@example.org")
    with pytest.raises(Unavailable), store.unit_of_work() as billing:
        billing.customers.find()[0].name = "changed"
        store.close()
        assert ["a@example.org"] == emails(store)

    with store.unit_of_work() as billing:
        billing.customers.find()[0].name = "changed later"
    store.close()


def test_a_process_that_ends_without_a_close_saves(tmp_path: Path) -> None:
    """The end of the interpreter is a close."""
    program = f"""
import sys
sys.path.insert(0, {str(TESTS)!r})
from contracts.billing import DOCUMENTS, BillingUnitOfWork, customer
from tristore import open_store
store = open_store(BillingUnitOfWork, url="memory://{tmp_path}", documents=DOCUMENTS)
with store.unit_of_work() as billing:
    billing.customers.add(customer("left@example.org"))
"""
    subprocess.run([sys.executable, "-c", program], check=True)
    store = opened(tmp_path)

    assert ["left@example.org"] == emails(store)
    store.close()


def test_two_processes_are_refused(tmp_path: Path) -> None:
    """While one store has the folder, another one, of any process, is told who has it; afterwards it may."""
    program = f"""
import sys
sys.path.insert(0, {str(TESTS)!r})
from contracts.billing import DOCUMENTS, BillingUnitOfWork, customer
from tristore import open_store
store = open_store(BillingUnitOfWork, url="memory://{tmp_path}", documents=DOCUMENTS)
store.open()
print("open", flush=True)
sys.stdin.read()
"""
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert "open\n" == other.stdout.readline()
        store = opened(tmp_path)
        with pytest.raises(ConfigurationError, match=f"is in use by process {other.pid}: "):
            store.open()
        report = store.check()
        assert (False, True) == (report.ok, f"process {other.pid}" in report.details)
        other.kill()

    store.open()
    store.close()


def test_two_stores_of_one_process_are_refused(tmp_path: Path) -> None:
    """Two stores would overwrite each other's files, also in one process."""
    store, other = opened(tmp_path), opened(tmp_path)
    store.open()

    with pytest.raises(ConfigurationError, match="one store at a time"):
        other.open()
    store.close()


CRASHES = """
import os, sys
sys.path.insert(0, {tests!r})
from contracts.billing import DOCUMENTS, BillingUnitOfWork, Invoice, customer
from tristore import new_id, open_store

def opened():
    return open_store(BillingUnitOfWork, url="memory://{folder}", documents=DOCUMENTS)

def state():
    store = opened()
    with store.reader() as billing:
        found = billing.customers.count(), billing.invoices.count()
    store.close()
    return found

def add_one_of_each(store, number):
    with store.unit_of_work() as billing:
        billing.customers.add(customer(f"c{{number}}@example.org"))
        billing.invoices.add(Invoice(number=str(number), customer_id=new_id()))

def crash_at(step):
    left = step
    def count(event, arguments):
        nonlocal left
        if event in {{"open", "os.rename", "os.remove", "os.truncate"}} and {folder!r} in str(arguments[0]):
            left -= 1
            if left < 0:
                os._exit(9)
    sys.addaudithook(count)

store = opened()
add_one_of_each(store, 0)
store.close()
known, step, crashes, kept = 1, 0, 0, 0
while True:
    child = os.fork()
    if child == 0:
        store = opened()
        add_one_of_each(store, known)
        crash_at(step)
        store.save()
        os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    found = state()
    assert found in {{(known, known), (known + 1, known + 1)}}, (step, known, found)
    if code == 0:
        assert found == (known + 1, known + 1)
        break
    crashes += 1
    kept += found == (known, known)
    known, step = found[0], step + 1
print(crashes, kept)
assert crashes > kept > 0  # some crashes come before the decision, some after it
"""


def test_a_crash_in_the_midst_of_a_save_loses_nothing(tmp_path: Path) -> None:
    """Wherever a process dies during a save, the next one finds the old state whole, or the new one, of both files."""
    done = subprocess.run(
        [sys.executable, "-c", CRASHES.format(tests=str(TESTS), folder=str(tmp_path / "data"))],
        capture_output=True,
        text=True,
        check=False,
    )

    assert 0 == done.returncode, done.stderr
    assert int(done.stdout.split()[0]) > 5


def test_a_full_disk_loses_nothing(tmp_path: Path) -> None:
    """A save that fails says so; the files are as they were, the data is in memory, and a later save keeps it."""
    store = opened(tmp_path)
    add(store, "old@example.org")
    store.save()
    before = (tmp_path / "customers.jsonl").read_bytes()
    add(store, "new@example.org")
    tmp_path.joinpath("customers.jsonl.saving").mkdir()  # in the way of the new file

    for keep in (store.save, store.close):
        with pytest.raises(Unavailable, match="its files are as they were, and the data is still in memory"):
            keep()
    assert before == (tmp_path / "customers.jsonl").read_bytes()
    assert 2 == len(emails(store))
    tmp_path.joinpath("customers.jsonl.saving").rmdir()
    store.close()
    assert 2 == len(emails(store))
    store.close()


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_fork_does_not_keep_the_folder(tmp_path: Path) -> None:
    """A child that lives on with a copy of the store neither saves nor holds the folder when the parent is done."""
    store = opened(tmp_path)
    add(store, "a@example.org")
    reading, writing = os.pipe()
    child = os.fork()
    if not child:  # pragma: no cover - the child
        os.close(writing)
        os.read(reading, 1)  # until the parent has looked
        add(store, "child@example.org")
        with pytest.raises(ConfigurationError, match="from which this one was forked"):
            store.save()
        store.close()
        os._exit(0)
    try:
        store.close()
        again = opened(tmp_path)
        add(again, "b@example.org")
    finally:
        os.close(writing)
        assert 0 == os.waitpid(child, 0)[1]
        os.close(reading)
    again.close()

    assert ["a@example.org", "b@example.org"] == emails(again)
    again.close()


@pytest.mark.parametrize(
    "content", ["oops", "5", "[3]", '["../x.jsonl"]', '["x"]', pytest.param("[" * 200_000, id="deep")]
)
def test_a_damaged_save_is_one_error(tmp_path: Path, content: str) -> None:
    """A list of the files of a save that is none is refused with what to do, and nothing is moved."""
    commit = tmp_path / "commit.saving"
    commit.write_text(content)

    with pytest.raises(ConfigurationError, match=r"commit\.saving is damaged"):
        opened(tmp_path).open()
    assert content == commit.read_text()


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("customers.jsonl", r"customers\.jsonl cannot be read: Is a directory"),
        ("customers.jsonl.saving", "cannot be used: Is a directory"),
    ],
)
def test_a_folder_in_the_place_of_a_file(tmp_path: Path, name: str, problem: str) -> None:
    """It is refused."""
    (tmp_path / name).mkdir()

    with pytest.raises(ConfigurationError, match=problem):
        opened(tmp_path).open()


@pytest.mark.parametrize("closes", [False, True])
def test_the_end_of_a_process_that_cannot_save(tmp_path: Path, closes: bool) -> None:
    """What is lost is one line on standard error, unless a close has told it as an error already."""
    program = f"""
import sys
from pathlib import Path
sys.path.insert(0, {str(TESTS)!r})
from contracts.billing import DOCUMENTS, BillingUnitOfWork, customer
from tristore import Unavailable, open_store
store = open_store(BillingUnitOfWork, url="memory://{tmp_path}", documents=DOCUMENTS)
with store.unit_of_work() as billing:
    billing.customers.add(customer("lost@example.org"))
(Path("{tmp_path}") / "customers.jsonl.saving").mkdir()  # in the way of the new file
if {closes}:
    try:
        store.close()
    except Unavailable:
        print("told")
"""
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)

    assert ("told\n" if closes else "") == done.stdout
    assert (0 if closes else 1) == done.stderr.count("\n")
    assert closes or done.stderr.startswith("tristore: what was committed since the last save is lost: memory://")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("{oops", "line 2: the line is not JSON"),
        ('{"_id":1}\n{"_id":1}', "two documents have the id 1"),
        ('{"name":"x"}', "a document needs an id"),
        ('{"_id":2,"email":"a@example.org"}\n{"_id":3,"email":"a@example.org"}', "email"),
    ],
)
def test_a_file_that_cannot_be_read_changes_nothing(tmp_path: Path, content: str, problem: str) -> None:
    """A damaged file is an error that names it; it stays as it is, and the folder is free for who mends it."""
    file = tmp_path / "customers.jsonl"
    file.write_text('{"_id":{"$oid":"65a000000000000000000001"},"email":"x@example.org","name":"x"}\n' + content)
    before = file.read_bytes()
    store = opened(tmp_path)

    with pytest.raises(ConfigurationError, match=problem):
        store.open()
    assert before == file.read_bytes()
    file.write_bytes(before.splitlines(keepends=True)[0])
    assert ["x@example.org"] == emails(store)
    store.close()


def test_the_files_are_those_of_imports_and_exports(tmp_path: Path) -> None:
    """An export into the folder is its data, and its files can be imported."""
    source = open_store(BillingUnitOfWork, url="memory://", documents=DOCUMENTS)
    add(source, "a@example.org", "b@example.org")
    export_lines(source, "customers", tmp_path / "customers.jsonl")
    store = opened(tmp_path)
    assert ["a@example.org", "b@example.org"] == emails(store)
    add(store, "c@example.org")
    store.close()

    report = import_lines(source, "customers", tmp_path / "customers.jsonl")

    assert (1, 2, 0) == (report.inserted, report.unchanged, report.rejected)


def test_undeclared_collections_and_other_files_stay(tmp_path: Path) -> None:
    """What a store does not declare is neither lost nor changed."""
    (tmp_path / "other%2Fthings.jsonl").write_text('{"_id":1}\n')
    (tmp_path / "notes.txt").write_text("mine")
    store = opened(tmp_path)
    add(store, "a@example.org")
    store.close()

    assert ('{"_id":1}\n', "mine") == (
        (tmp_path / "other%2Fthings.jsonl").read_text(),
        (tmp_path / "notes.txt").read_text(),
    )


def test_a_place_that_cannot_be_used_is_refused(tmp_path: Path) -> None:
    """A path that is no folder is an error in one sentence; ``memory://`` has nothing to save to."""
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="cannot be used: "):
        opened(tmp_path / "file").open()
    with pytest.raises(ConfigurationError, match="memory:///some/folder"):
        open_store(BillingUnitOfWork, url="memory://", documents=DOCUMENTS).save()


def test_each_of_three_stores_has_a_folder_of_its_own(tmp_path: Path) -> None:
    """`Stores.save` and `close` reach all of them; one that cannot be saved keeps no other from it."""
    core, analytics, systemlogs = (f"memory://{tmp_path / name}" for name in ("core", "analytics", "systemlogs"))
    with open_stores(core=core, analytics=analytics, systemlogs=systemlogs) as stores:
        for store in stores:
            store.open()
        stores.save()

    assert ["analytics", "core", "systemlogs"] == sorted(path.name for path in tmp_path.iterdir())
