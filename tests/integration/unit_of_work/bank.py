"""A bank whose tellers go on while its servers fail: who moves credits, who audits, and what must hold afterwards."""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from enum import Enum, auto
from itertools import count, pairwise
from typing import Any, TypeVar, cast

from attrs import Factory, define, frozen

from tristore import Conflict, Store, Unavailable
from tristore.domain.core import CoreUnitOfWork, CreditTransfer, InsufficientCredits, UserId
from tristore.errors import CommitUnknown, DeadlineExceeded, RetryExhausted, UnitTooLong
from tristore.services import CreditService
from tristore.testing import MongoCluster

from ..core_store import CoreStore, save, user

T = TypeVar("T")

TELLERS = 8
ACCOUNTS = 20
EACH = 100
LARGEST = 40
TOTAL = ACCOUNTS * EACH

PATIENCE = 25.0
"""Seconds that a caller gives a transfer: more than any fault of the test lasts."""

SHORT = (UnitTooLong,)
"""The servers of tests end a transaction after three seconds, which a frozen one may take from any unit."""

Transfer = Callable[[str, UserId, UserId, int], str]
"""Moves credits under a note that no other transfer has, and returns the id of the transfer."""


class Outcome(Enum):
    """What a caller was told."""

    DONE = auto()
    REFUSED = auto()
    UNKNOWN = auto()
    FAILED = auto()


@frozen
class Told:
    """What a caller was told of one transfer, and when."""

    note: str
    outcome: Outcome
    at: float
    detail: str


class Patient:
    """A store whose `run` waits out a fail-over, and conflicts as long as its deadline allows."""

    def __init__(self, store: CoreStore, deadline: float) -> None:
        self._store = store
        self._deadline = deadline

    def run(self, fn: Callable[[CoreUnitOfWork], T]) -> T:
        return self._store.run(fn, deadline=self._deadline, max_attempts=50, retry_on=SHORT)


def by_service(store: CoreStore, deadline: float = PATIENCE) -> Transfer:
    """Transfers of the service: one call each."""
    service = CreditService(cast("Store[CoreUnitOfWork]", Patient(store, deadline)))

    def transfer(note: str, sender: UserId, receiver: UserId, amount: int) -> str:
        return service.transfer(sender, receiver, amount, note).id

    return transfer


class Repeating:
    """A client with little patience in each call, that repeats every failed one under its key.

    Attributes:
        met: how often each class of error was met.
    """

    def __init__(self, store: CoreStore, deadline: float = 1.0) -> None:
        self._store = store
        self._deadline = deadline
        self.met: Counter[str] = Counter()

    def __call__(self, note: str, sender: UserId, receiver: UserId, amount: int) -> str:
        def work(core: CoreUnitOfWork) -> str:
            moved = CreditTransfer.between(core.users.get(sender), core.users.get(receiver), amount, note)
            core.transfers.add(moved)
            return moved.id

        end = time.monotonic() + PATIENCE
        while True:
            try:
                return self._store.run(work, key=note, deadline=self._deadline, max_attempts=50, retry_on=SHORT)
            except (CommitUnknown, DeadlineExceeded, RetryExhausted, Unavailable) as error:
                self.met[type(error).__name__] += 1
                if time.monotonic() > end:
                    raise


@define
class Audit:
    """What was seen of all balances while they moved.

    Attributes:
        totals: of each look through a snapshot.
        plain: of each look without one, to show that torn reads would be noticed.
        interrupted: how often each class of error ended a look.
    """

    totals: Counter[int] = Factory(Counter)
    plain: Counter[int] = Factory(Counter)
    interrupted: Counter[str] = Factory(Counter)


