"""Faults in front of a backend that has no server: the error classes and the effects that a mongod would give."""

import math
import time
from collections.abc import Callable
from typing import NoReturn, TypeVar

from ....domain.errors import CommitUnknown, DeadlineExceeded, Unavailable, WriteConflict
from ...backend import Backend, Capability, Transaction
from ...backend.durability import warn_of_durability
from ...operations.observed_backend import Operation
from .named_faults import (
    CommitAppliedAnswerLost,
    CommitNotApplied,
    ConnectionClosed,
    Fault,
    Paused,
    PoolExhausted,
    ServerGone,
    SlowCommand,
    StepDown,
    TransientError,
    WriteConcernTimeout,
)

T = TypeVar("T")

_NOBODY = "unknown to the server"
_ANSWERS = frozenset({"begin"})
"""What needs no server."""

_RESENDING = 4.0
"""Seconds that a commit has beyond its own time, for it is sent twice more with 2 s each."""

_UNCONFIRMED = "committed, but too few members confirmed it (code 64)"


class SimulatedFaults:
    """Makes faults happen by raising what the layer above would get, with the same effect on the data."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._gone_until = -math.inf
        self._unreachable: list[Transaction] = []

    def close(self) -> None:
        """Make an end of every fault."""
        self._gone_until = -math.inf
        self._unreachable.clear()

    def carry_out(self, fault: Fault | None, operation: Operation, call: Callable[[], T]) -> T:
        """Carry an operation out while it meets the fault, if there is one."""
        if isinstance(fault, ServerGone):
            self._gone_until = time.monotonic() + (fault.seconds or math.inf)
        if operation.name not in _ANSWERS and time.monotonic() < self._gone_until:
            self._refuse_as_gone(operation)
        match fault:
            case Paused():
                fault.meanwhile()
            case TransientError():
                self._lose(operation)
            case ConnectionClosed() | StepDown():
                self._break_off(fault, operation)
            case SlowCommand() | PoolExhausted():
                _delay(fault, operation)
            case CommitAppliedAnswerLost() | CommitNotApplied():
                self._answer_nothing(fault, operation, call)
            case WriteConcernTimeout():
                done = call()
                warn_of_durability(_UNCONFIRMED)
                return done
            case None if operation.name == "settle" and self._is_unreachable(operation):
                raise CommitUnknown(_NOBODY)
        return call()

    def _refuse_as_gone(self, operation: Operation) -> NoReturn:
        if operation.name == "commit" and operation.transaction is not None:
            self._backend.abort(operation.transaction)  # as the server does when its limit is over
        if operation.name in {"commit", "settle"}:
            raise CommitUnknown(_NOBODY)
        raise Unavailable(f"{operation}: no server answers (a fault was injected)")

    def _lose(self, operation: Operation) -> NoReturn:
        if operation.transaction is not None:
            self._backend.abort(operation.transaction)
        raise WriteConflict

    def _break_off(self, fault: ConnectionClosed | StepDown, operation: Operation) -> None:
        """Lose the connection; return where the driver sends the operation again by itself."""
        if operation.name == "commit":
            return
        if operation.transaction is not None:
            if isinstance(fault, StepDown):
                self._lose(operation)
            raise WriteConflict
        has_transactions = Capability.TRANSACTIONS in self._backend.capabilities
        if operation.name == "write" and (operation.is_sent_once or not has_transactions):
            raise Unavailable(f"{operation}: the connection was closed (a fault was injected)")

    def _answer_nothing(
        self, fault: CommitAppliedAnswerLost | CommitNotApplied, operation: Operation, call: Callable[[], object]
    ) -> NoReturn:
        transaction = operation.transaction
        assert transaction is not None  # noqa: S101 - a commit has one
        if isinstance(fault, CommitAppliedAnswerLost):
            call()
        elif not fault.reachable:
            self._backend.abort(transaction)
        if not fault.reachable:
            self._unreachable.append(transaction)
        raise CommitUnknown(_NOBODY)

    def _is_unreachable(self, operation: Operation) -> bool:
        return any(operation.transaction is transaction for transaction in self._unreachable)


def _delay(fault: SlowCommand | PoolExhausted, operation: Operation) -> None:
    """Wait as long as the caller would.

    Raises:
        DeadlineExceeded: if a slow command takes longer than the caller has time.
        Unavailable: if no connection becomes free in that time.
        CommitUnknown: if even what a commit has beyond its own time is not enough.
    """
    commit = operation.name == "commit"
    allowed = operation.timeout + (_RESENDING if commit else 0.0)
    time.sleep(min(fault.seconds, allowed))
    if fault.seconds < allowed:
        return
    if commit:
        raise CommitUnknown(_NOBODY)
    if isinstance(fault, PoolExhausted):
        raise Unavailable(f"{operation}: no connection was free within {operation.timeout:g} s (a fault was injected)")
    raise DeadlineExceeded(f"{operation} took more than {operation.timeout:g} s (a fault was injected)")
