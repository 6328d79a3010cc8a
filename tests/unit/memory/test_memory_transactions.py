"""Transactions of the in-memory backend: snapshots, conflicts, waiting, and many threads."""

import gc
import threading
from collections.abc import Callable
from time import monotonic

import pytest

from tristore.adapters.backend import (
    BackendOptions,
    CollectionDeclaration,
    Delete,
    Document,
    IndexDeclaration,
    KeyTaken,
    Query,
    SortKey,
    Transaction,
    Update,
    WritePlan,
)
from tristore.errors import DeadlineExceeded, UnitOfWorkError, WriteConflict
from tristore.testing import MemoryBackend

UNIQUE_NAME = (CollectionDeclaration("things", (IndexDeclaration((("name", 1),), unique=True),)),)


@pytest.fixture
def backend() -> MemoryBackend:
    """Two things, a and b."""
    backend = MemoryBackend.open("memory://", BackendOptions("test", UNIQUE_NAME))
    insert(backend, None, {"_id": 1, "name": "a", "version": 1}, {"_id": 2, "name": "b", "version": 1})
    return backend


def insert(backend: MemoryBackend, transaction: Transaction | None, *documents: Document) -> None:
    backend.write(WritePlan("things", "version", inserts=documents), transaction=transaction, timeout=1)


def rename(backend: MemoryBackend, transaction: Transaction | None, id_: int, name: str, timeout: float = 1) -> int:
    plan = WritePlan("things", "version", updates=[Update(id_, 1, {"name": name})])
    return backend.write(plan, transaction=transaction, timeout=timeout).matched


def delete(backend: MemoryBackend, transaction: Transaction | None, id_: int) -> int:
    plan = WritePlan("things", "version", deletes=[Delete(id_, 1)])
    return backend.write(plan, transaction=transaction, timeout=1).deleted


def names(backend: MemoryBackend, transaction: Transaction | None = None) -> list[str]:
    query = Query(sort=(SortKey(("_id",)),))
    return [found["name"] for found in backend.find("things", query, transaction=transaction, timeout=1)]


def test_the_snapshot_is_taken_at_the_first_operation(backend: MemoryBackend) -> None:
    """A transaction sees what was committed before its first operation, and its own writes (U2, U13)."""
    transaction = backend.begin()
    rename(backend, None, 1, "before")

    assert ["before", "b"] == names(backend, transaction)
    rename(backend, None, 1, "after")
    rename(backend, transaction, 2, "own")
    assert ["before", "own"] == names(backend, transaction)
    assert ["after", "b"] == names(backend)
    backend.commit(transaction, timeout=1)
    assert ["after", "own"] == names(backend)


def test_a_reading_snapshot_does_not_write(backend: MemoryBackend) -> None:
    """A snapshot keeps its view, refuses writes, and holds nobody up."""
    snapshot = backend.begin(read_only=True)

    assert ["a", "b"] == names(backend, snapshot)
    rename(backend, None, 1, "after")
    assert ["a", "b"] == names(backend, snapshot)
    with pytest.raises(UnitOfWorkError, match="for reading"):
        rename(backend, snapshot, 2, "own")
    backend.abort(snapshot)
    assert ["after", "b"] == names(backend)


def test_threads_that_share_a_snapshot_see_the_same(backend: MemoryBackend) -> None:
    """When two threads begin to read one snapshot at the same time, it is taken once."""
    snapshot = backend.begin(read_only=True)
    seen: list[list[str]] = []
    threads = [threading.Thread(target=lambda: seen.append(names(backend, snapshot))) for _ in range(2)]
    with backend._now.engine.lock:
        for thread in threads:
            thread.start()
            thread.join(0.05)
    for thread in threads:
        thread.join(5)
    rename(backend, None, 1, "after")

    assert [["a", "b"]] * 2 == seen
    assert ["a", "b"] == names(backend, snapshot)


def test_abort_discards_and_frees(backend: MemoryBackend) -> None:
    """After an abort nothing was written, and the rows and values are free at once; aborting again is allowed."""
    transaction = backend.begin()
    rename(backend, transaction, 1, "c")
    delete(backend, transaction, 2)
    backend.abort(transaction)
    backend.abort(transaction)

    assert ["a", "b"] == names(backend)
    assert 1 == rename(backend, None, 2, "c", timeout=0)


