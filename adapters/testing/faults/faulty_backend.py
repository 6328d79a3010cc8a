"""The backend that counts the operations of a store and lets the chosen ones meet a fault."""

import threading
from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from ...backend import Backend
from ...operations.observed_backend import ObservedBackend, Operation
from .named_faults import Fault

T = TypeVar("T")

_COUNTED = frozenset({"find", "count", "distinct", "rollup", "aggregate", "write", "commit"})


class FaultMaker(Protocol):
    """Makes faults happen: in the real server, or in front of a backend that has none."""

    def carry_out(self, fault: Fault | None, operation: Operation, call: Callable[[], T]) -> T:
        """Carry an operation out while it meets the fault, if there is one."""

    def close(self) -> None:
        """Make an end of every fault."""


class FaultyBackend(ObservedBackend):
    """Delegates to a backend; the operations that a fault hits fail as the server would let them fail.

    Attributes:
        struck: what was hit so far, in order, such as ``"write customers"``.
    """

    def __init__(self, inner: Backend, faults: Sequence[Fault], maker: FaultMaker) -> None:
        super().__init__(inner)
        self.struck: list[str] = []
        self._counted = [(fault, [0]) for fault in faults]
        self._maker = maker
        self._lock = threading.Lock()

    def _around(self, operation: Operation, call: Callable[[], T]) -> T:
        return self._maker.carry_out(self._due(operation), operation, call)

    def _due(self, operation: Operation) -> Fault | None:
        """Count the operation; return the first of the faults that hit it."""
        if operation.name not in _COUNTED:
            return None
        due = None
        with self._lock:
            for fault, counter in self._counted:
                if fault.on in {"any", operation.name}:
                    counter[0] += 1
                    if due is None and fault.hits(counter[0]):
                        due = fault
            if due is not None:
                self.struck.append(str(operation))
        return due
