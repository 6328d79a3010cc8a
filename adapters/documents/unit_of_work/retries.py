"""Running units of work again after a conflict: the loop, its back-off and its bounds."""

import random
import time
from collections.abc import Callable, Hashable, Iterator
from contextlib import suppress
from types import TracebackType
from typing import Any, Generic, TypeVar, cast

from ....domain.errors import (
    CommitUnknown,
    Conflict,
    DeadlineExceeded,
    RetryExhausted,
    TristoreError,
    Unavailable,
    UnitOfWorkError,
    UnitTooLong,
)
from ....domain.plain_functions import check_done, check_plain
from ....domain.unit_of_work.store import Attempt
from ....domain.unit_of_work.unit_of_work import UnitOfWork
from ..context import receipts
from ..context.deadline import Deadline
from ..context.store_context import Environment
from ..context.turns import TURNS, Place
from ..context.unit_limits import is_positive
from .bulk_gateway import BulkUnitGateway
from .lifecycle import UnitState, is_any_unit_open
from .unit import DocumentUnit

T = TypeVar("T")
UnitT = TypeVar("UnitT", bound=UnitOfWork[Any])

FIRST_DELAY = 0.005
LONGEST_DELAY = 0.5
GROWTH = 1.5
"""Back-off in seconds: jitter x min(5 ms x 1.5^n, 500 ms), as the MongoDB driver's own loop does."""

_MOST = 20
"""Beyond it the longest delay is reached, and the power would grow for nothing."""

_NOTHING_APPLIED: tuple[type[Exception], ...] = (Conflict, Unavailable, DeadlineExceeded)
"""What ends a transaction with nothing applied, and may go well the next time: a fail-over is one of them."""


class Attempts(Generic[UnitT]):
    """Decides after each failed attempt whether another one follows, and waits."""

    def __init__(
        self,
        environment: Environment,
        unit: Callable[[DocumentUnit], UnitT],
        *,
        deadline: float,
        max_attempts: int | None = None,
        retry_on: tuple[type[Exception], ...] = (),
        key: str | None = None,
        kind: Hashable = None,
    ) -> None:
        counted = max_attempts is None or (isinstance(max_attempts, int) and not isinstance(max_attempts, bool))
        if not counted or (max_attempts is not None and max_attempts < 1):
            raise UnitOfWorkError(f"max_attempts must be a whole number of at least 1, not {max_attempts!r}")
        if not is_positive(deadline):
            raise UnitOfWorkError(f"deadline must be more than 0 seconds, not {deadline!r}")
        self._environment = environment
        self._unit = unit
        self._max_attempts = max_attempts
        self._retry_on = (*(_NOTHING_APPLIED if environment.transactional else (Conflict,)), *_classes(retry_on))
        self._repeats_long = UnitTooLong in _classes(retry_on)
        self._has_key = key is not None
        self._deadline = Deadline(environment.operation_timeout, deadline)
        self._kind = kind
        # who waits for a turn inside an open unit would let others wait for what that holds
        self._queues = environment.transactional and not is_any_unit_open()
        self._turn: Place | None = None
        self._collisions = 0
        self.number = 0

    def open(self) -> tuple[UnitT, DocumentUnit]:
        """Begin the next attempt: a fresh unit with no entities."""
        self.number += 1
        unit = DocumentUnit(self._environment, self._deadline, BulkUnitGateway, attempt=self.number)
        if self._queues and self._kind is not None and self._turn is None:
            unit.scope.before_first = self._expect
        return self._unit(unit), unit

    def end(self) -> None:
        """Let the next one have its turn; ending twice is allowed."""
        if self._turn is not None:
            place, self._turn = self._turn, None
            TURNS.leave(place)

    def _expect(self, place: Place) -> None:
        """Where others who do the same have conflicted, wait for one's turn without trying."""
        if self._turn is None and TURNS.is_contended(place, self._kind) and not TURNS.is_mine:
            self._take(place)

    def _take(self, place: Place) -> bool:
        taken = TURNS.take(place, self._kind, max(0.0, self._deadline.left or 0.0))
        if taken:
            self._turn, self._collisions = place, 0
        return taken

    def is_worth_repeating(self, error: BaseException, unit: DocumentUnit) -> bool:
        """Tell whether what ended the attempt may go well the next time; the unit's first error decides."""
        if unit.lifecycle.state is UnitState.COMMITTED:
            return False
        if unit.lifecycle.state is UnitState.UNKNOWN:
            # whatever became of the commit, the next attempt finds it by its key
            return self._has_key and isinstance(error, CommitUnknown)
        first = unit.failure or error
        if isinstance(first, UnitTooLong):  # it would be too long again, unless the caller knows better
            return self._repeats_long
        return isinstance(first, self._retry_on)

    def wait(self, error: BaseException, place: Place | None = None) -> None:
        """Wait before the next attempt: for a turn, or for a while.

        Args:
            error: of the last one.
            place: where it met a conflict.

        Raises:
            RetryExhausted: if there is none.
        """
        bounded = self._max_attempts is not None and not isinstance(error, Unavailable | DeadlineExceeded)
        if bounded and self.number >= (self._max_attempts or 0):
            raise self._exhausted(error, f"{self._max_attempts} are allowed")
        has_one = self._turn is not None
        queues = self._queues and place is not None and place != self._turn and (has_one or not TURNS.is_mine)
        self._collisions += 1
        longest = 0.0 if queues else min(FIRST_DELAY * GROWTH ** min(self._collisions, _MOST), LONGEST_DELAY)
        delay = random.random() * longest  # noqa: S311 - jitter
        if (self._deadline.left or 0) <= delay:
            raise self._exhausted(error, "the deadline has passed")
        for listener in self._environment.listeners:
            self._environment.shielded(listener.on_retry, self.number, error, delay)
        if queues:
            self.end()
            if not self._take(place):
                raise self._exhausted(error, "the deadline has passed")
        else:
            time.sleep(delay)
        if isinstance(error, CommitUnknown):
            self._wait_for_receipt()

    def _wait_for_receipt(self) -> None:
        """Let the next attempt see the key, should the commit have been applied, instead of meeting it at its own."""
        with suppress(TristoreError):  # an attempt that does not see it is only in vain, and says itself what is wrong
            self._environment.backend.confirm(receipts.COLLECTION, timeout=self._deadline.for_operation())

    def _exhausted(self, error: BaseException, why: str) -> BaseException:
        """What says that no attempt is left: an error that is clear by itself, or how many met a conflict."""
        if isinstance(error, Unavailable | CommitUnknown | DeadlineExceeded):
            return error
        exhausted = RetryExhausted(self.number, error, why)
        exhausted.__cause__ = error
        return exhausted