def test_the_first_updater_wins(backend: MemoryBackend) -> None:
    """A row that an open transaction wrote, or that changed after the snapshot, is a conflict at the write (T4)."""
    first, second = backend.begin(), backend.begin()
    names(backend, second)
    rename(backend, first, 1, "c")

    with pytest.raises(WriteConflict):
        rename(backend, second, 1, "d")
    third = backend.begin()
    names(backend, third)
    backend.commit(first, timeout=1)
    with pytest.raises(WriteConflict):
        delete(backend, third, 1)
    assert ["c", "b"] == names(backend)


def test_writing_back_the_old_value_is_still_a_conflict(backend: MemoryBackend) -> None:
    """A row that was changed and changed back after the snapshot cannot be written in it."""
    transaction = backend.begin()
    names(backend, transaction)
    rename(backend, None, 1, "c")
    rename(backend, None, 1, "a")

    with pytest.raises(WriteConflict):
        rename(backend, transaction, 1, "d")


def test_an_update_that_changes_nothing_is_no_write(backend: MemoryBackend) -> None:
    """It matches, and meets no conflict (T5)."""
    transaction = backend.begin()
    names(backend, transaction)
    rename(backend, None, 1, "c")

    assert 1 == rename(backend, transaction, 1, "a")
    backend.commit(transaction, timeout=1)
    assert ["c", "b"] == names(backend)


def test_the_first_error_ends_the_transaction(backend: MemoryBackend) -> None:
    """After it every operation but abort is refused, and what it held is free (T2, U3)."""
    transaction = backend.begin()
    rename(backend, transaction, 2, "c")
    with pytest.raises(KeyTaken) as caught:
        insert(backend, transaction, {"_id": 3, "name": "x"}, {"_id": 1, "name": "y"})

    assert (("_id",), 1, 0) == (caught.value.keys, caught.value.position, caught.value.done)
    refused: list[Callable[[], object]] = [
        lambda: names(backend, transaction),
        lambda: rename(backend, transaction, 2, "d"),
        lambda: backend.commit(transaction, timeout=1),
    ]
    for operation in refused:
        with pytest.raises(WriteConflict):
            operation()
    assert 1 == rename(backend, None, 2, "c", timeout=0)
    backend.abort(transaction)


def test_a_key_is_taken_once_it_can_be_seen(backend: MemoryBackend) -> None:
    """An id or value inserted by another is a conflict while this snapshot does not hold it, then taken (T6)."""
    for document in ({"_id": 3, "name": "x"}, {"_id": 9, "name": "c"}):
        first, second, third = backend.begin(), backend.begin(), backend.begin()
        names(backend, third)
        insert(backend, first, {"_id": 3, "name": "c"})
        with pytest.raises(WriteConflict):
            insert(backend, second, document)
        backend.commit(first, timeout=1)
        with pytest.raises(WriteConflict):
            insert(backend, third, document)
        fourth = backend.begin()
        with pytest.raises(KeyTaken):
            insert(backend, fourth, document)
        delete_three = WritePlan("things", "version", deletes=[Delete(3, None)])
        assert 1 == backend.write(delete_three, transaction=None, timeout=1).deleted


def test_a_value_freed_by_another_is_taken_in_this_snapshot(backend: MemoryBackend) -> None:
    """A delete or change that this snapshot does not hold frees nothing for it, whether committed or not."""
    for end in (backend.commit, lambda transaction, timeout: backend.abort(transaction)):
        first, second = backend.begin(), backend.begin()
        names(backend, second)
        rename(backend, first, 2, "c")
        end(first, timeout=1)
        with pytest.raises(KeyTaken):
            insert(backend, second, {"_id": 3, "name": "b"})
        rename(backend, None, 2, "b")


def test_own_values_are_freed_at_once(backend: MemoryBackend) -> None:
    """Deleting and inserting again passes, swapping two values does not (T22)."""
    transaction = backend.begin()
    assert 1 == delete(backend, transaction, 1)
    insert(backend, transaction, {"_id": 1, "name": "a", "version": 1})
    backend.commit(transaction, timeout=1)
    assert ["a", "b"] == names(backend)

    swapping = backend.begin()
    with pytest.raises(KeyTaken):
        rename(backend, swapping, 1, "b")


