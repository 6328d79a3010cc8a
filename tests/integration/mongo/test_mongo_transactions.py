"""Commits of unknown outcome, dropped transactions, time limits: faults made in the real server."""

import gc
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from listening import Listen
from pymongo import MongoClient, monitoring

from tristore.adapters.backend import (
    EVERYTHING,
    Backend,
    BackendOptions,
    Query,
    Transaction,
    Update,
    WritePlan,
    backend_for,
)
from tristore.errors import (
    CommitUnknown,
    DeadlineExceeded,
    DurabilityWarning,
    UnitTooLong,
    WriteConflict,
)

Raw = MongoClient[dict[str, Any]]


@pytest.fixture
def backend(mongo_url: str, raw: Raw) -> Iterator[Backend]:
    """A backend that meets fail points, with one document."""
    backend = backend_for(mongo_url).open(mongo_url, BackendOptions("under-test", (), {"heartbeatFrequencyMS": 500}))
    put(backend, inserts=[{"_id": 1, "version": 1, "n": 0}])
    yield backend
    backend.close()
    raw.admin.command("killAllSessions", [])


def put(backend: Backend, transaction: Transaction | None = None, timeout: float = 5.0, **plan: Any) -> None:
    """Write a plan."""
    backend.write(WritePlan("things", "version", **plan), transaction=transaction, timeout=timeout)


def in_transaction(backend: Backend) -> Transaction:
    """A transaction that has changed the document."""
    transaction = backend.begin()
    put(backend, transaction, updates=[Update(1, 1, {"n": 1, "version": 2})])
    return transaction


def stored(raw: Raw, backend: Backend) -> int:
    """What everybody sees."""
    found = raw[backend.location.rpartition("/")[2]]["things"].find_one({"_id": 1})
    assert found is not None
    value: int = found["n"]
    return value


def seconds_until_free(raw: Raw, backend: Backend) -> float:
    """How long another client waits to write the document."""
    started = time.monotonic()
    raw[backend.location.rpartition("/")[2]]["things"].update_one({"_id": 1}, {"$inc": {"other": 1}})
    return time.monotonic() - started


@pytest.mark.parametrize("times", [1, 2, 3])
def test_commit_whose_answer_is_lost(backend: Backend, raw: Raw, failpoint: Any, times: int) -> None:
    """U6: a commit is sent again until it is answered, and has one effect."""
    transaction = in_transaction(backend)
    with failpoint(["commitTransaction"], times=times, closeConnection=True):
        backend.commit(transaction, timeout=5.0)

    assert 1 == stored(raw, backend)


@pytest.mark.parametrize("code", [64, 100])
def test_commit_that_is_not_confirmed(backend: Backend, raw: Raw, failpoint: Any, code: int) -> None:
    """U6: a commit that too few members confirmed is a commit."""
    transaction = in_transaction(backend)
    problem = {"code": code, "errmsg": "x", "errInfo": {"wtimeout": True}}
    with (
        failpoint(["commitTransaction"], times=None, writeConcernError=problem),
        pytest.warns(DurabilityWarning, match="committed, but too few"),
    ):
        backend.commit(transaction, timeout=5.0)

    assert 1 == stored(raw, backend)


def test_commit_of_a_lost_transaction(backend: Backend, raw: Raw, failpoint: Any) -> None:
    """U4: a commit that the server refuses as unknown to it was definitely not applied."""
    transaction = in_transaction(backend)
    with (
        failpoint(["commitTransaction"], errorCode=251, errorLabels=["TransientTransactionError"]),
        pytest.raises(WriteConflict),
    ):
        backend.commit(transaction, timeout=5.0)

    assert 0 == stored(raw, backend)


@pytest.mark.usefixtures("impatient")
def test_commit_of_unknown_outcome(backend: Backend, raw: Raw, failpoint: Any) -> None:
    """U6: when no sending is answered the outcome is unknown, within bounded time, and the document is free."""
    transaction = in_transaction(backend)
    started = time.monotonic()
    with failpoint(["commitTransaction"], times=None, closeConnection=True), pytest.raises(CommitUnknown):
        backend.commit(transaction, timeout=0.5)

    assert time.monotonic() - started < 8
    assert seconds_until_free(raw, backend) < 0.5


