"""The identity map: which entities a unit of work knows, and what has become of each."""

from collections.abc import Iterable
from enum import Enum, auto
from typing import Any

from attrs import frozen

from ...domain.entity import Entity
from ...domain.repository import Repository
from ..backend import Document
from .declarations import Documents
from .entity_mapping import EntityMapping, Snapshot


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
        version: the version that the stored document has now, inside the transaction; None where it has none.
        snapshot: the values that the stored document has.
        written: whether a flush of this unit wrote it, so that its version has taken its step.
        locked: whether its version takes a step even if nothing changed.
        stamped: whether `created_at` was set by this unit.
    """

    __slots__ = ("entity", "locked", "snapshot", "stamped", "state", "version", "written")

    def __init__(self, entity: Entity[Any], state: State, version: int | None, snapshot: Snapshot) -> None:
        self.entity = entity
        self.state = state
        self.version = version
        self.snapshot = snapshot
        self.written = False
        self.locked = False
        self.stamped = False


@frozen
class Pending:
    """What a flush has to write of one collection."""

    removed: list[Record]
    changed: list[Record]
    added: list[Record]

    def __bool__(self) -> bool:
        return bool(self.removed or self.changed or self.added)


@frozen(eq=False)
class Binding:
    """One repository of a unit: its name there, its class, its documents and their mapping."""

    name: str
    repository: type[Repository[Any, Any]]
    documents: Documents
    mapping: EntityMapping

    @property
    def collection(self) -> str:
        """The name of the collection."""
        return self.documents.collection

    def overrides(self, hook: str) -> bool:
        """Tell whether the repository has a hook of its own."""
        return getattr(self.repository, hook) is not getattr(Repository, hook)


class TrackedCollection:
    """The entities of one collection that a unit of work knows, by id."""

    __slots__ = ("binding", "mapping", "records")

    def __init__(self, binding: Binding) -> None:
        self.binding = binding
        self.mapping = binding.mapping
        self.records: dict[Any, Record] = {}

    def load(self, document: Document) -> Record:
        """Return the record of a document; an entity that is known already keeps its values."""
        entity = self.mapping.load(document)
        known = self.records.get(entity.id)
        if known is not None:
            return known
        record = Record(entity, State.STORED, document.get(self.mapping.version_key), self.mapping.snapshot(entity))
        self.records[entity.id] = record
        return record

    def load_all(self, documents: Iterable[Document]) -> list[Any]:
        """Return the entities of documents, without those that the unit has removed."""
        return [
            record.entity
            for record in map(self.load, documents)
            if record.state is State.STORED or record.state is State.ADDED
        ]

    def pending(self) -> Pending:
        """Find what was added, removed or edited since the last flush."""
        removed: list[Record] = []
        changed: list[Record] = []
        added: list[Record] = []
        is_same = self.mapping.is_same
        for record in self.records.values():
            state = record.state
            if state is State.STORED:
                if not is_same(record.entity, record.snapshot) or (record.locked and not record.written):
                    changed.append(record)
            elif state is State.ADDED:
                added.append(record)
            elif state is State.REMOVED:
                removed.append(record)
        return Pending(removed, changed, added)
