"""Faults made in the real server: conflicts are repeated, time-outs end, and no row stays locked."""

import time
from contextlib import ExitStack
from typing import Any

import pytest

from tristore import UnitOfWork
from tristore.domain.core import CoreUnitOfWork, User, UserRegistered
from tristore.errors import (
    CommitUnknown,
    DeadlineExceeded,
    RetryExhausted,
    UnitOfWorkFailed,
    WriteConflict,
)
from tristore.operations import UnitOfWorkListener
from tristore.services import CreditService

from ..core_store import (
    FREE,
    CoreStore,
    OpenCore,
    Raw,
    RawDatabase,
    load,
    open_transactions,
    save,
    seconds_until_free,
    user,
)

TRANSIENT = ["TransientTransactionError"]
CONFLICTS: dict[str, tuple[list[str], dict[str, Any]]] = {
    "conflict at the write": (["update"], {"errorCode": 112}),
    "transaction lost before the write": (["update"], {"errorCode": 251, "errorLabels": TRANSIENT}),
    "snapshot lost at the first read": (["find"], {"errorCode": 246}),
    "transaction lost before the commit": (["commitTransaction"], {"errorCode": 251, "errorLabels": TRANSIENT}),
    "connection lost at the write": (["update"], {"closeConnection": True}),
    "primary that steps down": (["update"], {"errorCode": 10107}),
}
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


class Retries(UnitOfWorkListener):
    """Remembers what happened to attempts."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def after_commit(self, uow: UnitOfWork[Any]) -> None:
        self.told.append("committed")

    def after_rollback(self, uow: UnitOfWork[Any]) -> None:
        self.told.append("rolled back")

    def on_retry(self, attempt: int, error: BaseException, delay: float) -> None:
        self.told.append(f"{attempt} {type(error).__name__}")


@pytest.mark.parametrize("times", [1, 3])
@pytest.mark.parametrize("conflict", CONFLICTS)
def test_conflicts_are_repeated(store: CoreStore, ada: User, failpoint: Any, conflict: str, times: int) -> None:
    """U5, U17: after N conflicts the function has run N + 1 times, and its effect, events and hooks are there once."""
    commands, fault = CONFLICTS[conflict]
    retries = Retries()
    events: list[UserRegistered] = []
    calls: list[int] = []
    store.listen(retries)
    store.subscribe(UserRegistered, events.append)

    def work(core: CoreUnitOfWork) -> None:
        calls.append(1)
        core.users.get(ada.id).credits += 1
        core.users.add(User.register(email="new@example.org", username="new"))

    with failpoint(commands, times=times, **fault):
        store.run(work)
    after = load(store, ada.id)

    expected = [told for number in range(1, times + 1) for told in ("rolled back", f"{number} WriteConflict")]
    assert [*expected, "committed"] == retries.told
    assert (times + 1, 1, 11, 2) == (len(calls), len(events), after.credits, after.version)


def test_transfer_is_done_once(store: CoreStore, ada: User, failpoint: Any, database: RawDatabase) -> None:
    """U5, U6: credits move once, whatever is lost on the way: writes, inserts, the answer of the commit."""
    bob = user("bob")
    save(store, bob)
    for commands, fault in (
        (["update"], {"errorCode": 112}),
        (["insert"], {"closeConnection": True}),
        (["commitTransaction"], {"closeConnection": True}),
    ):
        with failpoint(commands, times=2, **fault):
            CreditService(store).transfer(ada.id, bob.id, 1)

    assert (7, 3) == (load(store, ada.id).credits, load(store, bob.id).credits)
    assert 3 == database["transfers"].count_documents({})


def test_lost_answer_of_the_commit(store: CoreStore, ada: User, failpoint: Any) -> None:
    """U6: when the answer of a commit is lost only the commit is sent again, never the function."""
    calls = []

    def work(core: CoreUnitOfWork) -> None:
        calls.append(1)
        core.users.get(ada.id).credits += 1

    with failpoint(["commitTransaction"], times=2, closeConnection=True):
        store.run(work)

    assert ([1], 11) == (calls, load(store, ada.id).credits)


@pytest.mark.usefixtures("impatient")
def test_unknown_commit_is_not_repeated(
    store: CoreStore, ada: User, failpoint: Any, database: RawDatabase, raw: Raw
) -> None:
    """U6: a commit of unknown outcome says so with the unit's id, once, and leaves no row locked."""
    calls = []

    def work(core: CoreUnitOfWork) -> None:
        calls.append(core.id)
        core.users.get(ada.id).credits += 1

    with failpoint(["commitTransaction"], times=None, closeConnection=True), pytest.raises(CommitUnknown) as caught:
        store.run(work, deadline=1.0)

    assert [caught.value.unit_id] == calls
    assert seconds_until_free(database) < FREE
    assert 0 == open_transactions(raw)


