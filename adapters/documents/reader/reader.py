"""Readers: the same queries without tracking and without a transaction, or all on one snapshot."""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NoReturn, TypeVar

from ....domain.entities.entity import Entity
from ....domain.entities.events import Event
from ....domain.errors import NotFound, UnitOfWorkClosed, UnitOfWorkError
from ....domain.queries.pages import Page, PageRequest
from ....domain.queries.query import Query
from ....domain.queries.rollups import Rollup
from ....domain.repository.caching import CacheOptions
from ....domain.repository.gateway import Gateway
from ....domain.repository.repository import Repository
from ....domain.rules.predicates import Path, Predicate
from ....domain.unit_of_work.unit_of_work import Reader, Session
from ...backend import Cursor, Document, Transaction
from ...caching.port import CachedCollection, DocumentReads
from ..collections.bindings import Binding
from ..context.store_context import Environment
from ..queries.by_id import check_version, stored_portions
from ..queries.concurrent_count import one_after_the_other
from ..queries.paging import Reads, read_page
from ..queries.rollups import rows_of, to_stored_rollup
from ..values.free_values import load_free
from .direct_reads import DirectReads
from .write_back import write_back

T = TypeVar("T")
ViewT = TypeVar("ViewT")


class ReaderSession(Session):
    """A `Reader` from the inside; threads may share it."""

    noun = "reader"
    """What it is called in messages."""

    def __init__(self, environment: Environment, *, snapshot: bool) -> None:
        self.id = "reader"
        self.environment = environment
        self._snapshot = snapshot
        self._transaction: Transaction | None = None
        self._beginning = threading.Lock()
        self.streams: set[Cursor] = set()
        self._open = False
        self._entered = False

    def enter(self, owner: Reader) -> None:
        """Begin, once."""
        if self._entered:
            raise UnitOfWorkClosed(f"a {self.noun} is entered once: open another one")
        self._entered = self._open = True

    def leave(self, error: BaseException | None) -> None:
        """End; let go of streams that are still open, and of the snapshot."""
        self._open = False
        while self.streams:
            self.streams.pop().close()
        transaction, self._transaction = self._transaction, None
        if transaction is not None:
            self.environment.backend.abort(transaction)

    @property
    def is_open(self) -> bool:
        """Whether the block is running."""
        return self._open

    def check_open(self) -> None:
        """Refuse every call outside the block."""
        if not self._open:
            raise UnitOfWorkClosed(f"this {self.noun} is not open: use it inside its with block")

    def repository(self, name: str) -> Repository[Any, Any] | None:
        """Make the repository that the reader names so."""
        binding = self.environment.bindings.get(name)
        return None if binding is None else binding.repository(ReaderGateway(self, binding))

    @property
    def reason_against_cache(self) -> str:
        """Why its reads never come from the cache, empty if they may: what a snapshot shows was so at one moment."""
        return "snapshot" if self._snapshot else ""

    @property
    def reads_side_by_side(self) -> bool:
        """Whether two reads at the same time are sooner there: what reads a snapshot does one after the other."""
        return not self._snapshot and not self.environment.backend.answers_at_once

    def io(self, operation: Callable[..., T], *arguments: Any, **options: Any) -> T:
        """Carry out one operation, on the snapshot if there is one."""
        self.check_open()
        self.environment.ensure_prepared()
        if self._snapshot and self._transaction is None:
            with self._beginning:
                if self._transaction is None:
                    self._transaction = self._begin()
        return operation(
            *arguments, **options, transaction=self._transaction, timeout=self.environment.operation_timeout
        )

    def _begin(self) -> Transaction:
        """Begin the snapshot and read once: the first answer fixes its moment, for all threads."""
        backend, timeout = self.environment.backend, self.environment.operation_timeout
        transaction = backend.begin(read_only=True)
        collection = self.environment.collections[0].name
        backend.find(collection, Query(limit=1), transaction=transaction, timeout=timeout).to_list()
        return transaction

    def refuse(self) -> NoReturn:
        """Say that a reader does not write."""
        raise UnitOfWorkError("a reader does not write: open a unit_of_work()")

    flush = commit = rollback = refuse

    def lock(self, entity: Entity[Any]) -> NoReturn:
        """Refuse."""
        self.refuse()

    def publish(self, event: Event, about: Entity[Any] | None) -> NoReturn:
        """Refuse."""
        self.refuse()

    def call_after_commit(self, callback: Callable[[], None]) -> NoReturn:
        """Refuse."""
        self.refuse()


