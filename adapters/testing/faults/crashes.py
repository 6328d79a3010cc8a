"""Crashes: a function is run once for each point at which its process could die, and its invariant is checked.

>>> from tristore import open_stores
>>> from tristore.testing import crash_points
>>> from tristore.domain.core import User
>>> def register(stores):
...     with stores.core.unit_of_work() as core:
...         core.users.add(User(email="ada@example.org", username="ada"))
>>> def all_or_nothing(stores):
...     with stores.core.reader() as core:
...         assert core.users.count() in (0, 1)
>>> report = crash_points(open_stores, register, all_or_nothing)
>>> print(report)
6 points tried:
 1 before begin
 2 after begin
 3 before write users
 4 after write users
 5 before commit
 6 after commit
"""

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, Protocol, TypeVar

from attrs import frozen

from ....domain.plain_functions import check_plain
from ....domain.unit_of_work.store import Store
from ...backend import Backend, Transaction
from ...documents.store import DocumentStore
from ...operations.observed_backend import ObservedBackend, Operation, document_store, plugged

T = TypeVar("T")

_READS = frozenset({"find", "count", "distinct", "rollup", "aggregate", "ping", "missing"})
"""What changes nothing, so that a crash behind it leaves what one before it leaves."""


class Closable(Protocol):
    """A store, or several of them together."""

    def close(self) -> None:
        """Release connections."""


OpenedT = TypeVar("OpenedT", bound=Closable)


class Crash(BaseException):
    """The process dies here: what it would have done next does not happen."""


@frozen
class CrashPoint:
    """A point at which the process dies.

    Attributes:
        number: from 1, in the order of the function.
        moment: "before" or "after".
        operation: of the backend, such as ``"write users"``.
    """

    number: int
    moment: str
    operation: str

    def __str__(self) -> str:
        return f"{self.number} {self.moment} {self.operation}"


@frozen
class CrashReport:
    """What was tried.

    Attributes:
        points: all points, in order; at each of them the process died once and the invariant held afterwards.
    """

    points: Sequence[CrashPoint]

    def __str__(self) -> str:
        return "\n ".join([f"{len(self.points)} points tried:", *map(str, self.points)])


class InvariantBroken(AssertionError):
    """The invariant does not hold after some crash.

    Attributes:
        broken: the points, each with what the invariant raised; the first of these is the cause.
    """

    def __init__(self, broken: Sequence[tuple[CrashPoint, BaseException]]) -> None:
        self.broken = tuple(broken)
        lines = [f"{point}: {error or type(error).__name__}" for point, error in self.broken]
        super().__init__("\n ".join([f"the invariant breaks if the process dies at {len(lines)} points:", *lines]))


def crash_points(
    open_it: Callable[[], OpenedT], work: Callable[[OpenedT], object], invariant: Callable[[OpenedT], object]
) -> CrashReport:
    """Run `work` once for each point at which its process could die, each time on fresh data, and check `invariant`.

    The points are before and after each operation of the backends: begin, write, commit, settle; of reads only
    before, for a read changes nothing. At the point a `Crash`, which no ``except Exception`` catches, is raised, and
    from then on nothing reaches the backend any more; open transactions are aborted, as a server does with those of a
    process that has died. Then the stores are opened anew on the same data, with the same subscribers, as a process
    that starts again would, and the invariant looks at them. First of all it is checked after a run without a crash.

    What lies outside the stores (mails sent, files written) is not reset between the runs: let `open_it` do it.

    Args:
        open_it: opens a store, or `Stores`, on fresh data, and subscribes and saves what the work needs; closed here.
        work: what is run, always the same way.
        invariant: raises if what it finds is not right.

    Raises:
        InvariantBroken: naming each point after which it does not hold.
    """
    check_plain(work, "crash_points", takes=1)
    check_plain(invariant, "crash_points", takes=1)
    script = _Script(fatal=0)
    _run(open_it, work, invariant, script)
    broken = []
    for point in script.points:
        try:
            _run(open_it, work, invariant, _Script(fatal=point.number))
        except _Unfit as unfit:
            broken.append((point, unfit.error))
    if broken:
        raise InvariantBroken(broken) from broken[0][1]
    return CrashReport(script.points)


class _Unfit(Exception):
    """The invariant raised an error."""

    def __init__(self, error: Exception) -> None:
        super().__init__(error)
        self.error = error


class _Script:
    """Counts the points of one run, of all stores together, and says where the process dies.

    Attributes:
        points: those that were reached.
        dead: whether the process has died.
    """

    def __init__(self, fatal: int) -> None:
        self.points: list[CrashPoint] = []
        self.dead = False
        self._fatal = fatal
        self._lock = threading.Lock()

    def reach(self, moment: str, operation: Operation) -> None:
        """Note a point, and die if it is the one.

        Raises:
            Crash: if the process has died, here or before.
        """
        with self._lock:
            if not self.dead:
                point = CrashPoint(len(self.points) + 1, moment, str(operation))
                self.points.append(point)
                self.dead = point.number == self._fatal
            if self.dead:
                raise Crash(str(operation))


class _CrashingBackend(ObservedBackend):
    """Delegates to a backend until the process dies."""

    def __init__(self, inner: Backend, script: _Script) -> None:
        super().__init__(inner)
        self._script = script
        self._open: list[Transaction] = []

    def begin(self, *, read_only: bool = False) -> Transaction:
        """Begin, and remember it: it must be ended when the process has died."""
        transaction = super().begin(read_only=read_only)
        self._open.append(transaction)
        return transaction

    def abort(self, transaction: Transaction) -> None:
        """Abort, unless the process has died."""
        if not self._script.dead:
            self.inner.abort(transaction)

    def bury(self) -> None:
        """Abort what a dead process has left open; ending a transaction twice is allowed."""
        for transaction in self._open:
            self.inner.abort(transaction)

    def _around(self, operation: Operation, call: Callable[[], T]) -> T:
        self._script.reach("before", operation)
        result = call()
        if operation.name not in _READS:
            self._script.reach("after", operation)
        return result


def _run(
    open_it: Callable[[], OpenedT],
    work: Callable[[OpenedT], object],
    invariant: Callable[[OpenedT], object],
    script: _Script,
) -> None:
    """Run once: with the crash of the script, then as a new process."""
    opened = open_it()
    try:
        stores = _stores_of(opened)
        with _crashing(stores, script):
            try:
                work(opened)
            except BaseException:
                if not script.dead:
                    raise
        for store in stores:
            store._environment.unsettled.clear()  # only the dead process knew of them
        _check(invariant, opened, crashed=script.dead)
    finally:
        opened.close()


def _check(invariant: Callable[[OpenedT], object], opened: OpenedT, *, crashed: bool) -> None:
    try:
        invariant(opened)
    except Exception as error:
        if not crashed:
            raise
        raise _Unfit(error) from error


@contextmanager
def _crashing(stores: Iterable[DocumentStore[Any]], script: _Script) -> Iterator[None]:
    backends = [(store, _CrashingBackend(store.backend, script)) for store in stores]
    with ExitStack() as block:
        for store, backend in backends:
            block.callback(backend.bury)
            block.enter_context(plugged(store, backend))
        yield


def _stores_of(opened: object) -> list[DocumentStore[Any]]:
    if isinstance(opened, Store):
        return [document_store(opened)]
    if isinstance(opened, Iterable):
        return [document_store(store) for store in opened]
    return [document_store(opened)]  # type: ignore[arg-type] # it says what is wrong
