"""What a repository of a unit of work does: through the identity map, inside the transaction."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from ....domain.entities.clock import is_never
from ....domain.entities.entity import Entity
from ....domain.errors import NotFound, Stale, UnitOfWorkError, VersionConflict
from ....domain.queries.pages import Page, PageRequest
from ....domain.queries.query import Query
from ....domain.queries.rollups import Rollup
from ....domain.repository.caching import CacheOptions
from ....domain.repository.gateway import Gateway
from ....domain.rules.predicates import Path, Predicate
from ...backend import Cursor, Document
from ..context.stray_edits import taken_up
from ..mapping.class_mapping import ClassMapping
from ..queries.by_id import by_id, by_ids, check_version
from ..queries.concurrent_count import one_after_the_other
from ..queries.paging import Reads, read_page
from ..queries.rollups import rows_of, to_stored_rollup
from ..values.free_values import load_free
from .identity_map import Record, State, TrackedCollection, stamp
from .lifecycle import Lifecycle
from .unit import DocumentUnit

ViewT = TypeVar("ViewT")


class UnitGateway(Gateway[Entity[Any], Any]):
    """Reads and writes of one collection through a unit of work."""

    __slots__ = ("_collection", "_is_cached", "_mapping", "_tracked", "_unit")

    def __init__(self, unit: DocumentUnit, tracked: TrackedCollection, *, is_cached: bool = False) -> None:
        self._is_cached = is_cached
        self._unit = unit
        self._tracked = tracked
        self._mapping = tracked.mapping
        self._collection = tracked.binding.collection

    def cached(self, options: CacheOptions, *, by_default: bool) -> "UnitGateway":
        """Ask the store all the same, and let the cache count it: what is to be changed must not be old."""
        return type(self)(self._unit, self._tracked, is_cached=True)

    def get(self, id: Any, version: int | None) -> Entity[Any]:
        """Return the entity from the identity map, or load it."""
        with self._read("get"):
            record = self._known(id)
            if record is None:
                record = self._tracked.load(self._document(id))
            elif record.state is State.REMOVED or record.state is State.GONE:
                raise NotFound(self._mapping.name, id)
            # what the unit itself has flushed is not yet known to the caller: the entity learns it with the commit
            seen = record.entity.version if record.written else record.version
            check_version(self._mapping, id, version, seen)
            return record.entity

    def get_many(self, ids: Sequence[Any]) -> Mapping[Any, Entity[Any]]:
        """Return entities from the identity map, and load those that are not there."""
        with self._read("get_many"):
            records = {id: self._known(id) for id in ids}
            for query in by_ids(self._mapping, [id for id, record in records.items() if record is None]):
                for document in self._unit.scope.read(self._collection, query):
                    record = self._tracked.load(document)
                    records[record.entity.id] = record
            return {id: record.entity for id, record in records.items() if record is not None and record.is_there}

    def find(self, query: Query, view: type[Any] | None = None) -> list[Any]:
        """Query inside the transaction; entities that are known keep their values."""
        with self._read("find"):
            self._unit.flush_before_query(self._tracked)
            documents = self._unit.scope.read(self._collection, self._mapping.to_stored(query))
            return self._load(view)(documents)

    def page(self, request: PageRequest) -> Page[Any]:
        """Read a page inside the transaction, and then the total."""
        with self._read("page"):
            self._unit.flush_before_query(self._tracked)
            scope, collection = self._unit.scope, self._collection
            reads = Reads(
                read=lambda query: scope.read(collection, query),
                count=lambda predicate, limit: scope.count(collection, predicate, limit),
                load=self._load(request.view),
                together=one_after_the_other,
            )
            return read_page(request, self._mapping, collection, reads)

    def stream(self, query: Query, view: type[Any] | None = None) -> Iterator[Any]:
        """Open a cursor inside the transaction; its entities are not tracked."""
        with self._read("stream"):
            self._unit.flush_before_query(self._tracked)
            cursor = self._unit.scope.stream(self._collection, self._mapping.to_stored(query))
        return self._each(cursor, self._mapping.view(view))

    def distinct(self, path: Path, predicate: Predicate) -> list[Any]:
        """Ask for the values inside the transaction."""
        with self._read("distinct"):
            self._unit.flush_before_query(self._tracked)
            stored, rule = self._mapping.stored_path(path), self._mapping.to_stored_predicate(predicate)
            return self._mapping.load_values(path, self._unit.scope.distinct(self._collection, stored, rule))

    def count(self, predicate: Predicate, limit: int | None) -> int:
        """Count inside the transaction."""
        with self._read("count"):
            self._unit.flush_before_query(self._tracked)
            return self._unit.scope.count(self._collection, self._mapping.to_stored_predicate(predicate), limit)

    def rollup(self, rollup: Rollup, view: type[ViewT]) -> list[ViewT]:
        """Group inside the transaction; the rows are not tracked."""
        with self._read("rollup"):
            self._unit.flush_before_query(self._tracked)
            found = self._unit.scope.rollup(self._collection, to_stored_rollup(self._mapping, rollup))
        return rows_of(self._mapping, rollup, view, found)

    def aggregate(self, pipeline: Sequence[Mapping[str, Any]]) -> list[Document]:
        """Carry out a pipeline inside the transaction; what is pending is written first, for it may look anywhere."""
        with self._read("aggregate"):
            if self._unit.autoflush:
                self._unit.flush()
            found = self._unit.scope.aggregate(self._collection, pipeline)
        return [load_free(document) for document in found]

    def add(self, entity: Entity[Any]) -> None:
        """Track a new entity."""
        with self._unit.lifecycle:
            taken_up(entity)
            records, id = self._tracked.records, entity.id
            if id in records:
                self._add_again(records[id], entity)
                return
            if entity.version:
                raise UnitOfWorkError(
                    f"{self._mapping.name} {entity.id} is stored already (version {entity.version}): attach() it"
                )
            records[id] = self._new_record(entity)

    def remove(self, entity: Entity[Any]) -> None:
        """Mark for removal; forget what was never stored."""
        with self._unit.lifecycle:
            record = self._tracked.records.get(entity.id)
            if record is None:
                record = self._attach(entity)
            elif record.entity is not entity:
                raise self._other_object(entity)
            if record.state is State.ADDED:
                del self._tracked.records[entity.id]
            elif record.state is State.STORED:
                record.state = State.REMOVED

    def attach(self, entity: Entity[Any]) -> None:
        """Track an entity that was loaded elsewhere, with the edits that it has."""
        with self._unit.lifecycle:
            known = self._tracked.records.get(entity.id)
            if known is None:
                self._attach(entity)
            elif known.entity is not entity:
                raise self._other_object(entity)

    def refresh(self, entity: Entity[Any]) -> None:
        """Load the stored values into the object."""
        with self._unit.lifecycle:
            record = self._tracked.records.get(entity.id)
            if record is not None and record.entity is not entity:
                raise self._other_object(entity)
            if record is not None and record.state in {State.REMOVED, State.GONE}:
                raise NotFound(self._mapping.name, entity.id)
            taken_up(entity)
            document = self._document(entity.id)
            loaded = self._mapping.load(document)
            for field in self._mapping.fields:
                if not (field.name in {"version", "updated_at"} and record is not None and record.written):
                    object.__setattr__(entity, field.name, getattr(loaded, field.name))
            fresh = Record.of(entity, document, self._mapping)
            if record is not None:
                fresh.written, fresh.locked, fresh.stamped = record.written, record.locked, record.stamped
            self._tracked.records[entity.id] = fresh

    def _read(self, method: str) -> Lifecycle:
        """Return the block of a read; count one that was to be cached."""
        if self._is_cached and (cache := self._unit.environment.cache) is not None:
            cache.bypass(self._collection, method, "unit of work")
        return self._unit.lifecycle

    def _load(self, view: type[Any] | None) -> Callable[[list[Document]], list[Any]]:
        """What makes entities of documents, which are tracked, or views, which are not."""
        return self._tracked.load_all if view is None else self._mapping.view(view).load_all

    def _each(self, cursor: Cursor, mapping: ClassMapping) -> Iterator[Any]:
        """Yield the entities or views of a cursor, each as one call of the unit; close it however the loop ends."""
        documents = iter(cursor)
        try:
            while True:
                with self._unit.lifecycle:
                    document = self._next(documents)
                if document is None:
                    return
                yield mapping.load(document)
        finally:
            self._unit.scope.close(cursor)

    def _next(self, documents: Iterator[Document]) -> Document | None:
        try:
            return next(documents, None)
        except BaseException as error:
            self._unit.scope.fail(error)
            raise

    def _known(self, id: Any) -> Record | None:
        try:
            return self._tracked.records.get(id)
        except TypeError:
            return None  # unhashable, so no id: what loads it says so

    def _document(self, id: object) -> Document:
        query = by_id(self._mapping, id)
        self._unit.scope.expect(self._collection, self._mapping.dump_id(id))
        found = self._unit.scope.read(self._collection, query)
        if not found:
            raise NotFound(self._mapping.name, id)
        return found[0]

    def _attach(self, entity: Entity[Any]) -> Record:
        """Compare with what is stored; its values are what the edits are measured against."""
        taken_up(entity)
        found = self._unit.scope.read(self._collection, by_id(self._mapping, entity.id))
        if not found and not entity.version:
            raise UnitOfWorkError(f"{self._mapping.name} {entity.id} was never stored: add() it")
        if not found:
            raise VersionConflict([Stale(self._mapping.name, entity.id, entity.version, None)])
        (document,) = found
        check_version(self._mapping, entity.id, entity.version, document.get(self._mapping.version_key))
        record = Record.of(entity, document, self._mapping, loaded=self._mapping.load(document))
        self._tracked.records[entity.id] = record
        return record

    def _new_record(self, entity: Entity[Any]) -> Record:
        record = Record(entity, State.ADDED)
        if is_never(entity.created_at):
            stamp(entity, self._unit.now)
            record.stamped = True
        return record

    def _add_again(self, known: Record, entity: Entity[Any]) -> None:
        if known.entity is not entity and known.state is not State.GONE:
            raise self._other_object(entity)
        if known.state is State.REMOVED:
            known.state = State.STORED
        elif known.state is State.GONE:
            self._tracked.records[entity.id] = self._new_record(entity)

    def _other_object(self, entity: Entity[Any]) -> UnitOfWorkError:
        return UnitOfWorkError(
            f"another object for {self._mapping.name} {entity.id} belongs to this unit of work already: use that one"
        )