def _classes(retry_on: type[Exception] | tuple[type[Exception], ...]) -> tuple[type[Exception], ...]:
    """The classes of errors that are worth another attempt; one of them may stand alone."""
    found = tuple(retry_on) if isinstance(retry_on, tuple | list) else (retry_on,)
    if not all(isinstance(one, type) and issubclass(one, Exception) for one in found):
        raise UnitOfWorkError(f"retry_on takes classes of errors, not {retry_on!r}")
    return found


def run(attempts: Attempts[UnitT], fn: Callable[[UnitT], T], key: str | None = None) -> T:
    """Call the function with a fresh unit until one commits; with a key, once for all callers that have it."""
    check_plain(fn, "run", takes=1, error=UnitOfWorkError)
    try:
        return _run(attempts, fn, key)
    finally:
        attempts.end()


def _run(attempts: Attempts[UnitT], fn: Callable[[UnitT], T], key: str | None) -> T:
    while True:
        uow, unit = attempts.open()
        try:
            with uow:
                unit.lifecycle.ends_with_block = key is not None
                recalled = None if key is None else unit.recall(key)
                if recalled is not None:
                    return cast("T", recalled.result)
                result = fn(uow)
                check_done(result, "run", error=UnitOfWorkError)
                if key is not None:
                    result = unit.remember(key, result)
        except Exception as error:
            if not attempts.is_worth_repeating(error, unit):
                raise
            failure = unit.failure or error
        else:
            return result
        attempts.wait(failure, unit.scope.conflict)


def each(attempts: Attempts[UnitT]) -> Iterator[Attempt[UnitT]]:
    """Yield attempts until one commits."""
    try:
        while True:
            attempt = DocumentAttempt(attempts)
            yield attempt
            if attempt.ended is None:
                raise UnitOfWorkError("enter each attempt: for attempt in store.attempts(): with attempt as uow: ...")
            if attempt.ended:
                return
    finally:
        attempts.end()


class DocumentAttempt(Attempt[UnitT]):
    """One attempt: a context manager around one unit of work.

    Attributes:
        number: which one it is, from 1.
        ended: None before its end; then whether it is the last.
    """

    def __init__(self, attempts: Attempts[UnitT]) -> None:
        self._attempts = attempts
        self.number = attempts.number + 1
        self.ended: bool | None = None

    def __enter__(self) -> UnitT:
        """Begin the unit of work of this attempt."""
        self._uow, self._unit = self._attempts.open()
        return self._uow.__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        """Commit or roll back; swallow a conflict if another attempt follows."""
        self.ended = True
        try:
            self.ended = not self._follows(kind, error, trace)
            return not self.ended
        finally:
            if self.ended:
                self._attempts.end()

    def _follows(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        """End the unit of work; tell whether another attempt follows, once it may begin."""
        try:
            self._uow.__exit__(kind, error, trace)
        except Exception as raised:
            error = raised
            if not self._attempts.is_worth_repeating(raised, self._unit):
                raise
        if not isinstance(error, Exception) or not self._attempts.is_worth_repeating(error, self._unit):
            return False
        self._attempts.wait(self._unit.failure or error, self._unit.scope.conflict)
        return True
