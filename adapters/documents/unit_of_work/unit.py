"""The unit of work: its identity maps in one transaction, and what its end brings about."""

import time
import weakref
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, TypeVar

from ....domain.entities.clock import NEVER
from ....domain.entities.entity import Entity
from ....domain.entities.events import Event
from ....domain.entities.ids import new_id
from ....domain.errors import CommitUnknown, CrossStore, UnitOfWorkError, WriteConflict
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
from ..values.keys import ID_KEY
from .after_commit import announce, take_over
from .flushing.flush import Flusher
from .identity_map import Record, State, TrackedCollection, stamp
from .lifecycle import Lifecycle, UnitState
from .outgoing import Outgoing
from .transaction_scope import TransactionScope

T = TypeVar("T")

Gateways = Callable[["DocumentUnit", TrackedCollection], Gateway[Entity[Any], Any]]
"""Makes the gateway of one collection of a unit."""


_ROUNDS = 10
"""How often listeners before a commit may add changes before it is taken for a loop."""


class DocumentUnit(Session):
    """A `UnitOfWork` from the inside, the same for every backend and gateway.

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
        self.autoflush = autoflush
        self.lifecycle = Lifecycle(self.id, environment)
        self.scope = TransactionScope(environment, deadline, self.lifecycle)
        # weak, so that a unit which is dropped in the middle goes at once, and its transaction with it
        self._owner: weakref.ref[UnitOfWork[Any]] | None = None
        self._tracked: dict[str, TrackedCollection] = {}
        self._flusher = Flusher(environment.listeners, transactional=environment.transactional)
        self._callbacks: list[Callable[[], None]] = []
        self._receipts: list[Document] = []
        self._outgoing = None if environment.outbox is None else Outgoing(environment.outbox)
        self._now: datetime | None = None
        self._stored_now: datetime | None = None

    @property
    def failure(self) -> BaseException | None:
        """The first error; after it the unit accepts nothing but a rollback."""
        return self.lifecycle.failure

    # The life of the unit

    def enter(self, owner: Reader) -> None:
        """Begin; refuse a unit inside another one of the same store."""
        self.lifecycle.begin()
        assert isinstance(owner, UnitOfWork)  # noqa: S101 - made by the store
        self._owner = weakref.ref(owner)
        self._began = time.monotonic()

    def leave(self, error: BaseException | None) -> None:
        """Commit, or roll back after an error, even one that the body swallowed."""
        lifecycle = self.lifecycle
        if lifecycle.state is UnitState.UNKNOWN and error is None:
            raise CommitUnknown(self.id)  # the body swallowed it
        if not lifecycle.is_open:
            return
        lifecycle.ends_with_block = False  # this is its end
        if error is not None or self.failure is not None:
            self.rollback()
            if error is None and self.failure is not None:
                raise self.failure
            return
        try:
            self.commit()
        except BaseException:
            if lifecycle.is_open:
                self.rollback()
            raise

    def commit(self) -> None:
        """Flush, commit, and then tell whoever waits for it."""
        lifecycle = self.lifecycle
        with lifecycle:
            lifecycle.refuse_inside_a_call(depth=1)
            self._flush_before_commit()
            if self.failure is not None:
                raise lifecycle.refusal()  # a second thread came in between
            published = self._write_outbox()
            self._write_receipts(published)
            lifecycle.move_to(UnitState.COMMITTING)
            try:
                self.scope.commit(self.id)
            except BaseException as error:
                if self.failure is None or isinstance(error, CommitUnknown):
                    lifecycle.move_to(UnitState.UNKNOWN)
                    self._report("unknown")
                raise
            lifecycle.move_to(UnitState.COMMITTED)
        self._after_commit()

    def recall(self, key: str) -> Recalled | None:
        """Return the result that a key was recorded with, as this unit's snapshot shows it."""
        with self.lifecycle:
            return receipts.recall(
                self.scope.read(receipts.COLLECTION, receipts.wanted_key(self.environment.name, key))
            )

    def remember(self, key: str, result: object) -> Any:
        """Record a key and its result with the commit; return the result as every repeat will get it."""
        with self.lifecycle:
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
                self.scope.conflicts_at(receipts.COLLECTION, self._receipts[0][ID_KEY])
                self.scope.fail(conflict)
                raise conflict from taken

    def _after_commit(self) -> None:
        published = [] if self._outgoing is None else self._outgoing.events
        if not self._tracked and not self._callbacks and not self.environment.listeners and not published:
            return
        tracked = self.collections
        events = [*take_over(tracked, self.now if self._flusher.documents else NEVER), *published]
        self._let_loose()
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
        self.lifecycle.roll_back(self.scope.abort)
        for record in self._records():
            if record.stamped:
                stamp(record.entity, NEVER)
        self._let_loose()
        for listener in self.environment.listeners:
            self.environment.shielded(listener.after_rollback, self.owner)
        self._report("rolled back")

    def _let_loose(self) -> None:
        """What the unit knew belongs to nobody from now on."""
        if self.environment.stray_edits != "ignore":
            for tracked in self.collections:
                known = [one.entity for one in tracked.records.values() if one.state is State.STORED]
                self.environment.let_loose(tracked.mapping, known, "its unit of work had ended")

    def flush(self) -> None:
        """Write what is pending in every collection."""
        with self.lifecycle:
            self._flusher.flush_all(self)

    def lock(self, entity: Entity[Any]) -> None:
        """Give the entity's version its step with the commit."""
        with self.lifecycle:
            record = self._record_of(entity)
            record.locked = True

    def publish(self, event: Event, about: Entity[Any] | None) -> None:
        """Remember an event for the outbox."""
        with self.lifecycle:
            if self._outgoing is None:
                raise UnitOfWorkError(
                    f"store {self.environment.name} publishes no events: name their classes in open_store(publishes=)"
                )
            self._outgoing.publish(event, None if about is None else self._record_of(about))

    def call_after_commit(self, callback: Callable[[], None]) -> None:
        """Remember a callback for after the commit."""
        check_plain(callback, "after_commit", takes=0, error=UnitOfWorkError)
        with self.lifecycle:
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
        found = self._tracked.get(binding.collection)
        if found is None:
            order = self.environment.by_collection  # the unit may have two names for one collection
            found = TrackedCollection(order[binding.collection], self.scope.read)
            self._tracked[binding.collection] = found
            if len(self._tracked) > 1:
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