def test_a_plain_write_waits_and_looks_again(backend: MemoryBackend) -> None:
    """It waits for the transaction that holds its row, then checks the version anew (T16)."""
    transaction = backend.begin()
    plan = WritePlan("things", "version", updates=[Update(1, 1, {"version": 2, "name": "c"})])
    backend.write(plan, transaction=transaction, timeout=1)
    timer = threading.Timer(0.1, backend.commit, (transaction,), {"timeout": 1})
    timer.start()
    start = monotonic()

    assert 0 == rename(backend, None, 1, "d")
    assert 0.05 < monotonic() - start < 1
    timer.join()
    assert ["c", "b"] == names(backend)


def test_a_plain_write_does_not_wait_for_ever(backend: MemoryBackend) -> None:
    """When the time is over it gives up, and has written nothing; other rows are not held."""
    transaction = backend.begin()
    rename(backend, transaction, 1, "c")

    with pytest.raises(DeadlineExceeded):
        rename(backend, None, 1, "d", timeout=0.05)
    with pytest.raises(DeadlineExceeded):
        rename(backend, None, 2, "c", timeout=0.05)
    assert 1 == rename(backend, None, 2, "e", timeout=0)
    assert 0 == delete(backend, None, 7)


def test_a_dropped_transaction_frees_its_rows(backend: MemoryBackend) -> None:
    """A transaction that nobody ended holds nothing once it is garbage, also for one that waits already."""
    held = [backend.begin()]
    rename(backend, held[0], 1, "c")

    def drop() -> None:
        held.clear()
        gc.collect()

    timer = threading.Timer(0.1, drop)
    timer.start()

    assert 1 == rename(backend, None, 1, "d", timeout=5)
    timer.join()


def test_nothing_is_remembered_when_no_transaction_is_open(backend: MemoryBackend) -> None:
    """What was written is kept in mind only while an open snapshot is older (growth)."""
    transaction = backend.begin()
    names(backend, transaction)
    for number in range(100):
        rename(backend, None, 1, f"n{number}")
    backend.abort(transaction)

    engine = backend._now.engine
    assert ({}, {}, {}, 0) == (engine._open, engine._holders, engine._written, len(engine._log))


def test_prepare_waits_for_open_transactions(backend: MemoryBackend) -> None:
    """A new unique key is not added under a transaction that is open."""
    wanted = (CollectionDeclaration("things", (IndexDeclaration((("code", 1), ("name", 1)), unique=True),)),)
    transaction = backend.begin()
    rename(backend, transaction, 1, "c")

    with pytest.raises(DeadlineExceeded):
        backend.prepare(wanted, timeout=0.05)
    backend.commit(transaction, timeout=1)
    backend.prepare(wanted, timeout=1)
    assert [] == list(backend.missing(wanted, timeout=1))


def test_many_threads_lose_nothing(backend: MemoryBackend) -> None:
    """8 threads that count up in one row with retries, and insert beside it, leave every step counted."""
    rounds, conflicts, started = 50, [0] * 8, threading.Barrier(8)

    def count_up(thread: int) -> None:
        started.wait()
        for number in range(rounds):
            while not step(thread, number):
                conflicts[thread] += 1

    def step(thread: int, number: int) -> bool:
        transaction = backend.begin()
        query = Query(limit=1, sort=(SortKey(("_id",)),))
        version = backend.find("things", query, transaction=transaction, timeout=1).to_list()[0]["version"]
        plan = WritePlan(
            "things",
            "version",
            updates=[Update(1, version, {"version": version + 1})],
            inserts=[{"_id": f"{thread}-{number}", "name": f"{thread}-{number}"}],
        )
        try:
            backend.write(plan, transaction=transaction, timeout=1)
            backend.commit(transaction, timeout=1)
        except WriteConflict:
            backend.abort(transaction)
            return False
        return True

    threads = [threading.Thread(target=count_up, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    first = backend.find("things", Query(limit=1), transaction=None, timeout=1).to_list()[0]
    assert 1 + 8 * rounds == first["version"]
    assert 2 + 8 * rounds == len(names(backend))
