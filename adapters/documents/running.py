"""Running units of work again after a conflict: the loop, its back-off and its bounds."""

import random
import time
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any, Generic, TypeVar

from ...domain.errors import Conflict, RetryExhausted, UnitOfWorkError
from ...domain.unit_of_work import Attempt, UnitOfWork
from .deadline import Deadline
from .environment import Environment
from .unit import DocumentUnit

T = TypeVar("T")
UnitT = TypeVar("UnitT", bound=UnitOfWork[Any])

FIRST_DELAY = 0.005
LONGEST_DELAY = 0.5
GROWTH = 1.5
"""Back-off in seconds: jitter x min(5 ms x 1.5^n, 500 ms), as the MongoDB driver's own loop does."""


class Attempts(Generic[UnitT]):
    """Decides after each failed attempt whether another one follows, and waits."""

    def __init__(
        self,
        environment: Environment,
        open_unit: Callable[[Deadline], tuple[UnitT, DocumentUnit]],
        *,
        max_attempts: int,
        deadline: float,
        retry_on: tuple[type[Exception], ...],
    ) -> None:
        if max_attempts < 1:
            raise UnitOfWorkError(f"max_attempts must be at least 1, not {max_attempts}")
        if deadline <= 0:
            raise UnitOfWorkError(f"deadline must be more than 0 seconds, not {deadline}")
        self._environment = environment
        self._open_unit = open_unit
        self._max_attempts = max_attempts
        self._retry_on: tuple[type[Exception], ...] = (Conflict, *retry_on)
        self._deadline = Deadline(environment.operation_timeout, deadline)
        self.number = 0

    def open(self) -> tuple[UnitT, DocumentUnit]:
        """Begin the next attempt: a fresh unit with no entities."""
        self.number += 1
        return self._open_unit(self._deadline)

    def is_worth_repeating(self, error: BaseException, unit: DocumentUnit) -> bool:
        """Tell whether what ended the attempt may go well the next time; the unit's first error decides."""
        return isinstance(unit.failure or error, self._retry_on)

    def wait(self, error: BaseException) -> None:
        """Wait before the next attempt.

        Raises:
            RetryExhausted: if there is none.
        """
        if self.number >= self._max_attempts:
            raise RetryExhausted(self.number, error, f"{self._max_attempts} are allowed") from error
        delay = random.random() * min(FIRST_DELAY * GROWTH**self.number, LONGEST_DELAY)  # noqa: S311 - jitter
        if (self._deadline.left or 0) <= delay:
            raise RetryExhausted(self.number, error, "the deadline has passed") from error
        for listener in self._environment.listeners:
            self._environment.shielded(listener.on_retry, self.number, error, delay)
        time.sleep(delay)


def run(attempts: Attempts[UnitT], fn: Callable[[UnitT], T]) -> T:
    """Call the function with a fresh unit until one commits."""
    while True:
        uow, unit = attempts.open()
        try:
            with uow:
                result = fn(uow)
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
