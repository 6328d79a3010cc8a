"""However a unit ends, the rows that it had written are free for other clients in time."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pymongo
import pytest
from bson import ObjectId
from pymongo import MongoClient
from pymongo.errors import ExecutionTimeout, PyMongoError

from tristore.domain.core import CoreUnitOfWork, User
from tristore.errors import CommitUnknown, DeadlineExceeded

from ..core_store import APPLICATION, CoreStore, OpenCore, Raw, RawDatabase, load, open_transactions, save, user

IN_TIME = 0.5
"""Seconds, from the end of the unit, in which another client must have written the row."""

HANGING: dict[str, Any] = {"blockConnection": True, "blockTimeMS": 1_500}


@pytest.fixture
def store(open_core: OpenCore) -> CoreStore:
    """A store that meets fail points."""
    return open_core()


@pytest.fixture
def ada(store: CoreStore) -> User:
    """A stored user."""
    ada = user(credits=10)
    save(store, ada)
    return ada


@pytest.fixture
def free_since(database: RawDatabase) -> Callable[[float], float]:
    """Write the row as another client, and return how many seconds after a moment that was done."""

    def measure(moment: float) -> float:
        database["users"].update_one({"username": "ada"}, {"$inc": {"touched": 1}})
        return time.monotonic() - moment

    return measure


FreeSince = Callable[[float], float]


def written(core: CoreUnitOfWork, ada: User) -> None:
    """Change the row inside the transaction, which locks it."""
    core.users.get(ada.id).credits = 0
    core.flush()


def test_deadline_during_an_operation(store: CoreStore, ada: User, failpoint: Any, free_since: FreeSince) -> None:
    """U5: a deadline that passes while an operation hangs leaves the row free 0.5 s later."""

    def work(core: CoreUnitOfWork) -> None:
        written(core, ada)
        faults.enter_context(failpoint(["find"], **HANGING))
        core.organizations.find()

    # Disarming waits for the command that hangs, so it comes last.
    with ExitStack() as faults:
        began = time.monotonic()
        with pytest.raises(DeadlineExceeded):
            store.run(work, deadline=0.4)

        assert free_since(began + 0.4) < IN_TIME
    assert 10 == load(store, ada.id).credits


def test_deadline_between_operations(store: CoreStore, ada: User, free_since: FreeSince) -> None:
    """U5: a deadline that has passed when the function returns leaves the row free 0.5 s later."""

    def slow(core: CoreUnitOfWork) -> None:
        written(core, ada)
        time.sleep(0.4)

    began = time.monotonic()
    with pytest.raises(DeadlineExceeded):
        store.run(slow, deadline=0.3)

    assert free_since(began + 0.4) < IN_TIME
    assert 10 == load(store, ada.id).credits


def test_deadline_during_the_commit(store: CoreStore, ada: User, failpoint: Any, free_since: FreeSince) -> None:
    """U5, U6: a deadline that passes while the commit hangs does not stop it: sent again, it is applied and frees."""
    with ExitStack() as faults:

        def work(core: CoreUnitOfWork) -> None:
            written(core, ada)
            faults.enter_context(failpoint(["commitTransaction"], **HANGING))

        began = time.monotonic()
        store.run(work, deadline=0.4)

        assert free_since(began + 0.4) < IN_TIME
    assert 0 == load(store, ada.id).credits


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("how", ["a unit", "run", "attempts"])
def test_exception(store: CoreStore, ada: User, free_since: FreeSince, how: str, error: type[BaseException]) -> None:
    """U5: an exception, an interruption from the keyboard and the end of the program leave the row free at once."""

    def work(core: CoreUnitOfWork) -> None:
        written(core, ada)
        raise error

    with pytest.raises(error):
        if how == "run":
            store.run(work)
        elif how == "attempts":
            for attempt in store.attempts():
                with attempt as core:
                    work(core)
        else:
            with store.unit_of_work() as core:
                work(core)

    assert free_since(time.monotonic()) < IN_TIME
    assert 10 == load(store, ada.id).credits


def unit_in_a_generator(store: CoreStore, ada: User) -> Iterator[User]:
    """A unit around a yield, as a web framework's dependency is."""
    with store.unit_of_work() as core:
        written(core, ada)
        yield ada


