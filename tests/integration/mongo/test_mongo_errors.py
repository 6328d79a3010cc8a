"""The driver's errors outside transactions, the commands that are sent, and cursors that break."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from listening import Listen
from pymongo import monitoring

from tristore import ConfigurationError, TristoreError, Unavailable, ValidationError
from tristore.adapters.backend import (
    EVERYTHING,
    Backend,
    BackendOptions,
    Comparator,
    Compare,
    Delete,
    Query,
    Update,
    WritePlan,
    WriteResult,
    backend_for,
)
from tristore.errors import DeadlineExceeded, DurabilityWarning, WriteConflict

SETTINGS = {"heartbeatFrequencyMS": 500}


class Commands(monitoring.CommandListener):
    """Remembers the commands that were sent."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, Any]] = []

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        self.sent.append((event.command_name, event.command))

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None: ...
    def failed(self, event: monitoring.CommandFailedEvent) -> None: ...

    def names(self) -> list[str]:
        """Their names."""
        return [name for name, _ in self.sent]


@pytest.fixture
def commands(listen: Listen) -> Commands:
    """The commands of every backend that the test opens."""
    commands = Commands()
    listen(commands)
    return commands


@pytest.fixture
def backend(commands: Commands, mongo_url: str) -> Iterator[Backend]:
    """A backend that meets fail points, with three documents."""
    backend = backend_for(mongo_url).open(mongo_url, BackendOptions("under-test", (), SETTINGS))
    put(backend, inserts=[{"_id": n, "version": 1} for n in range(3)])
    commands.sent.clear()
    yield backend
    backend.close()


def put(backend: Backend, **plan: Any) -> WriteResult:
    """Write a plan outside transactions."""
    return backend.write(WritePlan("things", "version", **plan), transaction=None, timeout=3.0)


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ({"errorCode": 112}, WriteConflict),
        ({"errorCode": 50}, DeadlineExceeded),
        ({"errorCode": 262}, DeadlineExceeded),
        ({"errorCode": 52}, ValidationError),
        ({"errorCode": 13}, ConfigurationError),
        ({"errorCode": 18}, ConfigurationError),
        ({"errorCode": 2}, TristoreError),
    ],
    ids=str,
)
def test_error_of_a_write(backend: Backend, failpoint: Any, fault: dict[str, Any], expected: type[Exception]) -> None:
    """U4: the server's errors are told apart by code, and keep the driver's error as their cause."""
    with failpoint(["insert"], times=None, **fault), pytest.raises(TristoreError) as caught:
        put(backend, inserts=[{"_id": 9, "secret": "hunter2"}])

    assert expected is type(caught.value)
    assert caught.value.__cause__ is not None
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("code", [64, 100])
def test_write_that_is_not_confirmed(backend: Backend, failpoint: Any, code: int) -> None:
    """A write that was applied, but confirmed by too few members in time, counts as applied."""
    problem = {"code": code, "errmsg": "x", "errInfo": {"wtimeout": True}}
    with failpoint(["insert"], writeConcernError=problem), pytest.warns(DurabilityWarning, match="too few members"):
        result = put(backend, inserts=[{"_id": 9}])

    assert WriteResult(0, 0, 1) == result


def test_answer_of_a_write_is_lost(backend: Backend, failpoint: Any) -> None:
    """A write whose answer is lost once is sent again, and done once."""
    with failpoint(["insert"], closeConnection=True):
        put(backend, inserts=[{"_id": 9}])

    assert 4 == backend.count("things", EVERYTHING, limit=None, transaction=None, timeout=3.0)


def test_connection_that_is_always_lost(backend: Backend, failpoint: Any) -> None:
    """A server that never answers a write is an error when the time is over."""
    with (
        failpoint(["insert"], times=None, closeConnection=True),
        pytest.raises((Unavailable, DeadlineExceeded)) as caught,
    ):
        put(backend, inserts=[{"_id": 9}])

    assert caught.value.__cause__ is not None


def test_slow_read(backend: Backend, failpoint: Any) -> None:
    """A read that takes longer than it may is DeadlineExceeded."""
    with failpoint(["find"], blockConnection=True, blockTimeMS=900), pytest.raises(DeadlineExceeded):
        backend.find("things", Query(), transaction=None, timeout=0.2).to_list()


