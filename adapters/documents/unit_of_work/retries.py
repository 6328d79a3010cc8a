"""Running units of work again after a conflict: the loop, its back-off and its bounds."""

import random
import time
from collections.abc import Callable, Iterator
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
)
from ....domain.plain_functions import check_done, check_plain
from ....domain.unit_of_work.store import Attempt
from ....domain.unit_of_work.unit_of_work import UnitOfWork
from ..context import receipts
from ..context.deadline import Deadline
from ..context.store_context import Environment
from ..context.unit_limits import is_positive
from .unit import DocumentUnit, UnitState

T = TypeVar("T")
UnitT = TypeVar("UnitT", bound=UnitOfWork[Any])

FIRST_DELAY = 0.005
LONGEST_DELAY = 0.5
GROWTH = 1.5
"""Back-off in seconds: jitter x min(5 ms x 1.5^n, 500 ms), as the MongoDB driver's own loop does."""


_NOTHING_APPLIED: tuple[type[Exception], ...] = (Conflict, Unavailable, DeadlineExceeded)
"""What ends a transaction with nothing applied, and may go well the next time: a fail-over is one of them."""


class Attempts(Generic[UnitT]):
    """Decides after each failed attempt whether another one follows, and waits."""

    def __init__(
        self,
        environment: Environment,
        open_unit: Callable[[Deadline, int], tuple[UnitT, DocumentUnit]],
        *,
        max_attempts: int,
        deadline: float,
        retry_on: tuple[type[Exception], ...],
        key: str | None = None,
    ) -> None:
        if isinstance(max_attempts, bool) or not isinstance(max_attempts, int) or max_attempts < 1:
            raise UnitOfWorkError(f"max_attempts must be a whole number of at least 1, not {max_attempts!r}")
        if not is_positive(deadline):
            raise UnitOfWorkError(f"deadline must be more than 0 seconds, not {deadline!r}")
        self._environment = environment
        self._open_unit = open_unit
        self._max_attempts = max_attempts
        self._retry_on = (*(_NOTHING_APPLIED if environment.transactional else (Conflict,)), *_classes(retry_on))
        self._has_key = key is not None
        self._deadline = Deadline(environment.operation_timeout, deadline)
        self.number = 0

    def open(self) -> tuple[UnitT, DocumentUnit]:
        """Begin the next attempt: a fresh unit with no entities."""
        self.number += 1
        return self._open_unit(self._deadline, self.number)

    def is_worth_repeating(self, error: BaseException, unit: DocumentUnit) -> bool:
        """Tell whether what ended the attempt may go well the next time; the unit's first error decides."""
        if unit.state is UnitState.COMMITTED:
            return False
        if unit.state is UnitState.UNKNOWN:
            # whatever became of the commit, the next attempt finds it by its key
            return self._has_key and isinstance(error, CommitUnknown)
        return isinstance(unit.failure or error, self._retry_on)

    def wait(self, error: BaseException) -> None:
        """Wait before the next attempt.

        Raises:
            RetryExhausted: if there is none.
        """
        delay = random.random() * min(FIRST_DELAY * GROWTH**self.number, LONGEST_DELAY)  # noqa: S311 - jitter
        if (self._deadline.left or 0) <= delay:
            raise self._exhausted(error, "the deadline has passed")
        if self.number >= self._max_attempts and not isinstance(error, Unavailable | DeadlineExceeded):
            raise self._exhausted(error, f"{self._max_attempts} are allowed")
        for listener in self._environment.listeners:
            self._environment.shielded(listener.on_retry, self.number, error, delay)
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
    while True:
        uow, unit = attempts.open()
        try:
            with uow:
                unit.ends_with_block = key is not None
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
        attempts.wait(failure)


def each(attempts: Attempts[UnitT]) -> Iterator[Attempt[UnitT]]:
    """Yield attempts until one commits."""
    while True:
        attempt = DocumentAttempt(attempts)
        yield attempt
        if attempt.ended is None:
            raise UnitOfWorkError("enter each attempt: for attempt in store.attempts(): with attempt as uow: ...")
        if attempt.ended:
            return


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
            self._uow.__exit__(kind, error, trace)
        except Exception as raised:
            error = raised
            if not self._attempts.is_worth_repeating(raised, self._unit):
                raise
        if error is None:
            return False
        if not isinstance(error, Exception) or not self._attempts.is_worth_repeating(error, self._unit):
            return False
        self._attempts.wait(self._unit.failure or error)
        self.ended = False
        return True