class ReaderGateway(Gateway[Entity[Any], Any]):
    """Reads of one collection."""

    __slots__ = ("_backend", "_binding", "_collection", "_is_cached", "_mapping", "_reads", "_session")

    def __init__(self, session: ReaderSession, binding: Binding, reads: DocumentReads | None = None) -> None:
        self._session = session
        self._backend = session.environment.backend
        self._binding = binding
        self._mapping = binding.mapping.within(
            binding.collection, lambda collection, query: session.io(self._backend.find, collection, query).to_list()
        )
        self._collection = binding.collection
        self._is_cached = reads is not None
        self._reads: DocumentReads = reads or DirectReads(session, self._backend, self._collection)

    def cached(self, options: CacheOptions, *, by_default: bool) -> "ReaderGateway":
        """Return the same reads through the cache of the store; those of a snapshot never are."""
        cache = self._session.environment.cache
        if cache is None or (by_default and self._is_cached):
            return self
        direct = DirectReads(self._session, self._backend, self._collection) if self._is_cached else self._reads
        collection = CachedCollection(self._collection, self._mapping.fingerprint)
        through = cache.through(direct, collection, options, self._session.reason_against_cache)
        return type(self)(self._session, self._binding, through)

    def _ask(self) -> DocumentReads:
        """Return what answers; what is cached does so without the session, which may have ended."""
        self._session.check_open()
        return self._reads

    def get(self, id: Any, version: int | None) -> Entity[Any]:
        """Load one entity."""
        document = self._ask().one(self._mapping.dump_id(id))
        if document is None:
            raise NotFound(self._mapping.name, id)
        self._bring_up([document])
        check_version(self._mapping, id, version, document.get(self._mapping.version_key))
        entity: Entity[Any] = self._mapping.load(document)
        self._let_loose([entity])
        return entity

    def get_many(self, ids: Sequence[Any]) -> Mapping[Any, Entity[Any]]:
        """Load entities by their ids."""
        found: dict[Any, Entity[Any]] = {}
        for portion in stored_portions(self._mapping, ids):
            found |= {entity.id: entity for entity in self._load(None)(self._ask().many(portion))}
        return {id: found[id] for id in ids if id in found}

    def find(self, query: Query, view: type[Any] | None = None) -> list[Any]:
        """Load what a query meets."""
        return self._load(view)(self._ask().find(self._mapping.to_stored(query)))

    def page(self, request: PageRequest) -> Page[Any]:
        """Read a page and the total, side by side where that is sooner."""
        side_by_side = self._session.environment.side_by_side.read
        asked = self._ask()
        reads = Reads(
            read=asked.find,
            count=asked.count,
            load=self._load(request.view),
            together=side_by_side if self._session.reads_side_by_side else one_after_the_other,
        )
        return read_page(request, self._mapping, self._collection, reads)

    def stream(self, query: Query, view: type[Any] | None = None) -> Iterator[Any]:
        """Yield what a query meets; close the cursor however the loop ends."""
        mapping = self._mapping.view(view)
        self._bypass("stream", "stream")
        cursor = self._session.io(self._backend.find, self._collection, self._mapping.to_stored(query))
        self._session.streams.add(cursor)
        try:
            documents = iter(cursor)
            while True:
                document = next(documents, None)
                if not self._session.is_open:  # which closed the cursor, so that it seems to be at its end
                    raise UnitOfWorkClosed(
                        f"this {self._session.noun} has ended: read the stream inside its with block"
                    )
                if document is None:
                    return
                if view is None:
                    self._bring_up([document])
                yield mapping.load(document)
        finally:
            self._session.streams.discard(cursor)
            cursor.close()

    def count(self, predicate: Predicate, limit: int | None) -> int:
        """Count what matches."""
        return self._ask().count(self._mapping.to_stored_predicate(predicate), limit)

    def distinct(self, path: Path, predicate: Predicate) -> list[Any]:
        """Ask for the values."""
        stored, rule = self._mapping.stored_path(path), self._mapping.to_stored_predicate(predicate)
        return self._mapping.load_values(path, self._ask().distinct(stored, rule))

    def _load(self, view: type[Any] | None) -> Callable[[list[Document]], list[Any]]:
        """What makes entities or views of documents."""
        mapping = self._mapping
        if view is not None or not (mapping.chain.on_read or self._watches):
            return mapping.view(view).load_all

        def load(documents: list[Document]) -> list[Any]:
            self._bring_up(documents)
            entities = mapping.load_all(documents)
            self._let_loose(entities)
            return entities

        return load

    @property
    def _watches(self) -> bool:
        """Whether edits of what is loaded go astray; what a bulk loads is given back to it."""
        return self._session.environment.stray_edits != "ignore" and self._session.noun == "reader"

    def _let_loose(self, entities: Iterable[Entity[Any]]) -> None:
        if self._watches:
            self._session.environment.let_loose(self._mapping, entities, "a reader loaded it")

    def _bring_up(self, documents: list[Document]) -> None:
        """Bring documents up to date, and write them back where that is declared."""
        chain = self._mapping.chain
        if chain.bring_up(documents) and chain.on_read:
            write_back(self._session.environment, self._mapping, self._collection, documents)

    def rollup(self, rollup: Rollup, view: type[ViewT]) -> list[ViewT]:
        """Group, and work out figures."""
        found = self._ask().rollup(to_stored_rollup(self._mapping, rollup))
        return rows_of(self._mapping, rollup, view, found)

    def aggregate(self, pipeline: Sequence[Mapping[str, Any]]) -> list[Document]:
        """Carry out a pipeline."""
        self._bypass("aggregate", "pipeline")
        found = self._session.io(self._backend.aggregate, self._collection, pipeline)
        return [load_free(document) for document in found]

    def _bypass(self, method: str, reason: str) -> None:
        """Count a read that was to be cached and never is."""
        if self._is_cached and (cache := self._session.environment.cache) is not None:
            cache.bypass(self._collection, method, reason)

    def _refuse(self, entity: Entity[Any]) -> None:
        self._session.refuse()

    add = remove = attach = refresh = _refuse

    def _refuse_many(self, *_: Any, **__: Any) -> Any:
        self._session.refuse()

    add_many = bulk_update = update_where = remove_where = upsert = _refuse_many