def test_commit_without_time(backend: Backend, raw: Raw) -> None:
    """A commit for which no time is left is not sent, and the transaction is aborted."""
    transaction = in_transaction(backend)
    with pytest.raises(DeadlineExceeded):
        backend.commit(transaction, timeout=0)

    assert seconds_until_free(raw, backend) < 0.5
    assert 0 == stored(raw, backend)


def test_operation_that_hangs(backend: Backend, raw: Raw, failpoint: Any) -> None:
    """U5: an operation that takes too long is DeadlineExceeded, the abort is sent, and the document is free."""
    transaction = in_transaction(backend)
    started = time.monotonic()
    with (
        failpoint(["find"], blockConnection=True, blockTimeMS=1000),
        pytest.raises(DeadlineExceeded),
    ):
        backend.find("things", Query(), transaction=transaction, timeout=0.3).to_list()
    backend.abort(transaction)

    assert time.monotonic() - started < 2.5
    assert seconds_until_free(raw, backend) < 0.5


@pytest.mark.parametrize(
    "fault",
    [
        {"errorCode": 251, "errorLabels": ["TransientTransactionError"]},
        {"errorCode": 112},
        {"errorCode": 246},
        {"errorCode": 10107},
        {"closeConnection": True},
    ],
    ids=str,
)
def test_transient_error(backend: Backend, failpoint: Any, fault: dict[str, Any]) -> None:
    """U4: what is labelled transient, and a lost connection, is a conflict that another attempt may survive."""
    transaction = backend.begin()
    with failpoint(["update"], **fault), pytest.raises(WriteConflict) as caught:
        put(backend, transaction, updates=[Update(1, 1, {"n": 1})])
    backend.abort(transaction)

    assert caught.value.__cause__ is not None


def test_dropped_transaction(backend: Backend, raw: Raw) -> None:
    """A transaction that nobody ended is aborted when it is dropped: its documents are free at once."""
    in_transaction(backend)
    gc.collect()

    assert seconds_until_free(raw, backend) < 1
    assert 0 == stored(raw, backend)


def test_interrupt_while_committing(mongo_url: str, raw: Raw, listen: Listen) -> None:
    """U5: an interrupt during the commit leaves no open transaction behind."""

    class Interrupt(monitoring.CommandListener):
        def started(self, event: monitoring.CommandStartedEvent) -> None:
            if event.command_name == "commitTransaction":
                raise KeyboardInterrupt

        def succeeded(self, event: monitoring.CommandSucceededEvent) -> None: ...
        def failed(self, event: monitoring.CommandFailedEvent) -> None: ...

    listen(Interrupt())
    backend = backend_for(mongo_url).open(mongo_url, BackendOptions("core", ()))
    put(backend, inserts=[{"_id": 1, "version": 1, "n": 0}])
    transaction = in_transaction(backend)
    with pytest.raises(KeyboardInterrupt):
        backend.commit(transaction, timeout=5.0)

    assert seconds_until_free(raw, backend) < 0.5
    backend.close()


def test_abort_never_raises(backend: Backend, failpoint: Any) -> None:
    """An abort that cannot be sent is over in its own bounded time and raises nothing."""
    transaction = in_transaction(backend)
    started = time.monotonic()
    with failpoint(["abortTransaction"], times=None, closeConnection=True):
        backend.abort(transaction)

    assert time.monotonic() - started < 3


def test_one_transaction_from_thread_to_thread(backend: Backend, raw: Raw) -> None:
    """U15: a transaction may begin in one thread and be committed in another."""
    found: list[Transaction] = []
    thread = threading.Thread(target=lambda: found.append(in_transaction(backend)))
    thread.start()
    thread.join()
    backend.commit(found[0], timeout=5.0)

    assert 1 == stored(raw, backend)


def test_count_in_an_ended_transaction(backend: Backend) -> None:
    """A transaction that the server's own limit ended says so: no other writer is to blame."""
    transaction = in_transaction(backend)
    time.sleep(4.5)
    with pytest.raises(UnitTooLong, match="transactionLifetimeLimitSeconds"):
        backend.count("things", EVERYTHING, limit=None, transaction=transaction, timeout=5.0)
    backend.abort(transaction)
