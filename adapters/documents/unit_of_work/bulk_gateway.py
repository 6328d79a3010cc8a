"""Calls on many entities inside a unit of work: in its transaction, and its identity map stays true."""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any, TypeVar

from ....domain.bulk_result import BulkResult
from ....domain.entities.entity import Entity
from ....domain.errors import Stale, TristoreError, UnitOfWorkError, VersionConflict
from ....domain.queries.query import Query
from ....domain.repository.modifications import Modification
from ....domain.rules.predicates import OneOf, Predicate
from ...backend import Document, KeyTaken
from ..context.stray_edits import taken_up
from ..queries.modifications import duplicate, give_values, refuse_stored, stored_modification
from ..values.keys import ID_KEY
from .gateway import UnitGateway
from .identity_map import Record, State

T = TypeVar("T")
Result = BulkResult[Entity[Any]]

_READ_AT_ONCE = 1_000
"""How many entities are compared with what is stored by one query."""


class BulkUnitGateway(UnitGateway):
    """A `UnitGateway` that writes many entities with one call; the first error is raised, and ends the unit."""

    __slots__ = ()

    def add_many(self, entities: Iterator[Entity[Any]], max_errors: int | None) -> Result:
        """Add all, and write them."""
        with self._unit.lifecycle:
            given = list(entities)
            for entity in given:
                self.add(entity)
            records = self._tracked.records
            new = {entity.id for entity in given if records[entity.id].state is State.ADDED}
            self._unit.flush_collection(self._tracked)
            return BulkResult(inserted=len(new))

    def bulk_update(self, entities: Iterator[Entity[Any]], max_errors: int | None) -> Result:
        """Attach all, by one query for each thousand, and write them."""
        with self._unit.lifecycle:
            given = list({id(entity): entity for entity in entities}.values())
            records = self._tracked.records
            for entity in given:
                taken_up(entity)  # also if it is refused: the error says so
                if entity.id in records:
                    self._check_known(entity)
            strangers = iter([entity for entity in given if entity.id not in records])
            while chunk := list(islice(strangers, _READ_AT_ONCE)):
                self._attach_all(chunk)
            for entity in given:
                records[entity.id].locked = True
            self._unit.flush_collection(self._tracked)
            return BulkResult(matched=len(given), modified=len(given))

    def update_where(self, predicate: Predicate, modification: Modification) -> Result:
        """Change what matches; entities of the unit that are among it get the new values."""
        with self._unit.lifecycle:
            change = stored_modification(self._mapping, modification, self._unit.stored_now)
            stored = self._mapping.to_written_predicate(predicate)
            self._unit.flush_collection(self._tracked)
            done = self._write(lambda: self._unit.scope.update_where(self._collection, stored, change))
            self._unit.count_documents(done.matched)
            if done.matched:
                self._bring_up_to_date()
            return BulkResult(matched=done.matched, modified=done.modified)

    def remove_where(self, predicate: Predicate) -> Result:
        """Remove what matches; entities of the unit that are among it are gone."""
        with self._unit.lifecycle:
            stored = self._mapping.to_written_predicate(predicate)
            self._unit.flush_collection(self._tracked)
            if self._unit.environment.outbox is not None:
                # events that still wait must know that these lives have ended
                ended = self._unit.scope.read(self._collection, Query(stored))
                self._unit.scope.removed += [(self._collection, document[ID_KEY]) for document in ended]
            removed = self._write(lambda: self._unit.scope.remove_where(self._collection, stored))
            self._unit.count_documents(removed)
            if removed:
                self._bring_up_to_date()
            return BulkResult(removed=removed)

    def upsert(self, entity: Entity[Any], same: Predicate) -> Entity[Any]:
        """Add it, or give its values to the stored one, which then belongs to the unit."""
        with self._unit.lifecycle:
            refuse_stored(self._mapping, entity)
            self._unit.flush_collection(self._tracked)
            query = Query(self._mapping.to_stored_predicate(same), limit=1)
            found = self._unit.scope.read(self._collection, query)
            if not found:
                self.add(entity)
                self._unit.flush_collection(self._tracked)
                return entity
            record = self._tracked.load(found[0])
            if record.entity is not entity:
                give_values(self._mapping, entity, record.entity)
            record.locked = True
            self._unit.flush_collection(self._tracked)
            return record.entity

    def _check_known(self, entity: Entity[Any]) -> None:
        record = self._tracked.records[entity.id]
        if record.entity is not entity:
            raise self._other_object(entity)
        if record.state in {State.REMOVED, State.GONE}:
            raise UnitOfWorkError(f"{self._mapping.name} {entity.id} was removed in this unit of work")

    def _attach_all(self, entities: Sequence[Entity[Any]]) -> None:
        """Track entities that were loaded elsewhere; name every one that moved on."""
        mapping = self._mapping
        ids = {entity.id: mapping.dump_id(entity.id) for entity in entities}
        found = self._unit.scope.read(self._collection, Query(OneOf((ID_KEY,), tuple(ids.values()))))
        stored = {mapping.load(document).id: document for document in found}
        stale = [one for entity in entities if (one := self._moved_on(entity, stored.get(entity.id))) is not None]
        if stale:
            raise VersionConflict(stale)
        for entity in entities:
            document = stored[entity.id]
            record = Record.of(entity, document, mapping, loaded=mapping.load(document))
            self._tracked.records[entity.id] = record

    def _moved_on(self, entity: Entity[Any], document: Document | None) -> Stale | None:
        name = self._mapping.name
        if document is None and not entity.version:
            raise UnitOfWorkError(f"{name} {entity.id} was never stored: add_many() it")
        actual = None if document is None else document.get(self._mapping.version_key) or 0
        return None if actual == entity.version else Stale(name, entity.id, entity.version, actual)

    def _write(self, write: Callable[[], T]) -> T:
        try:
            return write()
        except KeyTaken as taken:
            error = duplicate(self._mapping, taken)
            self._unit.scope.fail(error)
            self._say_what_stays(error)
            raise error from (taken.__cause__ or taken)
        except TristoreError as error:
            self._say_what_stays(error)
            raise

    def _say_what_stays(self, error: TristoreError) -> None:
        if not self._unit.environment.transactional:
            error.add_note("without transactions, some of the entities may be changed or removed already")

    def _bring_up_to_date(self) -> None:
        """Read what is stored of the entities of the unit: some were changed or removed behind their backs."""
        known = [one for one in self._tracked.records.values() if one.state in {State.STORED, State.REMOVED}]
        if not known:
            return
        wanted = Query(OneOf((ID_KEY,), tuple(record.stored_id for record in known)))
        mapping = self._mapping
        stored = {mapping.load(found).id: found for found in self._unit.scope.read(self._collection, wanted)}
        for record in known:
            document = stored.get(record.entity.id)
            if document is None:
                record.state = State.GONE
                record.written = True
            elif document.get(mapping.version_key) != record.version:
                self._take_over(record, document)

    def _take_over(self, record: Record, document: Document) -> None:
        """Give an entity the stored values; edits that are not written yet, as in a hook, stay."""
        mapping, entity = self._mapping, record.entity
        loaded = mapping.load(document)
        kept = {*mapping.changed_fields(entity, record.snapshot), "version", "updated_at"}
        for field in mapping.fields:
            if field.name not in kept:
                object.__setattr__(entity, field.name, getattr(loaded, field.name))
        fresh = Record.of(entity, document, mapping, loaded=loaded)
        record.version, record.snapshot, record.upgrade = fresh.version, fresh.snapshot, fresh.upgrade
        record.written = True
