"""From pending changes to the write plan of one collection, and from its result to conflicts."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from attrs import evolve
from bson import encode

from .....domain.errors import DuplicateKey, Problem, Stale, ValidationError, VersionConflict
from .....domain.queries.query import Query
from .....domain.rules.predicates import OneOf
from ....backend import Delete, Document, KeyTaken, Replace, Update, WritePlan, WriteResult
from ....backend.bson import CODEC_OPTIONS
from ...mapping.document_sizes import check_size
from ...values.keys import ID_KEY
from ..identity_map import Pending, Record, State, TrackedCollection
from .handover import Edit, in_order, refuse_circle

Write = Callable[[WritePlan], WriteResult]
Find = Callable[[str, Query], list[Document]]


class PlannedWrites:
    """What one flush writes to one collection.

    Making it checks every entity, so that one which cannot be stored is refused before anything is written.

    Attributes:
        plan: what the backend carries out.
        size: how many documents it writes.
    """

    def __init__(self, tracked: TrackedCollection, pending: Pending, now: datetime, *, transactional: bool) -> None:
        """Plan.

        Args:
            tracked: the identity map of the collection.
            pending: what changed.
            now: the time of the unit, as it is stored.
            transactional: whether others see all of it at once.
        """
        self._tracked = tracked
        self._mapping = tracked.mapping
        self._pending = pending
        self._now = now
        self._replaces = tracked.binding.documents.update == "replace"
        self._check_ids()
        # one step for each unit, however often it flushes
        self._versions = [(one.version or 0) + (0 if one.written else 1) for one in pending.changed]
        edits = [*map(Edit, pending.changed, map(self._update, pending.changed, self._versions))]
        self._order = in_order(edits, tracked)
        if not transactional:
            refuse_circle(self._order, tracked)
        self.plan = WritePlan(
            tracked.binding.collection,
            self._mapping.version_key,
            [Delete(record.stored_id, record.version) for record in (*pending.removed, *self._taken_out)],
            [edit.operation for edit in self._order.in_place],
            self._inserts(pending.added),
        )

    def _check_ids(self) -> None:
        """An entity class may define its id anew and so lose the rule of `Entity` that it cannot change."""
        for record in (*self._pending.removed, *self._pending.changed):
            if self._mapping.dump_id(record.entity.id) != record.stored_id:
                problem = Problem("id", "cannot change: remove this entity and add another one")
                raise ValidationError([problem], entity=self._mapping.name, document_id=record.stored_id)

    @property
    def size(self) -> int:
        """How many documents it writes."""
        pending = self._pending
        return len(pending.removed) + len(pending.changed) + len(pending.added)

    @property
    def _taken_out(self) -> list[Record]:
        return [edit.record for edit in self._order.taken_out]

    def carry_out(self, write: Write, find: Find) -> None:
        """Write, and compare what was met with what was planned.

        Args:
            write: carries out a plan.
            find: reads documents, to name the entities that moved on.

        Raises:
            DuplicateKey: if a unique value is taken.
            VersionConflict: naming every entity that moved on. Both say what was applied, for a store without
                transactions.
        """
        plan = self._with_returns(find) if self._order.taken_out else self.plan
        try:
            result = write(plan)
        except KeyTaken as taken:
            duplicate = self._duplicate(taken)
            duplicate.applied = tuple(self.lines()[: taken.done])
            raise duplicate from (taken.__cause__ or taken)
        if result.deleted != len(self.plan.deletes) or result.matched != len(self.plan.updates):
            conflict = VersionConflict(self._stale(find))
            missed = {one.id for one in conflict.stale}
            lines = zip(self.lines(), self._steps(), strict=True)
            conflict.applied = tuple(line for line, (_, record) in lines if record.entity.id not in missed)
            raise conflict

    def settle(self, *, final: bool) -> None:
        """Let the records say what is stored now.

        Args:
            final: whether nothing follows but the commit, so that nobody will compare again.
        """
        for record in self._pending.removed:
            record.state = State.GONE
            record.written = True
        for record, version in zip(self._pending.changed, self._versions, strict=True):
            record.version = version
            record.upgrade = None
            record.written = True
        for record, document in zip(self._pending.added, self.plan.inserts, strict=True):
            record.state = State.STORED
            record.stored_id = document[ID_KEY]
            record.version = 1
            record.written = True
        if not final:
            for record in (*self._pending.changed, *self._pending.added):
                record.snapshot = self._mapping.snapshot(record.entity)

    def lines(self) -> list[str]:
        """Say what is written, one line for each operation of the plan."""
        return [f"{word} {self._mapping.name} {record.entity.id}" for word, record in self._steps()]

    def _steps(self) -> list[tuple[str, Record]]:
        """Each operation of the plan, by position."""
        taken_out = self._taken_out
        changed = (*taken_out, *(edit.record for edit in self._order.in_place), *taken_out)
        words = (("removed", self._pending.removed), ("updated", changed), ("added", self._pending.added))
        return [(word, record) for word, records in words for record in records]

    def _with_returns(self, find: Find) -> WritePlan:
        """Return the plan that puts back, as they are to be, those that are taken out; it needs what is stored."""
        wanted = Query(OneOf((ID_KEY,), tuple(edit.operation.id for edit in self._order.taken_out)))
        stored = {found[ID_KEY]: found for found in find(self.plan.collection, wanted)}
        back = [_written(stored.get(edit.operation.id, {}), edit.operation) for edit in self._order.taken_out]
        return evolve(self.plan, inserts=[*back, *self.plan.inserts])

    def _update(self, record: Record, version: int) -> Update | Replace:
        mapping = self._mapping
        if self._replaces:
            document = mapping.dump(record.entity)
            document[mapping.version_key] = version
            document[mapping.updated_at_key] = self._now
            mapping.stamp_schema(document)
            check_size(mapping.name, record.entity, document)
            return Replace(record.stored_id, record.version, document)
        document, unset = mapping.changes(record.entity, record.snapshot)
        if record.upgrade is not None:
            document, unset = record.upgrade.under(document, unset)
        check_size(mapping.name, record.entity, document)
        document[mapping.version_key] = version
        document[mapping.updated_at_key] = self._now
        return Update(record.stored_id, record.version, document, unset)

    def _inserts(self, added: list[Record]) -> list[Document]:
        mapping = self._mapping
        documents = mapping.dump_new([record.entity for record in added], self._now)
        for record, document in zip(added, documents, strict=True):
            if mapping.may_be_large(document):
                check_size(mapping.name, record.entity, document)
        return documents

    def _duplicate(self, taken: KeyTaken) -> DuplicateKey:
        steps = self._steps()
        known = taken.position is not None and taken.position < len(steps)
        entity_id = steps[taken.position or 0][1].entity.id if known else None
        return DuplicateKey(self._mapping.name, [self._mapping.attribute_of(key) for key in taken.keys], entity_id)

    def _stale(self, find: Find) -> list[Stale]:
        """Name who moved on: who does not have what this flush wrote, or is still there after its removal.

        The version alone does not tell: another writer may have made the same step.
        """
        mapping = self._mapping
        removals = self.plan.deletes[: len(self._pending.removed)]
        edits = (*self._order.in_place, *self._order.taken_out)
        operations = (*removals, *(edit.operation for edit in edits))
        wanted = Query(OneOf((ID_KEY,), tuple(operation.id for operation in operations)))
        stored = {found[ID_KEY]: found for found in find(self.plan.collection, wanted)}
        records = [*self._pending.removed, *(edit.record for edit in edits)]
        moved = [
            (record, stored.get(operation.id))
            for record, operation in zip(records, operations, strict=True)
            if moved_on(operation, stored.get(operation.id))
        ]
        # a removal that somebody else was faster with leaves no trace: then any of them may be it
        moved = moved or [(record, None) for record in self._pending.removed]
        return [
            Stale(
                mapping.name,
                record.entity.id,
                record.version or 0,
                None if document is None else document.get(mapping.version_key) or 0,
            )
            for record, document in moved
        ]


def _written(stored: Document, operation: Update | Replace) -> Document:
    """Return what an operation makes of a stored document."""
    if isinstance(operation, Replace):
        return {ID_KEY: operation.id, **operation.document}
    kept = {key: value for key, value in stored.items() if key not in operation.unset}
    return {ID_KEY: operation.id, **kept, **operation.set}


def moved_on(operation: Delete | Update | Replace, stored: Document | None) -> bool:
    """Tell whether a stored document is not what an operation would have made of it."""
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
