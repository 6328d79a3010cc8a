"""Writes of any number of documents: unordered plans, and changes of all that match a predicate."""

from collections.abc import Callable
from functools import partial
from time import monotonic

from ....domain.errors import TooLarge, TristoreError, ValidationError
from ....domain.rules.predicates import Predicate
from ...backend import KeyTaken, ManyResult, Modify, ModifyResult, WritePlan
from ...backend.checks.given_plans import check_modify, sound_part, with_refused
from ..bson.rows import Row
from ..bson.value_order import Key, stored_key
from ..engine import NO_TABLE, Engine
from ..operators.matching import matcher
from ..operators.updating import ends_as_nan, modified, roots_of
from ..queries.search import matching
from ..tables import Draft, Table
from ..transactions import MemoryTransaction
from .writer import RowChange, Writer, operations_of

Change = Callable[[RowChange, Key, Row], bool]
"""Changes a row, and tells whether that made it another one."""


class ManyWriter:
    """Changes what matches, through a transaction, or each document in one of its own."""

    def __init__(self, engine: Engine, writer: Writer) -> None:
        self._engine = engine
        self._writer = writer

    def write_many(self, plan: WritePlan, timeout: float) -> ManyResult:
        """Carry out each operation of a plan for itself."""
        end = monotonic() + timeout
        part, kept, refused = sound_part(plan)
        return with_refused(self._each_alone(part, end), kept, refused)

    def _each_alone(self, plan: WritePlan, end: float) -> ManyResult:
        errors: dict[int, KeyTaken | TristoreError] = {}
        met: list[bool] = []
        for position, operation in enumerate(operations_of(plan)):
            try:
                met.append(self._writer.alone(plan, position, operation, end))
            except (KeyTaken, ValidationError, TooLarge) as error:
                errors[position] = error
                met.append(False)
        deletes = len(plan.deletes)
        updates = deletes + len(plan.updates)
        return ManyResult(sum(met[:deletes]), sum(met[deletes:updates]), sum(met[updates:]), errors)

    def update_where(
        self,
        collection: str,
        predicate: Predicate,
        change: Modify,
        transaction: MemoryTransaction | None,
        timeout: float,
    ) -> ModifyResult:
        """Change every row that matches."""
        check_modify(change)
        touched = roots_of(change)

        def modify(target: RowChange, id_key: Key, row: Row) -> bool:
            document = modified(row, change)
            return target.replace(id_key, row, document, touched, always=ends_as_nan(document, change))

        return ModifyResult(*self._each(collection, predicate, modify, transaction, timeout))

    def remove_where(
        self, collection: str, predicate: Predicate, transaction: MemoryTransaction | None, timeout: float
    ) -> int:
        """Remove every row that matches; return how many."""

        def remove(target: RowChange, id_key: Key, row: Row) -> bool:
            target.delete(id_key, row)
            return True

        return self._each(collection, predicate, remove, transaction, timeout)[0]

    def _each(
        self,
        collection: str,
        predicate: Predicate,
        change: Change,
        transaction: MemoryTransaction | None,
        timeout: float,
    ) -> tuple[int, int]:
        """Change what matches, in the order of insertion; return how many rows matched and were changed."""
        if transaction is None:
            return self._one_by_one(collection, predicate, change, monotonic() + timeout)
        try:
            with self._engine.lock:
                table = transaction.table(collection)
                target = RowChange(self._engine, transaction, collection, 0)
                made = [change(target, id_key, row) for id_key, row in _matching(table, predicate)]
        except BaseException:
            transaction.end()
            raise
        return len(made), sum(made)

    def _one_by_one(self, collection: str, predicate: Predicate, change: Change, end: float) -> tuple[int, int]:
        matches = matcher(predicate)
        made: list[bool] = []

        def attempt(id_key: Key, transaction: MemoryTransaction) -> bool | None:
            target = RowChange(self._engine, transaction, collection, 0)
            row = target.draft.rows.get(id_key)
            return None if row is None or not matches(row.document) else change(target, id_key, row)

        for id_key, _ in _matching(self._engine.tables.get(collection, NO_TABLE), predicate):
            done = self._writer.waiting(partial(attempt, id_key), end)
            if done is not None:
                made.append(done)
        return len(made), sum(made)


def _matching(table: Table | Draft, predicate: Predicate) -> list[tuple[Key, Row]]:
    """The rows that match, with their keys, the oldest first."""
    rows = sorted(matching(table, predicate), key=lambda row: row.sequence)
    return [(stored_key(row.document["_id"]), row) for row in rows]
