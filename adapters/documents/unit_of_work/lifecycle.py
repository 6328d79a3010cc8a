"""The states of a unit of work, and the one call at a time that it serves."""

import threading
import weakref
from collections.abc import Callable
from contextvars import ContextVar
from enum import Enum, auto
from types import TracebackType

from ....domain.errors import (
    ConcurrentUse,
    NestedUnitOfWork,
    UnitOfWorkClosed,
    UnitOfWorkError,
    UnitOfWorkFailed,
)
from ..context.store_context import Environment


class UnitState(Enum):
    """Where a unit of work stands."""

    NEW = auto()
    ACTIVE = auto()
    COMMITTING = auto()
    COMMITTED = auto()
    UNKNOWN = auto()
    ROLLED_BACK = auto()


_ACTIVE = UnitState.ACTIVE
_OPEN = frozenset({UnitState.ACTIVE, UnitState.COMMITTING})
_NEXT = {
    UnitState.NEW: {UnitState.ACTIVE},
    UnitState.ACTIVE: {UnitState.COMMITTING, UnitState.ROLLED_BACK},
    UnitState.COMMITTING: {UnitState.COMMITTED, UnitState.UNKNOWN, UnitState.ROLLED_BACK},
}
"""Which states may follow; nothing follows those that are not here."""


class Lifecycle:
    """Where one unit of work stands; ``with lifecycle:`` is one call of it.

    A call is let in while the unit is active and nothing has failed, whichever thread makes it, and while no other
    thread is in one; what a call itself causes, such as the queries of a hook, is part of it.

    Attributes:
        state: where it stands; `move_to` sets it.
        failure: the first error; after it the unit accepts nothing but a rollback.
        ends_with_block: whether only leaving the block ends the unit: the key of a run is written with the commit
            behind the body.
    """

    __slots__ = ("__weakref__", "_calls", "_depth", "_environment", "_id", "ends_with_block", "failure", "state")

    def __init__(self, unit_id: str, environment: Environment) -> None:
        self._id = unit_id
        self._environment = environment
        self._calls = threading.RLock()
        self._depth = 0
        self.state = UnitState.NEW
        self.failure: BaseException | None = None
        self.ends_with_block = False

    def __enter__(self) -> None:
        """Let a call in.

        Raises:
            ConcurrentUse: if another thread is in one; it fails the unit.
            UnitOfWorkFailed: if something failed before.
            UnitOfWorkClosed: if the unit has not begun, or has ended.
        """
        if not self._calls.acquire(blocking=False):
            error = ConcurrentUse(
                f"unit of work {self._id} is in use by another thread: a unit serves one call at a time"
            )
            self.fail(error)
            raise error
        if self.state is not _ACTIVE or self.failure is not None:
            self._calls.release()
            raise self.refusal()
        self._depth += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """The call has ended, well or not: whether its error fails the unit is said where the error arises."""
        self._depth -= 1
        self._calls.release()

    @property
    def is_open(self) -> bool:
        """Whether the unit has begun and not ended."""
        return self.state in _OPEN

    def begin(self) -> None:
        """Begin, here and now.

        Raises:
            NestedUnitOfWork: if a unit of the same store is open in this context.
            UnitOfWorkClosed: if it has begun before.
        """
        if self.state is UnitState.NEW:
            refuse_nested(self._environment)
        self.move_to(UnitState.ACTIVE)
        _begun.set((*map(weakref.ref, _open_here()), weakref.ref(self)))

    def move_to(self, state: UnitState) -> None:
        """Take the next state, or raise `refusal` where it may not follow."""
        if state not in _NEXT.get(self.state, ()):
            raise self.refusal()
        self.state = state

    def fail(self, error: BaseException) -> None:
        """Remember the first error."""
        if self.failure is None:
            self.failure = error

    def refusal(self) -> UnitOfWorkError:
        """What says why the unit takes no call."""
        if self.failure is not None and self.is_open:
            refusal = UnitOfWorkFailed(
                f"unit of work {self._id} failed before and can only be rolled back; first error: {self.failure}"
            )
            refusal.__cause__ = self.failure
            return refusal
        began = self.state is not UnitState.NEW
        return UnitOfWorkClosed(
            f"unit of work {self._id} {'has ended' if began else 'has not begun'}: use it inside its with block"
        )

    def roll_back(self, discard: Callable[[], None]) -> None:
        """End by discarding; a call of another thread comes to its end first, for it is using the transaction.

        Raises:
            UnitOfWorkError: if it has not begun, has ended, or cannot be ended here.
        """
        with self._calls:
            self.refuse_inside_a_call()
            self.move_to(UnitState.ROLLED_BACK)
            discard()

    def refuse_inside_a_call(self, depth: int = 0) -> None:
        """A hook or listener runs in the midst of a call; ending the unit there would leave the call without one.

        A commit is a call itself, of `depth` 1.
        """
        if self.ends_with_block:
            raise UnitOfWorkError(
                f"unit of work {self._id} runs under a key and ends with its function: return to commit, "
                "raise to roll back"
            )
        if self._depth > depth:
            raise UnitOfWorkError(
                f"unit of work {self._id} cannot be ended inside a hook or listener: raise an error to roll it back"
            )


_begun: ContextVar[tuple["weakref.ref[Lifecycle]", ...]] = ContextVar("tristore_begun", default=())
"""The units that have begun in a context; weak, so that it keeps none of them alive."""


def _open_here() -> list[Lifecycle]:
    """The units that are open in this context."""
    return [unit for held in _begun.get() if (unit := held()) is not None and unit.is_open]


def is_any_unit_open() -> bool:
    """Tell whether a unit of work of any store is active in this context."""
    return bool(_open_here())


def is_unit_open(environment: Environment) -> bool:
    """Tell whether a unit of work of a store is active in this context."""
    return any(unit._environment is environment for unit in _open_here())


def refuse_nested(environment: Environment) -> None:
    """Refuse to write beside an open unit of the same store: the two would wait for each other.

    Raises:
        NestedUnitOfWork: if there is one in this context.
    """
    if is_unit_open(environment):
        raise NestedUnitOfWork(f"a unit of work of store {environment.name} is active here already: pass it along")
