"""The unit of work: its states, its transaction, and the one call at a time that it serves."""

import threading
import time
import weakref
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from datetime import datetime
from enum import Enum, auto
from types import TracebackType
from typing import Any, TypeVar

from ....domain.entities.clock import NEVER
from ....domain.entities.entity import Entity
from ....domain.entities.events import Event
from ....domain.entities.ids import new_id
from ....domain.errors import (
    CommitUnknown,
    ConcurrentUse,
    CrossStore,
    NestedUnitOfWork,
    UnitOfWorkClosed,
    UnitOfWorkError,
    UnitOfWorkFailed,
    WriteConflict,
)
from ....domain.plain_functions import call_plain, check_plain
from ....domain.repository.caching import CacheInvalidated
from ....domain.repository.gateway import Gateway
from ....domain.repository.repository import Repository
from ....domain.unit_of_work.listener import UnitReport
from ....domain.unit_of_work.unit_of_work import Reader, Session, UnitOfWork
from ...backend import Document, KeyTaken
from ..collections.bindings import Binding
from ..context import receipts
from ..context.deadline import Deadline
from ..context.receipts import Recalled
from ..context.store_context import Environment
from ..values.codecs import dump_datetime
from .after_commit import announce, take_over
from .flush import Flusher
from .identity_map import Record, TrackedCollection, stamp
from .outgoing import Outgoing
from .transaction_scope import TransactionScope

T = TypeVar("T")

Gateways = Callable[["DocumentUnit", TrackedCollection], Gateway[Entity[Any], Any]]
"""Makes the gateway of one collection of a unit."""


class UnitState(Enum):
    """Where a unit of work stands."""

    NEW = auto()
    ACTIVE = auto()
    COMMITTING = auto()
    COMMITTED = auto()
    UNKNOWN = auto()
    ROLLED_BACK = auto()


_OPEN = frozenset({UnitState.ACTIVE, UnitState.COMMITTING})
_ROUNDS = 10
"""How often listeners before a commit may add changes before it is taken for a loop."""

_entered: ContextVar[tuple["weakref.ref[DocumentUnit]", ...]] = ContextVar("tristore_entered", default=())
"""The units that are active in a context; weak, so that it keeps none of them alive."""


def _open_here() -> "list[DocumentUnit]":
    """The units that are open in this context."""
    return [unit for held in _entered.get() if (unit := held()) is not None and unit.state in _OPEN]


def is_unit_open(environment: Environment) -> bool:
    """Tell whether a unit of work of a store is active in this context."""
    return any(unit.environment is environment for unit in _open_here())


def refuse_nested(environment: Environment) -> None:
    """Refuse to write beside an open unit of the same store: the two would wait for each other.

    Raises:
        NestedUnitOfWork: if there is one in this context.
    """
    if is_unit_open(environment):
        raise NestedUnitOfWork(f"a unit of work of store {environment.name} is active here already: pass it along")


