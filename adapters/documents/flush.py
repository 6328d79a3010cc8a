"""Flushing: from pending changes to one write plan a collection, and from its result to conflicts.

All plans are built before the first is carried out: an entity that cannot be stored is refused with nothing written.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from attrs import define, field
from bson import encode

from ...domain.errors import DuplicateKey, Stale, TristoreError, VersionConflict
from ...domain.predicates import OneOf
from ...domain.queries import Query
from ..backend import Delete, Document, KeyTaken, Replace, Update, WritePlan, WriteResult
from ..bson_values import CODEC_OPTIONS
from .codecs import dump_datetime
from .naming import ID_KEY
from .sizes import check_size
from .tracking import Pending, Record, State, TrackedCollection

Write = Callable[[WritePlan], WriteResult]
Find = Callable[[str, Query], list[Document]]


@define
class CollectionFlush:
    """What one flush writes to one collection."""

    tracked: TrackedCollection
    pending: Pending
    now: datetime
    plan: WritePlan = field(init=False)
    _versions: list[int] = field(init=False, factory=list)

    def __attrs_post_init__(self) -> None:
        self.plan = WritePlan(
            self.tracked.binding.collection,
            self.tracked.mapping.version_key,
            [Delete(self._id(record), record.version) for record in self.pending.removed],
            [self._update(record) for record in self.pending.changed],
            [self._insert(record) for record in self.pending.added],
        )

    def carry_out(self, write: Write, find: Find, applied: list[str]) -> None:
        """Write, and compare what was met with what was planned.

        Args:
            write: carries out a plan.
            find: reads documents, to name the entities that moved on.
            applied: one line for each operation that stays applied whatever follows; completed here.

        Raises:
            DuplicateKey: if a unique value is taken.
            VersionConflict: naming every entity that moved on.
        """
        try:
            result = write(self.plan)
        except KeyTaken as taken:
            applied += self._lines()[: taken.done]
            raise self._duplicate(taken) from (taken.__cause__ or taken)
        planned = (len(self.plan.deletes), len(self.plan.updates))
        if (result.deleted, result.matched) != planned:
            stale = self._stale(find)
            missed = {one.id for one in stale}
            applied += [
                line
                for line, record in zip(self._lines(), self._records(), strict=True)
                if record.entity.id not in missed
            ]
            raise VersionConflict(stale)
        applied += self._lines()

    def settle(self) -> None:
        """Let the records say what is stored now."""
        mapping = self.tracked.mapping
        for record in self.pending.removed:
            record.state = State.GONE
            record.written = True
        for record, version in zip(self.pending.changed, self._versions, strict=True):
            record.version = version
            record.snapshot = mapping.snapshot(record.entity)
            record.written = True
        for record in self.pending.added:
            record.state = State.STORED
            record.version = 1
            record.snapshot = mapping.snapshot(record.entity)
            record.written = True

    def _id(self, record: Record) -> Any:
        return self.tracked.mapping.dump_id(record.entity.id)

    def _update(self, record: Record) -> Update | Replace:
        mapping = self.tracked.mapping
        # one step for each unit, however often it flushes
        version = (record.version or 0) + (0 if record.written else 1)
        self._versions.append(version)
        stamp = {mapping.version_key: version, mapping.updated_at_key: dump_datetime(self.now)}
        if self.tracked.binding.documents.update == "replace":
            document = {**mapping.dump(record.entity), **stamp, **self._schema_version()}
            check_size(mapping.name, record.entity.id, document)
            return Replace(document[ID_KEY], record.version, document)
        changes = mapping.changes(record.entity, record.snapshot)
        check_size(mapping.name, record.entity.id, changes.set)
        return Update(self._id(record), record.version, {**changes.set, **stamp}, changes.unset)

    def _insert(self, record: Record) -> Document:
        mapping = self.tracked.mapping
        document = mapping.dump(record.entity)
        document[mapping.version_key] = 1
        document[mapping.updated_at_key] = dump_datetime(self.now)
        document[mapping.schema_version_key] = self.tracked.binding.documents.schema_version
        check_size(mapping.name, record.entity.id, document)
        return document

    def _schema_version(self) -> dict[str, int]:
        return {self.tracked.mapping.schema_version_key: self.tracked.binding.documents.schema_version}

    def _records(self) -> list[Record]:
        return [*self.pending.removed, *self.pending.changed, *self.pending.added]

    def _lines(self) -> list[str]:
        name = self.tracked.mapping.name
        words = (
            ("removed", self.pending.removed),
            ("updated", self.pending.changed),
            ("added", self.pending.added),
        )
        return [f"{word} {name} {record.entity.id}" for word, records in words for record in records]

    def _duplicate(self, taken: KeyTaken) -> DuplicateKey:
        mapping = self.tracked.mapping
        records = self._records()
        known = taken.position is not None and taken.position < len(records)
        entity_id = records[taken.position or 0].entity.id if known else None
        return DuplicateKey(mapping.name, [mapping.attribute_of(key) for key in taken.keys], entity_id)

    def _stale(self, find: Find) -> list[Stale]:
        """Name who moved on: who does not have what this flush wrote, or is still there after its removal.

        The version alone does not tell: another writer may have made the same step.
        """
        mapping = self.tracked.mapping
        ids = [operation.id for operation in (*self.plan.deletes, *self.plan.updates)]
        stored = {found[ID_KEY]: found for found in find(self.plan.collection, Query(OneOf((ID_KEY,), tuple(ids))))}
        records = [*self.pending.removed, *self.pending.changed]
        moved = [
            (record, stored.get(operation.id))
            for record, operation in zip(records, (*self.plan.deletes, *self.plan.updates), strict=True)
            if _moved_on(operation, stored.get(operation.id))
        ]
        # a removal that somebody else was faster with leaves no trace: then any of them may be it
        moved = moved or [(record, None) for record in self.pending.removed]
        return [
            Stale(
                mapping.name,
                record.entity.id,
                record.version or 0,
                None if document is None else document.get(mapping.version_key) or 0,
            )
            for record, document in moved
        ]


def _moved_on(operation: Delete | Update | Replace, stored: Document | None) -> bool:
    match operation:
        case Delete():
            return stored is not None
        case Update(set=written, unset=gone):
            if stored is None or any(key in stored for key in gone):
                return True
            return _bytes({key: stored.get(key) for key in written}) != _bytes(written)
        case Replace(document=written):
            return stored is None or _bytes(stored) != _bytes(written)


def _bytes(document: Mapping[str, Any]) -> bytes:
    """The form in which values compare as a store keeps them."""
    return encode(document, False, CODEC_OPTIONS)


def note_applied(error: BaseException, applied: Sequence[str]) -> None:
    """Let an error say what stays applied, in a store without transactions."""
    if isinstance(error, TristoreError):
        error.applied = tuple(applied)  # type: ignore[attr-defined]
        if applied:
            error.add_note(f"without transactions, these stay applied: {', '.join(applied)}")
