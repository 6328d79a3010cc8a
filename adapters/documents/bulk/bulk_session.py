"""Work on many entities outside transactions: nothing is tracked, each call writes at once."""

import random
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, NoReturn, TypeVar

from ....domain.bulk_result import BulkResult
from ....domain.entities.entity import Entity
from ....domain.errors import (
    DuplicateKey,
    InvalidQuery,
    TristoreError,
    UnitOfWorkError,
    VersionConflict,
    WriteConflict,
)
from ....domain.queries.query import Query
from ....domain.repository.modifications import Modification
from ....domain.repository.repository import Repository
from ....domain.rules.predicates import Predicate
from ....domain.unit_of_work.unit_of_work import Reader, UnitOfWork
from ...backend import Document, KeyTaken, ManyResult, WritePlan
from ...caching.port import DocumentReads
from ..collections.bindings import Binding
from ..context.store_context import Environment
from ..context.written_documents import Written
from ..queries.modifications import duplicate, give_values, refuse_stored, stored_modification
from ..reader.reader import ReaderGateway, ReaderSession
from ..unit_of_work.lifecycle import refuse_nested
from ..values.codecs import dump_datetime
from .chunk_kinds import Additions, Updates

T = TypeVar("T")
Result = BulkResult[Entity[Any]]

_ROUNDS = 50
"""How often an upsert looks again after another writer was faster."""

_LONGEST_PAUSE = 0.05
"""Seconds between two looks."""


class BulkSession(ReaderSession):
    """What `Store.bulk` gives, from the inside; threads may share it."""

    noun = "bulk"
    reason_against_cache = "bulk"

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment, snapshot=False)
        self.id = "bulk"
        self._owner: UnitOfWork[Any] | None = None

    def enter(self, owner: Reader) -> None:
        """Begin, once, and not inside a unit of work of the same store."""
        refuse_nested(self.environment)
        super().enter(owner)
        assert isinstance(owner, UnitOfWork)  # noqa: S101 - made by the store
        self._owner = owner

    def repository(self, name: str) -> Repository[Any, Any] | None:
        """Make the repository that the unit names so."""
        binding = self.environment.bindings.get(name)
        return None if binding is None else binding.repository(BulkGateway(self, binding))

    @property
    def owner(self) -> UnitOfWork[Any]:
        """The unit as the hooks know it."""
        assert self._owner is not None  # noqa: S101 - whoever calls has entered it
        return self._owner

    @property
    def now(self) -> datetime:
        """The time of a call."""
        return self.environment.clock.now()

    def write(self, written: Written, operation: Callable[..., T], *arguments: Any, **options: Any) -> T:
        """Carry out one write, within the time of an operation; one that failed may have been applied all the same."""
        self._check_writes()
        try:
            return operation(*arguments, **options, timeout=self.environment.operation_timeout)
        finally:
            self.environment.invalidate(written)

    def write_many(self, plan: WritePlan) -> ManyResult:
        """Carry out a plan, in no order."""
        self._check_writes()
        return self.environment.write_many(plan)

    def _check_writes(self) -> None:
        self.check_open()
        refuse_nested(self.environment)
        self.environment.ensure_prepared()

    def read(self, collection: str, query: Query) -> list[Document]:
        """Read all that a query meets."""
        return self.io(self.environment.backend.find, collection, query).to_list()

    def refuse(self) -> NoReturn:
        """Say what a bulk has no transaction for."""
        raise UnitOfWorkError(
            "a bulk has no transaction, so there is nothing to flush, commit, roll back, lock, publish or wait for: "
            "open a unit_of_work()"
        )

    flush = commit = rollback = refuse


class BulkGateway(ReaderGateway):
    """Reads of one collection, and calls that write many entities."""

    __slots__ = ("_bulk",)

    def __init__(self, session: BulkSession, binding: Binding, reads: DocumentReads | None = None) -> None:
        super().__init__(session, binding, reads)
        self._bulk = session

    def add_many(self, entities: Iterator[Entity[Any]], max_errors: int | None) -> Result:
        """Store new entities chunk by chunk."""
        self._bulk.check_open()
        return Additions(self._bulk, self._binding, max_errors).run(entities)

    def bulk_update(self, entities: Iterator[Entity[Any]], max_errors: int | None) -> Result:
        """Save edited entities chunk by chunk."""
        self._bulk.check_open()
        return Updates(self._bulk, self._binding, max_errors).run(entities)

    def update_where(self, predicate: Predicate, modification: Modification) -> Result:
        """Change what matches, by one command."""
        change = stored_modification(self._mapping, modification, dump_datetime(self._bulk.now))
        stored = self._mapping.to_written_predicate(predicate)
        done = self._at_once(self._bulk.environment.backend.update_where, stored, change)
        return BulkResult(matched=done.matched, modified=done.modified)

    def remove_where(self, predicate: Predicate) -> Result:
        """Remove what matches, by one command."""
        if self._bulk.environment.outbox is not None:
            raise InvalidQuery(
                f"store {self._bulk.environment.name} publishes events, and those about a removed "
                f"{self._mapping.name} keep their place by the transaction of its removal, which bulk() has none of: "
                "call remove_where() in a unit of work"
            )
        return BulkResult(
            removed=self._at_once(self._backend.remove_where, self._mapping.to_written_predicate(predicate))
        )

    def upsert(self, entity: Entity[Any], same: Predicate) -> Entity[Any]:
        """Store the entity, or give its values to the stored one; look again if another writer was faster."""
        refuse_stored(self._mapping, entity)
        query = Query(self._mapping.to_stored_predicate(same), limit=1)
        for number in range(_ROUNDS):
            if number:
                time.sleep(random.uniform(0, min(_LONGEST_PAUSE, 0.002 * number)))  # noqa: S311 - spreads writers
            found = self._bulk.read(self._collection, query)
            target: Entity[Any] = self._mapping.load(found[0]) if found else entity
            if found:
                give_values(self._mapping, entity, target)
            call = self.bulk_update if found else self.add_many
            result = call(iter([target]), None)
            if not result.errors:
                return target
            error = result.errors[0].error
            if not isinstance(error, VersionConflict) and not (isinstance(error, DuplicateKey) and not found):
                raise error
            if isinstance(error, DuplicateKey) and not self._bulk.read(self._collection, query):
                raise error  # of another unique key
        raise WriteConflict(f"other writers were faster than this upsert {_ROUNDS} times: try again later")

    def _at_once(self, operation: Callable[..., T], *arguments: Any) -> T:
        """Write all that matches by one command, and say what an error leaves."""
        written = Written()
        written.add_all(self._collection)
        try:
            return self._bulk.write(written, operation, self._collection, *arguments, transaction=None)
        except KeyTaken as taken:
            error = duplicate(self._mapping, taken)
            error.add_note(_IN_PART)
            raise error from (taken.__cause__ or taken)
        except TristoreError as error:
            if not isinstance(error, UnitOfWorkError | InvalidQuery):
                error.add_note(_IN_PART)
            raise

    def _refuse_single(self, entity: Entity[Any]) -> None:
        raise UnitOfWorkError(
            "a bulk tracks no entity: write add_many([entity]) or bulk_update([entity]), "
            "remove_where(lambda e: e.id == id) to remove it and get(id) to read it again, or open a unit_of_work()"
        )

    add = remove = attach = refresh = _refuse_single


_IN_PART = "outside a transaction, some of the entities may be changed or removed already"