def attempts_in_a_generator(store: CoreStore, ada: User) -> Iterator[User]:
    """The same with attempts."""
    for attempt in store.attempts():
        with attempt as core:
            written(core, ada)
            yield ada


@pytest.mark.parametrize("generated", [unit_in_a_generator, attempts_in_a_generator])
@pytest.mark.parametrize("end", ["closed", "dropped"])
def test_generator(store: CoreStore, ada: User, free_since: FreeSince, generated: Any, end: str) -> None:
    """U5: a generator that is closed or dropped in the middle of a unit leaves the row free at once."""
    generator = generated(store, ada)
    next(generator)
    if end == "closed":
        generator.close()
    del generator

    assert free_since(time.monotonic()) < IN_TIME
    assert 10 == load(store, ada.id).credits


def test_dropped_unit(store: CoreStore, ada: User, free_since: FreeSince) -> None:
    """U5: a unit that nobody holds any more, and nobody left, frees its rows without a garbage collection."""
    core = store.unit_of_work()
    core.__enter__()
    written(core, ada)
    del core

    assert free_since(time.monotonic()) < IN_TIME
    assert 10 == load(store, ada.id).credits


def test_commit_whose_answer_is_lost_twice(store: CoreStore, ada: User, failpoint: Any, free_since: FreeSince) -> None:
    """U6: a commit of which nothing is heard twice, which the driver gives up, is applied by the third sending."""
    with failpoint(["commitTransaction"], times=2, closeConnection=True), store.unit_of_work() as core:
        written(core, ada)

    assert free_since(time.monotonic()) < IN_TIME
    assert 0 == load(store, ada.id).credits


def test_commit_that_is_applied_and_lost(store: CoreStore, ada: User, failpoint: Any, free_since: FreeSince) -> None:
    """U6: a commit that was applied, but whose answers never tell so, is known in the end, and the row is free."""
    lost = {"writeConcernError": {"code": 91, "errmsg": "x"}, "errorLabels": ["RetryableWriteError"]}
    with failpoint(["commitTransaction"], times=2, **lost), store.unit_of_work() as core:
        written(core, ada)

    assert free_since(time.monotonic()) < IN_TIME
    assert 0 == load(store, ada.id).credits


@pytest.mark.usefixtures("impatient")
def test_commit_that_never_arrives(open_core: OpenCore, failpoint: Any, free_since: FreeSince, raw: Raw) -> None:
    """U6: a commit that never arrives, however often it is sent, frees the row all the same: its session is killed."""
    store = open_core(operation_timeout=0.5)
    ada = user(credits=10)
    save(store, ada)
    with (
        failpoint(["commitTransaction"], times=None, closeConnection=True),
        pytest.raises(CommitUnknown) as caught,
        store.unit_of_work() as core,
    ):
        written(core, ada)

    assert free_since(time.monotonic()) < IN_TIME
    assert 0 == open_transactions(raw)
    assert not store.resolve(caught.value.unit_id)
    assert 10 == load(store, ada.id).credits


def test_bare_driver_leaves_the_row_locked(
    core_url: str, ada: User, failpoint: Any, database: RawDatabase, raw: Raw
) -> None:
    """U5, the control: pymongo.timeout around with_transaction leaves no time for the abort; the row stays locked.

    The server's own limit frees it: 60 s and more by default, 3 s in servers for tests.
    """

    def work(session: Any) -> None:
        core = client[database.name]
        core["users"].update_one({"_id": ObjectId(ada.id)}, {"$set": {"credits": 0}}, session=session)
        core["organizations"].insert_one({"name": "hangs"}, session=session)

    with (
        MongoClient[dict[str, Any]](core_url, appname=APPLICATION) as client,
        ExitStack() as faults,
    ):
        faults.enter_context(failpoint(["insert"], **HANGING))
        with client.start_session() as session, pytest.raises(PyMongoError), pymongo.timeout(0.4):
            session.with_transaction(work)

        with pytest.raises(ExecutionTimeout):
            database.command(
                "update",
                "users",
                updates=[{"q": {"username": "ada"}, "u": {"$inc": {"touched": 1}}}],
                maxTimeMS=1_000,
            )
        assert 1 == open_transactions(raw)
        raw.admin.command("killAllSessions", [])
