"""Carrying out write plans: each operation checks its version, its conflicts and its unique keys at once."""

from collections.abc import Callable, Collection, Iterable
from datetime import datetime
from time import monotonic
from typing import TypeVar
from uuid import UUID

from bson.decimal128 import Decimal128
from bson.int64 import Int64
from bson.objectid import ObjectId

from ....domain.errors import WriteConflict
from ...backend import Delete, Document, KeyTaken, Replace, Update, WritePlan, WriteResult
from ...backend.checks.given_plans import check_plan
from ..bson.rows import Row, encoded
from ..bson.value_order import MISSING, Key, identity_key, order_key
from ..engine import Engine
from ..operators.updating import in_order_of_addition
from ..tables import Draft
from ..transactions import MemoryTransaction

T = TypeVar("T")

_STORED_AS_THEY_ARE = frozenset({type(None), bool, int, float, str, bytes, ObjectId, UUID})
_SCALARS = _STORED_AS_THEY_ARE | {datetime, Decimal128, Int64}

Operation = Delete | Update | Replace | Document


class Writer:
    """Writes plans through a transaction, or each operation in one of its own."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def write(self, plan: WritePlan, transaction: MemoryTransaction | None, timeout: float) -> WriteResult:
        """Carry out a plan; the first error ends a transaction, and the plan without one.

        Raises:
            ValidationError: before anything is done, if an operation of it cannot be carried out.
        """
        check_plan(plan)
        if transaction is None:
            return self._one_by_one(plan, monotonic() + timeout)
        try:
            with self._engine.lock:
                met = [
                    self._apply(plan, position, operation, transaction)
                    for position, operation in enumerate(operations_of(plan))
                ]
        except BaseException:
            transaction.end()
            raise
        return _result(plan, met)

    def _one_by_one(self, plan: WritePlan, end: float) -> WriteResult:
        met = []
        for position, operation in enumerate(operations_of(plan)):
            try:
                met.append(self.alone(plan, position, operation, end))
            except KeyTaken as taken:
                raise KeyTaken(taken.keys, position, done=position) from None
        return _result(plan, met)

    def alone(self, plan: WritePlan, position: int, operation: Operation, end: float) -> bool:
        """Carry out one operation outside transactions; tell whether it met a document."""
        return self.waiting(lambda transaction: self._apply(plan, position, operation, transaction), end)

    def waiting(self, attempt: Callable[[MemoryTransaction], T], end: float) -> T:
        """Write in a transaction of its own; wait for an open one that is in the way, and look at the row again."""
        with self._engine.lock:
            while True:
                transaction = MemoryTransaction(self._engine)
                try:
                    met = attempt(transaction)
                    transaction.commit()
                except WriteConflict:
                    transaction.end()
                    self._engine.wait(end)
                except BaseException:
                    transaction.end()
                    raise
                else:
                    return met

    def _apply(self, plan: WritePlan, position: int, operation: Operation, transaction: MemoryTransaction) -> bool:
        """Carry out one operation; tell whether it met a document."""
        change = RowChange(self._engine, transaction, plan.collection, position)
        if isinstance(operation, dict):
            change.insert(operation)
            return True
        id_key = identity_key(operation.id)
        row = change.draft.rows.get(id_key)
        if row is None or not _same_version(row.document.get(plan.version_key, MISSING), operation.version):
            return False
        if isinstance(operation, Delete):
            change.delete(id_key, row)
        else:
            change.update(id_key, row, operation)
        return True


class RowChange:
    """One operation of a plan, or of many rows, on the draft of its transaction."""

    def __init__(self, engine: Engine, transaction: MemoryTransaction, collection: str, position: int) -> None:
        self.draft: Draft = transaction.draft(collection)
        self._engine = engine
        self._claims = transaction.claims
        self._collection = collection
        self._position = position

    def insert(self, document: Document) -> None:
        """Place a new row."""
        id_ = document["_id"]
        if next(iter(document)) != "_id":  # the server puts the id first
            document = {"_id": id_, **document}
        row = Row(encoded(document), next(self._engine.sequence))
        id_key = identity_key(id_)
        if id_key in self.draft.rows:
            raise KeyTaken(("_id",), self._position)
        self._claim(id_key)
        self._file(id_key, None, row, document)
        self.draft.put(id_key, None, row, None)

    def update(self, id_key: Key, before: Row, update: Update | Replace) -> None:
        """Change a row."""
        if isinstance(update, Replace):
            self.replace(id_key, before, _replaced(before, update), None)
        else:
            self.replace(id_key, before, _updated(before, update), frozenset((*update.set, *update.unset)))

    def replace(
        self, id_key: Key, before: Row, document: Document, touched: frozenset[str] | None, *, always: bool = False
    ) -> bool:
        """Put another document in the place of a row; tell whether they differ.

        Args:
            id_key: of the row.
            before: the row.
            document: takes its place.
            touched: the top-level keys that may differ, None for all.
            always: whether it counts as another one even if it is the same.
        """
        after = Row(encoded(document), before.sequence)
        if after.data == before.data and not always:  # no write, so no conflict either
            return False
        self._claim(id_key)
        self._file(id_key, before, after, document, touched)
        self.draft.put(id_key, before, after, touched)
        return True

    def delete(self, id_key: Key, before: Row) -> None:
        """Take a row away."""
        self._claim(id_key)
        for number, index in enumerate(self.draft.indexes.unique):
            for key in index.keys_of(before.document):
                self.draft.unfile(number, key)
            for key in index.keys_left_out(before.document):  # the server looks for it there, and may meet a writer
                self._engine.is_mine(self._claims, (self._collection, number, key))
        self.draft.drop(id_key, before)

    def _file(
        self, id_key: Key, before: Row | None, after: Row, given: Document, touched: frozenset[str] | None = None
    ) -> None:
        """Bring the unique indexes up to date; a value that is free, but was not always, is a conflict first."""
        indexes, draft = self.draft.indexes, self.draft
        for index in indexes.special:
            index.check_values(after.document)
        if touched is not None and indexes.roots.isdisjoint(touched):
            return
        for index in indexes.checked:
            if any(type(given.get(root)) not in _SCALARS for root in index.roots):
                index.check(after.copy())
        contents = _contents(given, after, indexes.unique_roots)
        for number, index in enumerate(indexes.unique):
            if touched is not None and index.roots.isdisjoint(touched):
                continue
            new = index.keys_of(contents)
            if before is not None:
                old = index.keys_of(before.document)
                for key in old - new:
                    draft.unfile(number, key)
                new -= old
            for key in new:
                self._claim(number, key)
                if key in draft.entries[number]:
                    raise KeyTaken(index.names, self._position)
                draft.file(number, key, id_key)

    def _claim(self, *slot: Key) -> None:
        self._engine.claim(self._claims, (self._collection, *slot))


def operations_of(plan: WritePlan) -> Iterable[Operation]:
    """Yield the operations of a plan in its order."""
    yield from plan.deletes
    yield from plan.updates
    yield from plan.inserts


def _result(plan: WritePlan, met: list[bool]) -> WriteResult:
    deletes = len(plan.deletes)
    updates = deletes + len(plan.updates)
    return WriteResult(sum(met[:deletes]), sum(met[deletes:updates]), sum(met[updates:]))


def _same_version(found: object, expected: int | None) -> bool:
    if type(found) is list:
        return any(order_key(item) == order_key(expected) for item in found)
    return found == expected if type(found) is int else order_key(found) == order_key(expected)


def _contents(given: Document, row: Row, roots: Collection[str]) -> Document:
    """What the indexes see of a row: what was given, if its values are stored as they are."""
    return given if all(type(given.get(root)) in _STORED_AS_THEY_ARE for root in roots) else row.copy()


def _updated(row: Row, update: Update) -> Document:
    """New keys follow the old ones, as the server's do."""
    document = dict(row.document)
    for key in in_order_of_addition(update.set):
        document[key] = update.set[key]
    for key in update.unset:
        document.pop(key, None)
    return document


def _replaced(row: Row, replace: Replace) -> Document:
    return {"_id": row.document["_id"], **replace.document}
