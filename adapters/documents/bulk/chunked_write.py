"""Writing entities chunk by chunk, outside transactions: what cannot be written is collected, the others go on."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Protocol

from ....domain.bulk_result import BulkError, BulkResult
from ....domain.entities.entity import Entity
from ....domain.entities.events import Event
from ....domain.errors import (
    DeadlineExceeded,
    DomainError,
    DuplicateKey,
    InvalidQuery,
    NotFound,
    Problem,
    TooLarge,
    TristoreError,
    Unavailable,
    UnitOfWorkError,
    ValidationError,
    VersionConflict,
)
from ....domain.plain_functions import call_plain
from ....domain.queries.query import Query
from ....domain.repository.hooks import Change
from ....domain.unit_of_work.unit_of_work import UnitOfWork
from ...backend import Document, KeyTaken, ManyResult, WritePlan
from ..collections.bindings import Binding
from ..context.store_context import Environment
from ..context.stray_edits import taken_up
from ..context.unordered_write import unordered_write
from ..mapping.document_sizes import SUSPICIOUS, check_size
from ..queries.modifications import duplicate
from ..values.codecs import dump_datetime

CHUNK = 2_000
"""The most entities of one chunk: fewer cost round trips, more do not pay."""

CHUNK_BYTES = 8 * 1024 * 1024
"""The most that a chunk may weigh, roughly, unless one entity alone is heavier."""

_REFUSALS = (ValueError, DomainError, DuplicateKey, InvalidQuery, NotFound, TooLarge, UnitOfWorkError, VersionConflict)
"""What says of one entity that it cannot be written; validators of attrs raise ValueError. All else ends the call."""

Before = tuple[int, datetime, datetime]
"""The position of an entity, and the times that it had when it was given."""

Failures = list[BulkError[Entity[Any]]]


class Writer(Protocol):
    """What a chunk needs of its session."""

    @property
    def environment(self) -> Environment:
        """The store."""

    @property
    def owner(self) -> UnitOfWork[Any]:
        """The unit as the hooks know it."""

    def write_many(self, plan: WritePlan) -> ManyResult:
        """Carry out a plan, in no order."""

    def read(self, collection: str, query: Query) -> list[Document]:
        """Read all that a query meets."""


class ChunkedWrite(ABC):
    """One call: reads entities one by one, and holds no more than a chunk of them."""

    def __init__(self, writer: Writer, binding: Binding, max_errors: int | None) -> None:
        self.writer = writer
        self.binding = binding
        self.mapping = binding.mapping
        self.written = 0
        self.errors: Failures = []
        self._most = max_errors
        self._deferred: list[tuple[Entity[Any], Any, Before]] = []
        self._chunks = 0
        self._begin_chunk()

    def run(self, entities: Iterator[Entity[Any]]) -> BulkResult[Entity[Any]]:
        """Write all of them.

        Raises:
            TristoreError: what ends the call; its `result` says what was written before.
        """
        stopped = False
        try:
            for position, entity in enumerate(entities):
                self._take(position, entity)
                if self._most is not None and len(self.errors) >= self._most:
                    stopped = True
                    break
            self._write()
            self._write_deferred()
        except Exception as error:
            self._say_what_was_written(error)
            for entity, before in zip(self.entities, self._before, strict=True):
                _take_back(entity, before)
            raise
        return self.result(stopped=stopped)

    @abstractmethod
    def result(self, *, stopped: bool) -> BulkResult[Entity[Any]]:
        """Return what was done so far."""

    @abstractmethod
    def operation(self, entity: Entity[Any]) -> tuple[Any, Document]:
        """Run the hook of an entity; return what a plan says of it, and the document, to be weighed.

        Raises:
            ValidationError: if it cannot be stored.
        """

    @abstractmethod
    def plan(self, operations: Sequence[Any]) -> WritePlan:
        """Return the plan for operations."""

    @abstractmethod
    def missed(self, numbers: Sequence[int], result: ManyResult, refused: dict[int, Exception]) -> None:
        """Add to the refused those of the written that the plan did not meet."""

    def handed_over(self, refused: dict[int, Exception]) -> list[int]:
        """Return which of the refused may go well once the others are written."""
        return []

    def hook(self, entity: Entity[Any], *, is_new: bool) -> None:
        """Let the repository have its say before an entity is written."""
        if self.binding.saves:
            repository = getattr(self.writer.owner, self.binding.name)
            call_plain(
                "a hook",
                repository.before_save,
                entity,
                Change(frozenset(self.mapping.by_name), is_new=is_new),
                self.writer.owner,
            )

    def _begin_chunk(self) -> None:
        self.entities: list[Entity[Any]] = []
        self.operations: list[Any] = []
        self._before: list[Before] = []
        self._ids: set[Any] = set()
        self._weight = 0

    def _take(self, position: int, entity: Entity[Any]) -> None:
        taken_up(entity)
        if entity.id in self._ids:  # the second is compared with what the first has made
            self._write()
        if not self.operations:
            self.now: datetime = self.writer.environment.clock.now()
            self.stored_now = dump_datetime(self.now)
        before = position, entity.created_at, entity.updated_at
        try:
            operation, document = self.operation(entity)
            weight = self.mapping.weight(document)
            if weight >= SUSPICIOUS:
                check_size(self.mapping.name, entity, document)
        except _REFUSALS as error:
            self._refuse(entity, before, error)
            return
        self._refuse_published(entity, before)
        self.entities.append(entity)
        self.operations.append(operation)
        self._before.append(before)
        self._ids.add(entity.id)
        self._weight += weight
        if len(self.operations) >= CHUNK or self._weight >= CHUNK_BYTES:
            self._write()

    def _refuse(self, entity: Entity[Any], before: Before, error: Exception) -> None:
        """Remember an entity that cannot be written, and take back what was set on it."""
        _take_back(entity, before)
        self.errors.append(BulkError(entity, before[0], error))

    def _write(self) -> None:
        """Write the chunk, and let those who wait know of it."""
        if self.operations:
            self._chunks += 1
            refused = self._carry_out(range(len(self.operations)))
            again = self.handed_over(refused)
            while again and len(refused) < len(self.operations):
                again.reverse()  # whichever way a row of givers and takers stands, every second pass goes along it
                left = self._carry_out(again)
                refused = {number: error for number, error in refused.items() if number not in again} | left
                again = self.handed_over(left) if len(left) < len(again) else []
            self._deferred += [
                (self.entities[number], self.operations[number], self._before[number])
                for number in self.handed_over(refused)
            ]
            written = [entity for number, entity in enumerate(self.entities) if number not in refused]
            for number, error in refused.items():
                self._refuse(self.entities[number], self._before[number], error)
            self.errors.sort(key=lambda one: one.position)
            self.written += len(written)
            self._tell(written)
        self._begin_chunk()

    def _carry_out(self, numbers: Sequence[int]) -> dict[int, Exception]:
        """Write some of the chunk; return which were refused, and why."""
        operations = [self.operations[number] for number in numbers]
        result = unordered_write(operations, lambda some: self.writer.write_many(self.plan(some)))
        refused = {numbers[at]: self._told(numbers[at], error) for at, error in result.errors.items()}
        self.missed(numbers, result, refused)
        return refused

    def _write_deferred(self) -> None:
        """Write those whose value another one had that came in a later chunk, and may have given it up."""
        before = -1
        while self._deferred and self._chunks > 1 and before != self.written:
            before = self.written
            deferred, self._deferred = self._deferred[::-1], []
            entities = {id(entity) for entity, _, _ in deferred}
            self.errors = [one for one in self.errors if id(one.entity) not in entities]
            for entity, operation, times in deferred:
                self.entities.append(entity)
                self.operations.append(self.at(operation, self.stored_now))
                self._before.append(times)
            self._write()
        if len(self._deferred) > 1:
            for one in self.errors:
                if isinstance(one.error, DuplicateKey):
                    one.error.add_note("where two of the call take each other's values, write them in a unit of work")

    def at(self, operation: Any, now: datetime) -> Any:
        """Return an operation as one of another time, as it is stored."""
        return operation

    def _told(self, number: int, error: KeyTaken | TristoreError) -> Exception:
        if isinstance(error, KeyTaken):
            return duplicate(self.mapping, error, self.entities[number].id)
        if isinstance(error, ValidationError):
            problems = [Problem(self.mapping.attribute_of(one.field), one.message) for one in error.problems]
            return ValidationError(problems, entity=self.mapping.name)
        return error

    def _tell(self, written: Sequence[Entity[Any]]) -> None:
        """Give the entities their versions and times, then call the hooks and the subscribers."""
        now, version = self.now, self.version
        events: list[Event] = []
        for entity in written:
            object.__setattr__(entity, "version", version(entity))
            object.__setattr__(entity, "updated_at", now)
            if entity.recorded_events:
                events += entity.recorded_events
                entity.forget_events()
        environment = self.writer.environment
        if self.binding.commits:
            repository = getattr(self.writer.owner, self.binding.name)
            for entity in written:
                environment.shielded(repository.after_commit, entity)
        if events:
            environment.deliver(events)

    @abstractmethod
    def version(self, entity: Entity[Any]) -> int:
        """Return the version that an entity has after it was written."""

    def _refuse_published(self, entity: Entity[Any], before: Before) -> None:
        outbox = self.writer.environment.outbox
        if outbox is not None and entity.recorded_events:
            for event in entity.recorded_events:
                if outbox.holds(event):
                    _take_back(entity, before)
                    raise InvalidQuery(
                        f"{self.mapping.name} {entity.id} has recorded {type(event).__name__}, which this store "
                        "publishes in the transaction of its entity, and bulk() has none: write it in a unit of work"
                    )

    def _say_what_was_written(self, error: Exception) -> None:
        done = f"before this, {self.written:,} {self.mapping.name} entities were written"
        if isinstance(error, TristoreError):
            error.result = self.result(stopped=False)
        if self.operations and isinstance(error, Unavailable | DeadlineExceeded):
            first, last = self._before[0][0], self._before[-1][0]
            done += f"; of the chunk from position {first:,} to {last:,} nobody knows"
        error.add_note(done)


def _take_back(entity: Entity[Any], before: Before) -> None:
    """Give an entity that was not written the times that it had."""
    _, created_at, updated_at = before
    object.__setattr__(entity, "created_at", created_at)
    object.__setattr__(entity, "updated_at", updated_at)