class Bank:
    """Accounts, tellers who move credits between them, an auditor, and a book of what callers were told."""

    def __init__(self, store: CoreStore, tellers: int = TELLERS) -> None:
        self._store = store
        self._tellers = tellers
        users = [user(f"user{number}", credits=EACH) for number in range(ACCOUNTS)]
        save(store, *users)
        self._accounts = [one.id for one in users]
        self._closing = threading.Event()
        self.audit = Audit()
        self.told: list[Told] = []

    @contextmanager
    def open(self, transfer: Transfer) -> Iterator[None]:
        """Let tellers and the auditor work for the length of a block."""
        with ThreadPoolExecutor(self._tellers + 1) as threads:
            working: list[Future[None]] = [
                threads.submit(self._tell, number, transfer) for number in range(self._tellers)
            ]
            working.append(threads.submit(self._look_on))
            try:
                yield
            finally:
                self._closing.set()
        for one in working:
            one.result()

    def _tell(self, number: int, transfer: Transfer) -> None:
        chance = random.Random(number)
        for turn in count():
            if self._closing.is_set():
                return
            note = f"teller {number}, {turn}"
            sender, receiver = chance.sample(self._accounts, 2)
            outcome, detail = self._outcome(transfer, note, sender, receiver, chance.randint(1, LARGEST))
            self.told.append(Told(note, outcome, time.monotonic(), detail))

    def _outcome(self, transfer: Transfer, *arguments: Any) -> tuple[Outcome, str]:
        try:
            return Outcome.DONE, transfer(*arguments)
        except InsufficientCredits as refusal:
            return Outcome.REFUSED, str(refusal)
        except CommitUnknown as error:
            return Outcome.UNKNOWN, str(error)
        except Exception as error:  # noqa: BLE001 - the book holds whatever callers see; the test reads it
            return Outcome.FAILED, f"{type(error).__name__}: {error}"

    def _look_on(self) -> None:
        """Add up all balances, one read for each account, so that transfers come in between."""
        while not self._closing.wait(0.01):
            for snapshot, totals in ((True, self.audit.totals), (False, self.audit.plain)):
                try:
                    with self._store.reader(snapshot=snapshot) as core:
                        totals[sum(core.users.get(id).credits for id in self._accounts)] += 1
                except (Conflict, DeadlineExceeded, Unavailable) as error:
                    self.audit.interrupted[type(error).__name__] += 1

    def notes(self, *outcomes: Outcome) -> set[str]:
        """The notes of the transfers of which callers were told so."""
        return {told.note for told in self.told if told.outcome in outcomes}

    def details(self, *outcomes: Outcome) -> list[str]:
        """What callers were told besides."""
        return [told.detail for told in self.told if told.outcome in outcomes]

    def balances(self) -> list[int]:
        """What each account holds."""
        with self._store.reader(snapshot=True) as core:
            return [core.users.get(id).credits for id in self._accounts]

    def logged(self) -> list[CreditTransfer]:
        """Every transfer in the book of the store."""
        with self._store.reader() as core:
            return list(core.transfers.stream())

    def balances_by_log(self) -> list[int]:
        """What each account should hold, by the transfers that are logged."""
        moved: Counter[UserId] = Counter()
        for transfer in self.logged():
            moved[transfer.sender_id] -= transfer.amount
            moved[transfer.receiver_id] += transfer.amount
        return [EACH + moved[id] for id in self._accounts]

    def longest_gap(self, begin: float, end: float) -> float:
        """The most seconds between two successful transfers, from one moment to another."""
        done = sorted(told.at for told in self.told if told.outcome is Outcome.DONE and begin <= told.at <= end)
        return max(later - sooner for sooner, later in pairwise([begin, *done, end]))


@frozen
class Fault:
    """Something that was done to the servers.

    Attributes:
        name: what.
        at: when it began.
        over: when the next thing was done to them.
        limit: seconds without a successful transfer that are taken for a hang. The figures are printed; what a busy
            machine takes for an election is no fault of the code.
    """

    name: str
    at: float
    over: float
    limit: float


_HANG = 15.0


class Trouble:
    """What happens to the servers, one thing after the other, each time on a set that is whole."""

    def __init__(self, cluster: MongoCluster, calm: float = 2.0) -> None:
        self._cluster = cluster
        self._calm = calm
        self.faults: list[Fault] = []

    def happen(self) -> Sequence[Fault]:
        """Kill the primary, freeze the next one beyond an election, let one hand over, kill again."""
        time.sleep(self._calm)
        self._kill("killed")
        self._freeze(8.0)
        self._fault("stepped down", _HANG, self._cluster.step_down, 3.0)
        self._kill("killed again")
        return self.faults

    def kill_once(self) -> None:
        """Kill the primary, and start it again."""
        time.sleep(self._calm)
        self._kill("killed")

    def freeze_for_long(self, seconds: float, limit: float) -> None:
        """Freeze the primary for far longer than an election takes; callers may not wait for its end."""
        time.sleep(self._calm)
        self._freeze(seconds, limit)

    def _fault(self, name: str, limit: float, act: Callable[[], object], seconds: float) -> None:
        at = time.monotonic()
        act()
        time.sleep(max(0.0, at + seconds - time.monotonic()))
        self.faults.append(Fault(name, at, time.monotonic(), limit))

    def _kill(self, name: str) -> None:
        node = self._cluster.primary()
        self._fault(name, _HANG, lambda: self._cluster.kill(node), 4.0)
        self._fault("started again", _HANG, lambda: self._come_back(lambda: self._cluster.restart(node)), 2.0)

    def _freeze(self, seconds: float, limit: float = _HANG) -> None:
        node = self._cluster.primary()
        self._fault(f"frozen for {seconds:g} s", limit, lambda: self._cluster.pause(node), seconds)
        self._fault("thawed", _HANG, lambda: self._come_back(lambda: self._cluster.resume(node)), 2.0)

    def _come_back(self, act: Callable[[], None]) -> None:
        act()
        self._cluster.wait_until_whole()
