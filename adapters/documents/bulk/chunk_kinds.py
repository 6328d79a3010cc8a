"""The two kinds of chunked writes: new entities, and entities that were loaded and edited elsewhere."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from ....domain.bulk_result import BulkResult
from ....domain.entities.clock import is_never
from ....domain.entities.entity import Entity
from ....domain.errors import DuplicateKey, Stale, UnitOfWorkError, VersionConflict
from ....domain.queries.query import Query
from ....domain.rules.predicates import All, OneOf
from ...backend import Document, ManyResult, Replace, Update, WritePlan
from ..queries.modifications import refuse_stored
from ..unit_of_work.flushing.change_set import moved_on
from ..unit_of_work.identity_map import stamp
from ..values.keys import ID_KEY
from .chunked_write import ChunkedWrite


class Additions(ChunkedWrite):
    """Stores new entities."""

    def result(self, *, stopped: bool) -> BulkResult[Entity[Any]]:
        """Return what was done so far."""
        return BulkResult(inserted=self.written, errors=tuple(self.errors), stopped=stopped)

    def operation(self, entity: Entity[Any]) -> tuple[Any, Document]:
        """The document."""
        refuse_stored(self.mapping, entity)
        if is_never(entity.created_at):
            stamp(entity, self.now)
        self.hook(entity, is_new=True)
        (document,) = self.mapping.dump_new([entity], self.stored_now)
        return document, document

    def plan(self, operations: Sequence[Any]) -> WritePlan:
        """Only inserts."""
        return WritePlan(self.binding.collection, self.mapping.version_key, inserts=operations)

    def missed(self, numbers: Sequence[int], result: ManyResult, refused: dict[int, Exception]) -> None:
        """An insert that is not refused was carried out."""

    def version(self, entity: Entity[Any]) -> int:
        return 1


class Updates(ChunkedWrite):
    """Saves entities that were loaded and edited elsewhere."""

    def result(self, *, stopped: bool) -> BulkResult[Entity[Any]]:
        """Return what was done so far."""
        return BulkResult(matched=self.written, modified=self.written, errors=tuple(self.errors), stopped=stopped)

    def operation(self, entity: Entity[Any]) -> tuple[Any, Document]:
        """An update of every field, or a replacement, of the version that was loaded."""
        mapping, documents = self.mapping, self.binding.documents
        self.hook(entity, is_new=False)
        document = mapping.dump(entity)
        stored_id = document[ID_KEY]
        document[mapping.version_key] = entity.version + 1
        document[mapping.updated_at_key] = self.stored_now
        version = entity.version or None
        if documents.update == "replace":
            mapping.stamp_schema(document)
            return Replace(stored_id, version, document), document
        values = {key: value for key, value in document.items() if key != ID_KEY}
        unset = [field.key for field in mapping.fields if field.key not in document]
        return Update(stored_id, version, values, unset), document

    def plan(self, operations: Sequence[Any]) -> WritePlan:
        """Only updates; what is stored in an older schema version is brought up to date by them."""
        updates = self._with_upgrades(operations) if self.mapping.chain.steps else operations
        return WritePlan(self.binding.collection, self.mapping.version_key, updates=updates)

    def _with_upgrades(self, operations: Sequence[Update | Replace]) -> Sequence[Update | Replace]:
        """Look for those that are stored in an older version: who writes in between has another optimistic version."""
        chain = self.mapping.chain
        wanted = All((OneOf((ID_KEY,), tuple(operation.id for operation in operations)), chain.older()))
        old = {found[ID_KEY]: found for found in self.writer.read(self.binding.collection, Query(wanted))}
        return [self._with_upgrade(operation, old.get(operation.id)) for operation in operations]

    def _with_upgrade(self, operation: Update | Replace, stored: Document | None) -> Update | Replace:
        if stored is None or isinstance(operation, Replace):
            return operation
        upgrade = self.mapping.chain.upgrade(stored)
        if upgrade is None:
            return operation
        values, unset = upgrade.under(dict(operation.set), operation.unset)
        return Update(operation.id, operation.version, values, unset)

    def missed(self, numbers: Sequence[int], result: ManyResult, refused: dict[int, Exception]) -> None:
        """Who does not have what was written moved on, or was never there; the server tells only how many."""
        if result.matched + len(refused) == len(numbers):
            return
        wanted = Query(OneOf((ID_KEY,), tuple(self.operations[number].id for number in numbers)))
        stored = {found[ID_KEY]: found for found in self.writer.read(self.binding.collection, wanted)}
        for number in numbers:
            operation = self.operations[number]
            found = stored.get(operation.id)
            if number not in refused and moved_on(operation, found):
                refused[number] = self._why(self.entities[number], found)

    def handed_over(self, refused: dict[int, Exception]) -> list[int]:
        """A unique value that is taken may be given up by another one of the call."""
        return sorted(number for number, error in refused.items() if isinstance(error, DuplicateKey))

    def at(self, operation: Update | Replace, now: datetime) -> Update | Replace:
        """The same, with the time that the entity will get."""
        stamp = {self.mapping.updated_at_key: now}
        if isinstance(operation, Replace):
            return Replace(operation.id, operation.version, {**operation.document, **stamp})
        return Update(operation.id, operation.version, {**operation.set, **stamp}, operation.unset)

    def _why(self, entity: Entity[Any], found: Document | None) -> Exception:
        name = self.mapping.name
        if found is None and not entity.version:
            return UnitOfWorkError(f"{name} {entity.id} was never stored: add_many() it")
        actual = None if found is None else found.get(self.mapping.version_key) or 0
        return VersionConflict([Stale(name, entity.id, entity.version, actual)])

    def version(self, entity: Entity[Any]) -> int:
        return entity.version + 1