def test_no_time_left(backend: Backend, commands: Commands) -> None:
    """An operation for which no time is left sends nothing."""
    with pytest.raises(DeadlineExceeded):
        backend.find("things", Query(), transaction=None, timeout=-1).to_list()

    assert [] == commands.sent


def test_exhausted_pool(mongo_url: str, failpoint: Any) -> None:
    """A pool without a free connection is Unavailable within the time of the operation, not a hang."""
    backend = backend_for(mongo_url).open(mongo_url, BackendOptions("under-test", (), {**SETTINGS, "maxPoolSize": 1}))

    def read(timeout: float) -> None:
        transaction = backend.begin()
        try:
            backend.find("things", Query(), transaction=transaction, timeout=timeout).to_list()
        finally:
            backend.abort(transaction)

    read(3.0)
    with failpoint(["find"], times=None, blockConnection=True, blockTimeMS=800), ThreadPoolExecutor(1) as pool:
        holding = pool.submit(read, 3.0)
        time.sleep(0.2)
        with pytest.raises(Unavailable):
            read(0.3)
        holding.result()
    backend.close()


def test_cursor_that_breaks(backend: Backend, failpoint: Any) -> None:
    """A cursor that is lost between batches raises: never a short list as if it were whole."""
    put(backend, inserts=[{"_id": n} for n in range(10, 400)])
    documents = iter(backend.find("things", Query(), transaction=None, timeout=3.0))
    next(documents)
    with failpoint(["getMore"], closeConnection=True), pytest.raises(Unavailable):
        list(documents)


def test_commands_of_a_plan(backend: Backend, commands: Commands) -> None:
    """U11: a plan of any size is at most three commands."""
    result = put(
        backend,
        deletes=[Delete(0, 1), Delete(1, 1)],
        updates=[Update(2, 1, {"version": 2}), Update(0, 1, {"version": 2})],
        inserts=[{"_id": n} for n in range(10, 110)],
    )

    assert WriteResult(2, 1, 100) == result
    assert ["delete", "update", "insert"] == commands.names()


def test_commands_of_a_transaction(backend: Backend, commands: Commands) -> None:
    """U11: a hundred updates in a transaction are one update and the commit; the first one opens the snapshot."""
    transaction = backend.begin()
    plan = WritePlan("things", "version", (), [Update(n, 1, {"version": 2}) for n in range(100)])
    backend.write(plan, transaction=transaction, timeout=3.0)
    backend.commit(transaction, timeout=3.0)
    (_, update), (_, end) = commands.sent

    assert ["update", "commitTransaction"] == commands.names()
    assert ("snapshot", "majority") == (update["readConcern"]["level"], end["writeConcern"]["w"])


@pytest.mark.parametrize("limit", [None, 1, 500])
def test_commands_of_a_find(backend: Backend, commands: Commands, limit: int | None) -> None:
    """A find is one command without a transaction, however many documents its limit allows."""
    put(backend, inserts=[{"_id": n} for n in range(10, 400)])
    commands.sent.clear()
    predicate = Compare(("_id",), Comparator.GE, 2) if limit else Compare(("_id",), Comparator.LT, 100)
    backend.find("things", Query(predicate, (), 0, limit), transaction=None, timeout=3.0).to_list()

    assert [("find", False)] == [(name, "startTransaction" in command) for name, command in commands.sent]


def test_count_of_one_is_a_find(backend: Backend, commands: Commands) -> None:
    """Whether anything matches is asked with a find that stops at the first document."""
    assert 1 == backend.count("things", EVERYTHING, limit=1, transaction=None, timeout=3.0)
    assert ["find"] == commands.names()


def test_every_read_has_a_deadline(backend: Backend, commands: Commands) -> None:
    """Each command tells the server how long it may take."""
    backend.find("things", Query(), transaction=None, timeout=3.0).to_list()
    backend.count("things", EVERYTHING, limit=None, transaction=None, timeout=3.0)

    assert [True, True] == [0 < command["maxTimeMS"] <= 3_000 for _, command in commands.sent]
