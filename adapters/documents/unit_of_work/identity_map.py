"""The identity map: which entities a unit of work knows, and what has become of each."""

from collections.abc import Container
from datetime import datetime
from enum import Enum, auto
from typing import Any

import attrs
from attrs import frozen

from ....domain.entities.entity import Entity
from ...backend import Document
from ..collections.bindings import Binding
from ..evolution.migration_state import Find
from ..evolution.upgrade import UPGRADE, Upgrade
from ..mapping.entity_mapping import EntityMapping
from ..mapping.snapshots import Snapshot
from ..values.keys import ID_KEY


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
        *,
        upgrade: Upgrade | None = None,
    ) -> None:
        self.entity = entity
        self.state = state
        self.stored_id = stored_id
        self.version = version
        self.snapshot = snapshot
        self.written = False
        self.locked = False
        self.stamped = False
        self.upgrade = upgrade

    @classmethod
    def of(
        cls, entity: Entity[Any], document: Document, mapping: EntityMapping, *, loaded: Entity[Any] | None = None
    ) -> "Record":
        """Return the record of a stored entity.

        Args:
            entity: the object that the caller holds.
            document: what is stored of it, brought up to date.
            mapping: of the entity.
            loaded: made of the document, where the caller's object has edits that are measured against it.
        """
        snapshot = mapping.snapshot(entity if loaded is None else loaded)
        version = document.get(mapping.version_key)
        return cls(entity, State.STORED, document[ID_KEY], version, snapshot, upgrade=document.get(UPGRADE))

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
        self.mapping.chain.bring_up(documents)
        entities, snapshots = self.mapping.load_tracked(documents)
        for entity, document, snapshot in zip(entities, documents, snapshots, strict=True):
            version, upgrade = document.get(version_key), document.get(UPGRADE)
            records[entity.id] = Record(entity, stored, document[ID_KEY], version, snapshot, upgrade=upgrade)
        return entities

    def _track(self, entity: Entity[Any], document: Document) -> Record:
        record = self.records[entity.id] = Record.of(entity, document, self.mapping)
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


def stamp(entity: Entity[Any], moment: datetime) -> None:
    """Set when the entity was added, past its validators: the fields are the unit's."""
    object.__setattr__(entity, "created_at", moment)
    object.__setattr__(entity, "updated_at", moment)
