"""A real SIGINT at any moment around a commit: what was written is there whole or not at all, and its rows are free."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import pairwise
from typing import Any

import pytest
from attrs import define
from listening import Listen
from pymongo.monitoring import CommandStartedEvent

from tristore.domain.core import CoreUnitOfWork, CreditTransfer, User

from ..core_store import Commands, CoreStore, OpenCore, Raw, RawDatabase, eventually, open_transactions, save, user

IN_TIME = 0.5
"""Seconds, from the moment at which the interrupt reached the caller, in which another client has written the rows."""

Work = Callable[[CoreUnitOfWork], None]

DELAYED: dict[str, Any] = {"blockConnection": True, "blockTimeMS": 1_500}

AT_LAST = 10.0
"""Seconds in which a signal has certainly arrived."""

SENT_AFTER = 0.3
"""Seconds from the sending of a commit, while it is delayed, to the signal."""

MOMENTS = (*(step * 0.0004 for step in range(25)), 0.5)
"""Seconds from the flush to the signal: while the commit is under way, and when it is certainly over."""


def interrupt_after(seconds: float) -> None:
    """Send this process what Ctrl-C sends, a little later."""
    threading.Timer(seconds, os.kill, (os.getpid(), signal.SIGINT)).start()


class Interrupting(Commands):
    """Has a signal sent while the commit is under way."""

    def started(self, event: CommandStartedEvent) -> None:
        if event.command_name == "commitTransaction" and "commitTransaction" not in self.names:
            interrupt_after(SENT_AFTER)
        super().started(event)


@define
class Transferring:
    """Two users between whom credits move, once for each transfer that was committed."""

    store: CoreStore
    database: RawDatabase
    sender: User
    receiver: User

    def transfer(self, core: CoreUnitOfWork) -> None:
        """Move a credit and log it; all is written when this returns, and the rows are locked."""
        sender, receiver = core.users.get(self.sender.id), core.users.get(self.receiver.id)
        core.transfers.add(CreditTransfer.between(sender, receiver, 1))
        core.flush()

    def seconds_until_free(self) -> float:
        """How long another client waits to write both rows."""
        began = time.monotonic()
        self.database["users"].update_many({}, {"$inc": {"touched": 1}})
        return time.monotonic() - began

    def applied(self) -> int:
        """How many transfers were applied; each of them whole."""
        logged = self.database["transfers"].count_documents({})
        credits = {one["username"]: one["credits"] for one in self.database["users"].find()}

        assert {"ada": 100 - logged, "bob": logged} == credits
        return logged


@pytest.fixture
def begin(open_core: OpenCore, database: RawDatabase) -> Callable[[], Transferring]:
    """Open the store and save the two."""

    def open_it() -> Transferring:
        sender, receiver = user("ada", credits=100), user("bob")
        store = open_core()
        with store.unit_of_work() as core:
            core.users.add(sender)
        save(store, receiver)
        return Transferring(store, database, sender, receiver)

    return open_it


@pytest.fixture(autouse=True)
def as_outside_of_pytest() -> Iterator[None]:
    """SIGINT does what it does in every program."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def in_a_unit(store: CoreStore, work: Work) -> None:
    """Work in one unit."""
    with store.unit_of_work() as core:
        work(core)


def under_a_key(store: CoreStore, work: Work) -> None:
    """Work in run, under a key."""
    store.run(work, key="transfer")


@pytest.mark.parametrize("how", [in_a_unit, CoreStore.run, under_a_key])
def test_signal_during_a_delayed_commit(
    begin: Callable[[], Transferring],
    raw: Raw,
    failpoint: Any,
    listen: Listen,
    how: Callable[[CoreStore, Work], None],
) -> None:
    """U5, U6: an interrupt while the commit is under way ends the call: all is applied or nothing; rows are free."""
    moving = begin()
    moving.store.close()
    commands = Interrupting()
    listen(commands)

    # Disarming waits for the command that hangs, so it comes last.
    with ExitStack() as faults:
        faults.enter_context(failpoint(["commitTransaction"], **DELAYED))
        with pytest.raises(KeyboardInterrupt):
            how(moving.store, moving.transfer)
            time.sleep(AT_LAST)

        assert moving.seconds_until_free() < IN_TIME
        assert eventually(lambda: open_transactions(raw) == 0)
    assert moving.applied() in {0, 1}
    assert "commitTransaction" in commands.names


def test_signal_at_any_moment(begin: Callable[[], Transferring], raw: Raw) -> None:
    """U5, U6: before, in or behind the commit: whenever an interrupt comes, a transfer is whole and no row locked."""
    moving = begin()
    applied = [moving.applied()]
    for number, moment in enumerate(MOMENTS):

        def transfer(core: CoreUnitOfWork, waits: bool = number == 0, after: float = moment) -> None:
            moving.transfer(core)
            interrupt_after(after)
            if waits:
                time.sleep(AT_LAST)

        with pytest.raises(KeyboardInterrupt):
            moving.store.run(transfer)
            time.sleep(AT_LAST)
        assert moving.seconds_until_free() < IN_TIME
        assert eventually(lambda: open_transactions(raw) == 0)
        applied.append(moving.applied())

    steps = [later - sooner for sooner, later in pairwise(applied)]
    assert {0, 1} == set(steps)
    assert (0, 1) == (steps[0], steps[-1])