class DocumentUnit(Session):
    """A `UnitOfWork` from the inside, the same for every backend; `opened` makes one.

    Args:
        environment: the store.
        deadline: bounds its operations.
        gateways: makes what stands behind its repositories, one for each collection.
        autoflush: whether a query first writes the pending changes of its collection.
        attempt: how often its work was tried, with this time.
    """

    def __init__(
        self,
        environment: Environment,
        deadline: Deadline,
        gateways: Gateways,
        *,
        autoflush: bool = True,
        attempt: int = 1,
    ) -> None:
        self.id = new_id()
        self._gateways = gateways
        self._attempt = attempt
        self._began = time.monotonic()
        self.environment = environment
        self.state = UnitState.NEW
        self.autoflush = autoflush
        self.scope = TransactionScope(environment, deadline)
        self._calls = threading.RLock()
        self._depth = 0
        self._leaving = False
        self.ends_with_block = False
        """Whether only leaving the block ends the unit: the key of a run is written with the commit behind the body."""
        # weak, so that a unit which is dropped in the middle goes at once, and its transaction with it
        self._owner: weakref.ref[UnitOfWork[Any]] | None = None
        self._tracked: dict[str, TrackedCollection] = {}
        self._flusher = Flusher(environment.listeners, transactional=environment.transactional)
        self._callbacks: list[Callable[[], None]] = []
        self._receipts: list[Document] = []
        self._outgoing = None if environment.outbox is None else Outgoing(environment.outbox)
        self._now: datetime | None = None
        self._stored_now: datetime | None = None

    # One call at a time: the block of every public operation

    def __enter__(self) -> None:
        if not self._calls.acquire(blocking=False):
            error = ConcurrentUse(
                f"unit of work {self.id} is in use by another thread: a unit serves one call at a time"
            )
            self.scope.fail(error)
            raise error
        if self.state is not UnitState.ACTIVE or self.scope.failure is not None:
            self._calls.release()
            raise self._refusal()
        self._depth += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._depth -= 1
        self._calls.release()

    def _refuse_inside_a_call(self, depth: int = 0) -> None:
        """A hook or listener runs in the midst of a call; ending the unit there would leave the call without one."""
        if self.ends_with_block and not self._leaving:
            raise UnitOfWorkError(
                f"unit of work {self.id} runs under a key and ends with its function: return to commit, "
                "raise to roll back"
            )
        if self._depth > depth:
            raise UnitOfWorkError(
                f"unit of work {self.id} cannot be ended inside a hook or listener: raise an error to roll it back"
            )

    def _refusal(self) -> UnitOfWorkError:
        if self.failure is not None and self.state in _OPEN:
            refusal = UnitOfWorkFailed(
                f"unit of work {self.id} failed before and can only be rolled back; first error: {self.failure}"
            )
            refusal.__cause__ = self.failure
            return refusal
        began = self.state is not UnitState.NEW
        return UnitOfWorkClosed(
            f"unit of work {self.id} {'has ended' if began else 'has not begun'}: use it inside its with block"
        )

    @property
    def failure(self) -> BaseException | None:
        """The first error; after it the unit accepts nothing but a rollback."""
        return self.scope.failure

    # The life of the unit

    def enter(self, owner: Reader) -> None:
        """Begin; refuse a unit inside another one of the same store."""
        if self.state is not UnitState.NEW:
            raise self._refusal()
        still_open = _open_here()
        refuse_nested(self.environment)
        _entered.set((*map(weakref.ref, still_open), weakref.ref(self)))
        assert isinstance(owner, UnitOfWork)  # noqa: S101 - made by the store
        self._owner = weakref.ref(owner)
        self._began = time.monotonic()
        self.state = UnitState.ACTIVE

    def leave(self, error: BaseException | None) -> None:
        """Commit, or roll back after an error, even one that the body swallowed."""
        _entered.set(tuple(held for held in _entered.get() if held() is not self))
        if self.state is UnitState.UNKNOWN and error is None:
            raise CommitUnknown(self.id)  # the body swallowed it
        if self.state not in _OPEN:
            return
        self._leaving = True
        if error is not None or self.failure is not None:
            self.rollback()
            if error is None and self.failure is not None:
                raise self.failure
            return
        try:
            self.commit()
        except BaseException:
            if self.state in _OPEN:
                self.rollback()
            raise

    def commit(self) -> None:
        """Flush, commit, and then tell whoever waits for it."""
        with self:
            self._refuse_inside_a_call(depth=1)
            self._flush_before_commit()
            if self.failure is not None:
                raise self._refusal()  # a second thread came in between
            published = self._write_outbox()
            self._write_receipts(published)
            self.state = UnitState.COMMITTING
            try:
                self.scope.commit(self.id)
            except BaseException as error:
                if self.failure is None or isinstance(error, CommitUnknown):
                    self.state = UnitState.UNKNOWN
                    self._report("unknown")
                raise
            self.state = UnitState.COMMITTED
        _entered.set(tuple(held for held in _entered.get() if held() is not self))
        self._after_commit()

    def recall(self, key: str) -> Recalled | None:
        """Return the result that a key was recorded with, as this unit's snapshot shows it."""
        with self:
            return receipts.recall(
                self.scope.read(receipts.COLLECTION, receipts.wanted_key(self.environment.name, key))
            )

    def remember(self, key: str, result: object) -> Any:
        """Record a key and its result with the commit; return the result as every repeat will get it."""
        with self:
            receipt = receipts.of_key(self.environment.name, key, self.id, result)
            self._receipts.append(receipt)
            return receipts.as_recalled(receipt)

    def _write_outbox(self) -> int:
        """Write what the unit publishes; return how many records."""
        if self._outgoing is None:
            return 0
        if self.environment.records_invalidations and (written := self.environment.of_entities(self.scope.written)):
            self._outgoing.publish(CacheInvalidated(collections=tuple(written)), None)
        return self._outgoing.write(self.scope, self.collections, self.stored_now)

    def _write_receipts(self, published: int) -> None:
        """Leave what proves the commit, in the same transaction."""
        if self._receipts or (self.environment.receipts and (self._flusher.documents or published)):
            self._receipts.append(receipts.of_unit(self.environment.name, self.id))
            try:
                self.scope.write(receipts.plan(self._receipts))
            except KeyTaken as taken:
                # the same key at the same time: the next attempt finds the other one's result
                conflict = WriteConflict("another unit with the same key was faster")
                self.scope.fail(conflict)
                raise conflict from taken

    def _after_commit(self) -> None:
        published = [] if self._outgoing is None else self._outgoing.events
        if not self._tracked and not self._callbacks and not self.environment.listeners and not published:
            return
        tracked = self.collections
        events = [*take_over(tracked, self.now if self._flusher.documents else NEVER), *published]
        announce(self.environment, self.owner, tracked, self._callbacks, events)
        self._report("committed")

    def _report(self, outcome: str) -> None:
        """Tell the listeners what became of the unit."""
        if self.environment.listeners:
            seconds = time.monotonic() - self._began
            report = UnitReport(
                self.id, self._attempt, outcome, seconds, self.scope.operations, self._flusher.documents, self.failure
            )
            for listener in self.environment.listeners:
                self.environment.shielded(listener.ended, report)

    def rollback(self) -> None:
        """Discard everything: the transaction, and what the unit set on its entities."""
        if self.state not in _OPEN:
            raise self._refusal()
        with self._calls:  # a call of another thread comes to its end first: it is using the transaction
            self._refuse_inside_a_call()
            self.state = UnitState.ROLLED_BACK
            self.scope.abort()
        for record in self._records():
            if record.stamped:
                stamp(record.entity, NEVER)
        for listener in self.environment.listeners:
            self.environment.shielded(listener.after_rollback, self.owner)
        self._report("rolled back")

    def flush(self) -> None:
        """Write what is pending in every collection."""
        with self:
            self._flusher.flush_all(self)

    def lock(self, entity: Entity[Any]) -> None:
        """Give the entity's version its step with the commit."""
        with self:
            record = self._record_of(entity)
            record.locked = True

    def publish(self, event: Event, about: Entity[Any] | None) -> None:
        """Remember an event for the outbox."""
        with self:
            if self._outgoing is None:
                raise UnitOfWorkError(
                    f"store {self.environment.name} publishes no events: name their classes in open_store(publishes=)"
                )
            self._outgoing.publish(event, None if about is None else self._record_of(about))

    def call_after_commit(self, callback: Callable[[], None]) -> None:
        """Remember a callback for after the commit."""
        check_plain(callback, "after_commit", takes=0, error=UnitOfWorkError)
        with self:
            self._callbacks.append(callback)

    def repository(self, name: str) -> Repository[Any, Any] | None:
        """Make the repository that the unit names so."""
        binding = self.environment.bindings.get(name)
        if binding is None:
            return None
        return binding.repository(self._gateways(self, self.tracked(binding)))

    # What the gateways use, inside a call

    @property
    def now(self) -> datetime:
        """The time of this unit: one for all that it writes."""
        if self._now is None:
            self._now = self.environment.clock.now()
        return self._now

    @property
    def stored_now(self) -> datetime:
        """The same as it is stored."""
        if self._stored_now is None:
            self._stored_now = dump_datetime(self.now)
        return self._stored_now

    @property
    def owner(self) -> UnitOfWork[Any]:
        """The unit as its user knows it."""
        owner = None if self._owner is None else self._owner()
        assert owner is not None  # noqa: S101 - whoever calls comes through the owner
        return owner

    @property
    def collections(self) -> Sequence[TrackedCollection]:
        """The identity maps, in registration order."""
        return [*self._tracked.values()]

    def check_size(self, documents: int) -> None:
        """Hold the unit against the limits of the store."""
        self.environment.limits.check(self.id, documents, time.monotonic() - self._began)

    def tracked(self, binding: Binding) -> TrackedCollection:
        """Return the identity map of a collection; the maps stand in registration order."""
        found = self._tracked.get(binding.name)
        if found is None:
            found = TrackedCollection(binding, self.scope.read)
            self._tracked[binding.name] = found
            if len(self._tracked) > 1:
                order = self.environment.bindings
                self._tracked = {name: self._tracked[name] for name in order if name in self._tracked}
        return found

    def flush_before_query(self, tracked: TrackedCollection) -> None:
        """Let a query see what this unit has changed of its collection."""
        if self.autoflush and tracked.records:
            self._flusher.flush(self, [tracked])

    def flush_collection(self, tracked: TrackedCollection) -> None:
        """Write what this unit has changed of a collection."""
        self._flusher.flush(self, [tracked])

    def count_documents(self, documents: int) -> None:
        """Count what was written without being tracked, and hold the unit against its limits."""
        self._flusher.documents += documents
        try:
            self.check_size(self._flusher.documents)
        except BaseException as error:
            self.scope.fail(error)
            raise

    def _flush_before_commit(self) -> None:
        listeners = self.environment.listeners
        if not listeners and self._outgoing is None:
            self._flusher.flush_all(self, final=True)
            return
        self._hold()
        hooks = any(one.binding.saves or one.binding.removes for one in self._tracked.values())
        self._flusher.flush_all(self, final=not listeners and not hooks)
        for listener in listeners:
            call_plain("before_commit of a listener", listener.before_commit, self.owner)
        for _ in range(_ROUNDS):
            if not (self._hold() or listeners) or not self._flusher.flush_all(self):
                return
        raise UnitOfWorkError(f"listeners of store {self.environment.name} change entities at every flush")

    def _hold(self) -> bool:
        """Let what has events to publish take a version step, also if a hook or a listener recorded them late."""
        return self._outgoing is not None and self._outgoing.hold(self.collections)

    def _records(self) -> Sequence[Record]:
        return [record for tracked in self._tracked.values() for record in tracked.records.values()]

    def _record_of(self, entity: Entity[Any]) -> Record:
        if not isinstance(entity, Entity):
            raise UnitOfWorkError(f"an entity of this unit is needed, not {type(entity).__name__}")
        for tracked in self._tracked.values():
            if tracked.mapping.cls is type(entity):
                record = tracked.records.get(entity.id)
                if record is not None and record.entity is entity:
                    return record
        raise CrossStore(
            f"{type(entity).__name__} {entity.id} does not belong to unit of work {self.id}: load or attach it there"
        )