def test_one_attempt_raises_the_conflict(store: CoreStore, ada: User, failpoint: Any, database: RawDatabase) -> None:
    """U3: a unit of its own is one attempt: the conflict is raised, and nothing stays."""
    with failpoint(["update"], errorCode=112), pytest.raises(WriteConflict), store.unit_of_work() as core:
        core.users.get(ada.id).credits = 0

    assert 10 == load(store, ada.id).credits
    assert seconds_until_free(database) < FREE


def test_failed_unit_stays_failed(store: CoreStore, ada: User, failpoint: Any) -> None:
    """U3: after the first error of the server a unit refuses everything, and leaving it raises that error."""
    with failpoint(["find"], errorCode=246), pytest.raises(WriteConflict), store.unit_of_work() as core:
        with pytest.raises(WriteConflict):
            core.users.get(ada.id)
        with pytest.raises(UnitOfWorkFailed):
            core.users.get(ada.id)


@pytest.mark.parametrize("limits", [{"max_attempts": 3}, {"deadline": 1.5}], ids=str)
def test_retries_end(
    store: CoreStore, ada: User, failpoint: Any, database: RawDatabase, limits: dict[str, Any]
) -> None:
    """U5: attempts and deadline end a conflict that never ends; nothing is applied and the row is free."""
    began = time.monotonic()
    # whoever is in the midst of an operation when the time is over is told by it
    with failpoint(["update"], times=None, errorCode=112), pytest.raises((RetryExhausted, DeadlineExceeded)) as caught:
        store.run(lambda core: setattr(core.users.get(ada.id), "credits", 0), **limits)

    if isinstance(caught.value, RetryExhausted):
        assert isinstance(caught.value.__cause__, WriteConflict)
    if "max_attempts" in limits:
        assert isinstance(caught.value, RetryExhausted)
        assert limits["max_attempts"] == caught.value.attempts
    assert time.monotonic() - began < 5
    assert seconds_until_free(database) < FREE
    assert 10 == load(store, ada.id).credits


def test_operation_that_hangs(open_core: OpenCore, failpoint: Any, database: RawDatabase, raw: Raw) -> None:
    """U5: a read that hangs ends as DeadlineExceeded after its time; the row that the unit had written is free."""
    store = open_core(operation_timeout=0.5)
    save(store, user())
    # Disarming waits for the command that hangs, so it comes last.
    with ExitStack() as faults:
        with pytest.raises(DeadlineExceeded), store.unit_of_work() as core:
            core.users.find()[0].credits = 5
            core.flush()
            faults.enter_context(failpoint(["find"], **HANGING))
            began = time.monotonic()
            core.organizations.find()

        assert time.monotonic() - began < 1.2
        assert 0 == open_transactions(raw)
        assert seconds_until_free(database) < FREE


def test_write_that_hangs(open_core: OpenCore, ada: User, failpoint: Any, database: RawDatabase) -> None:
    """U5: a flush that hangs ends as DeadlineExceeded, and nothing is written by it afterwards."""
    store = open_core(operation_timeout=0.5)
    store.open()
    with failpoint(["update"], **HANGING), pytest.raises(DeadlineExceeded), store.unit_of_work() as core:
        core.users.get(ada.id).credits = 0

    assert seconds_until_free(database) < FREE
    assert 10 == load(store, ada.id).credits


def test_deadline_of_a_run_that_hangs(store: CoreStore, ada: User, failpoint: Any, database: RawDatabase) -> None:
    """U5: the deadline of a run ends an operation in its middle; another client writes the row at once."""

    def work(core: CoreUnitOfWork) -> None:
        core.users.get(ada.id).credits = 0
        core.flush()
        faults.enter_context(failpoint(["find"], **HANGING))
        core.organizations.find()

    with ExitStack() as faults:
        began = time.monotonic()
        with pytest.raises(DeadlineExceeded):
            store.run(work, deadline=0.5)

        assert time.monotonic() - began < 1.2
        assert seconds_until_free(database) < FREE
    assert 10 == load(store, ada.id).credits


def test_deadline_that_passes_in_the_function(store: CoreStore, ada: User, database: RawDatabase) -> None:
    """U5: a function that takes longer than the deadline of its run is not committed."""

    def slow(core: CoreUnitOfWork) -> None:
        core.users.get(ada.id).credits = 0
        core.flush()
        time.sleep(0.4)

    with pytest.raises(DeadlineExceeded):
        store.run(slow, deadline=0.3)

    assert seconds_until_free(database) < FREE
    assert 10 == load(store, ada.id).credits
