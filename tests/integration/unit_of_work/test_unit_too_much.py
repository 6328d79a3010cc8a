"""Units that are too large or too slow for the server: they say so, and are not repeated in vain."""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from tristore.errors import DeadlineExceeded, TooLarge, UnitTooLong, WriteConflict

from ..core_store import CoreStore, OpenCore, Raw, load, save, user

TRANSIENT = ["TransientTransactionError"]


@pytest.fixture
def store(open_core: OpenCore) -> CoreStore:
    """A store that meets fail points."""
    return open_core()


@pytest.fixture
def short_life(raw: Raw) -> Iterator[None]:
    """The server ends transactions after a second."""
    before = raw.admin.command("getParameter", transactionLifetimeLimitSeconds=1)["transactionLifetimeLimitSeconds"]
    raw.admin.command("setParameter", transactionLifetimeLimitSeconds=1)
    yield
    raw.admin.command("setParameter", transactionLifetimeLimitSeconds=before)


@pytest.mark.parametrize("code", [257, 388])
@pytest.mark.parametrize("labels", [[], TRANSIENT], ids=["plain", "transient"])
@pytest.mark.parametrize("command", ["update", "commitTransaction"])
def test_unit_that_is_too_large(store: CoreStore, failpoint: Any, code: int, labels: list[str], command: str) -> None:
    """U20: what a server cannot hold in one transaction is `TooLarge`, with the way out, after one attempt."""
    ada = user(credits=10)
    save(store, ada)
    calls = []

    def work(core: Any) -> None:
        calls.append(1)
        core.users.get(ada.id).credits = 0

    with failpoint([command], times=None, errorCode=code, errorLabels=labels), pytest.raises(TooLarge) as caught:
        store.run(work)

    assert [1] == calls
    assert f"changes more than the server can hold in one transaction (code {code})" in str(caught.value)
    assert "use several units, or bulk()" in str(caught.value)
    assert 10 == load(store, ada.id).credits


@pytest.mark.usefixtures("short_life")
@pytest.mark.parametrize("last", ["flush", "read", "commit"])
def test_unit_that_is_too_slow(store: CoreStore, last: str) -> None:
    """U20: after transactionLifetimeLimitSeconds the unit says so, whichever operation finds out, after one attempt."""
    ada = user(credits=10)
    save(store, ada)
    calls = []

    def work(core: Any) -> None:
        calls.append(1)
        found = core.users.get(ada.id)
        if last == "commit":
            found.credits = 0
            core.flush()
        time.sleep(3.5)
        found.credits = 0
        if last == "read":
            core.organizations.find()

    with pytest.raises(UnitTooLong) as caught:
        store.run(work, deadline=30)

    assert [1] == calls
    assert "open for longer than the 1 s that the server gives it (transactionLifetimeLimitSeconds)" in str(
        caught.value
    )
    assert isinstance(caught.value, DeadlineExceeded)
    assert 10 == load(store, ada.id).credits


def test_transaction_that_is_lost_early(store: CoreStore, failpoint: Any) -> None:
    """The same code of a young transaction is another writer, or a fail-over: it is repeated."""
    ada = user(credits=10)
    save(store, ada)
    with failpoint(["update"], errorCode=251, errorLabels=TRANSIENT):
        store.run(lambda core: setattr(core.users.get(ada.id), "credits", 0))
    lost = failpoint(["update"], errorCode=251, errorLabels=TRANSIENT)
    with lost, pytest.raises(WriteConflict), store.unit_of_work() as core:
        core.users.get(ada.id).credits = 5

    assert 0 == load(store, ada.id).credits


def test_limit_of_the_store(open_core: OpenCore) -> None:
    """U20: a unit above `max_seconds` of its store is not repeated either."""
    store = open_core(max_seconds=0.05)
    calls = []

    def work(core: Any) -> None:
        calls.append(1)
        core.users.add(user())
        time.sleep(0.1)

    with pytest.raises(UnitTooLong, match=r"may be for 0\.05; nothing was applied"):
        store.run(work)

    assert [1] == calls
