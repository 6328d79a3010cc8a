"""The identity map: which entities a unit of work knows, and what has become of each."""

from collections.abc import Container
from enum import Enum, auto
from typing import Any

import attrs
from attrs import field, frozen

from ...domain.entity import Entity
from ...domain.hooks import Hooks
from ...domain.repository import Repository
from ..backend import Document
from .comparison import Snapshot
from .declarations import Documents
from .entity_mapping import EntityMapping
from .migration_state import Find
from .naming import ID_KEY
from .schema_chain import UPGRADE, Upgrade


class State(Enum):
    """Where an entity stands in its unit of work."""

    ADDED = auto()
    STORED = auto()
    REMOVED = auto()
    GONE = auto()


class Record:
    """What a unit of work knows of one entity.

    Attributes:
        entity: the object that the caller holds.
        state: ADDED and REMOVED wait for the flush; GONE was removed by one.
        stored_id: the id as it is stored; None until an added entity is flushed.
        version: the version that the stored document has now, inside the transaction; None where it has none.
        snapshot: the values that the stored document has.
        written: whether a flush of this unit wrote it, so that its version has taken its step.
        locked: whether its version takes a step even if nothing changed.
        stamped: whether `created_at` was set by this unit.
        upgrade: what the next write must write as well, because the stored document is of an older schema version.
    """

    __slots__ = ("entity", "locked", "snapshot", "stamped", "state", "stored_id", "upgrade", "version", "written")

    def __init__(
        self,
        entity: Entity[Any],
        state: State,
        stored_id: Any = None,
        version: int | None = None,
        snapshot: Snapshot = (),
    ) -> None:
        self.entity = entity
        self.state = state
        self.stored_id = stored_id
        self.version = version
        self.snapshot = snapshot
        self.written = False
        self.locked = False
        self.stamped = False
        self.upgrade: Upgrade | None = None

    @property
    def is_there(self) -> bool:
        """Whether the unit has not removed it."""
        return self.state is not State.REMOVED and self.state is not State.GONE


@frozen
class Pending:
    """What a flush has to write of one collection."""

    removed: list[Record]
    changed: list[Record]
    added: list[Record]

    def __bool__(self) -> bool:
        return bool(self.removed or self.changed or self.added)

    def without(self, records: Container[int]) -> "Pending":
        """The same without the records whose identity is among these."""
        return Pending(
            *([one for one in part if id(one) not in records] for part in attrs.astuple(self, recurse=False))
        )


@frozen(eq=False)
class Binding:
    """One repository of a unit: its name there, its class, its documents and their mapping.

    Attributes:
        name: the name in the unit.
        repository: the class that is made for a unit.
        documents: the declaration.
        mapping: entities to documents and back.
        collection: the name of the collection, behind that of its database where that is another one.
        saves, removes, commits: whether the repository has hooks of its own for these.
    """

    name: str
    repository: type[Repository[Any, Any]]
    documents: Documents
    mapping: EntityMapping
    collection: str = field(init=False)
    saves: bool = field(init=False)
    removes: bool = field(init=False)
    commits: bool = field(init=False)

    @collection.default
    def _collection(self) -> str:
        database = self.documents.database
        return self.documents.collection if database is None else f"{database}/{self.documents.collection}"

    @saves.default
    def _saves(self) -> bool:
        return self.repository.before_save is not Hooks.before_save

    @removes.default
    def _removes(self) -> bool:
        return self.repository.before_remove is not Hooks.before_remove

    @commits.default
    def _commits(self) -> bool:
        return self.repository.after_commit is not Hooks.after_commit


class TrackedCollection:
    """The entities of one collection that a unit of work knows, by id."""

    __slots__ = ("binding", "mapping", "records")

    def __init__(self, binding: Binding, find: Find) -> None:
        self.binding = binding
        self.mapping = binding.mapping.within(binding.collection, find)
        self.records: dict[Any, Record] = {}

    def load(self, document: Document) -> Record:
        """Return the record of a document; an entity that is known already keeps its values."""
        entity = self.mapping.load(document)
        known = self.records.get(entity.id)
        return known if known is not None else self._track(entity, document)

    def load_all(self, documents: list[Document]) -> list[Any]:
        """Return the entities of documents, without those that the unit has removed."""
        if not self.records:
            return self._track_all(documents)
        entities = self.mapping.load_all(documents)
        records = [
            self.records.get(entity.id) or self._track(entity, document)
            for entity, document in zip(entities, documents, strict=True)
        ]
        return [
            record.entity for record in records if record.state is not State.REMOVED and record.state is not State.GONE
        ]

    def _track_all(self, documents: list[Document]) -> list[Any]:
        """Load and track entities of which none is known: the hot path of a find."""
        records, stored, version_key = self.records, State.STORED, self.mapping.version_key
        upgraded = self.mapping.chain.bring_up(documents)
        entities, snapshots = self.mapping.load_tracked(documents)
        for entity, document, snapshot in zip(entities, documents, snapshots, strict=True):
            records[entity.id] = Record(entity, stored, document[ID_KEY], document.get(version_key), snapshot)
        if upgraded:
            for entity, document in zip(entities, documents, strict=True):
                records[entity.id].upgrade = document.get(UPGRADE)
        return entities

    def _track(self, entity: Entity[Any], document: Document) -> Record:
        mapping = self.mapping
        version = document.get(mapping.version_key)
        record = Record(entity, State.STORED, document[ID_KEY], version, mapping.snapshot(entity))
        record.upgrade = document.get(UPGRADE)
        self.records[entity.id] = record
        return record

    def pending(self) -> Pending:
        """Find what was added, removed or edited since the last flush."""
        removed: list[Record] = []
        changed: list[Record] = []
        added: list[Record] = []
        is_same, on_read = self.mapping.is_same, self.mapping.chain.on_read
        for record in self.records.values():
            state = record.state
            if state is State.STORED:
                if (
                    not is_same(record.entity, record.snapshot)
                    or (record.locked and not record.written)
                    or (on_read and record.upgrade is not None)
                ):
                    changed.append(record)
            elif state is State.ADDED:
                added.append(record)
            elif state is State.REMOVED:
                removed.append(record)
        return Pending(removed, changed, added)
