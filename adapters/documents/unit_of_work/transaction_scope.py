"""The transaction of one unit of work: begun at its first operation, bounded in time, ended in every case."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from bson import encode

from ....domain.errors import CommitUnknown, InvalidQuery, WriteConflict
from ....domain.queries.query import Query
from ....domain.queries.rollups import Rollup
from ....domain.rules.predicates import Path, Predicate
from ...backend import (
    Cursor,
    Document,
    KeyTaken,
    Modify,
    ModifyResult,
    Transaction,
    WritePlan,
    WriteResult,
)
from ...backend.bson import CODEC_OPTIONS
from ..context.deadline import Deadline
from ..context.store_context import Environment, Unsettled
from ..context.turns import TURNS, Place
from ..context.written_documents import Written
from ..values.keys import ID_KEY
from .lifecycle import Lifecycle

T = TypeVar("T")

_SETTLING = 2.0
"""Seconds for each step of settling a commit without an answer: a time of its own, for the unit's may be over."""


class TransactionScope:
    """Carries out the operations of a unit, and tells the unit of the first error: nothing is sent after it.

    Attributes:
        environment: the store.
        fail: remembers the first error, for the unit.
        operations: how many operations were sent, for the unit's report.
        removed: the stored ids that were removed, each with its collection.
        written: all that was written.
        conflict: the place of the first conflict, None where there was none, or nobody can tell.
        before_first: told of the place of a document that the first operation reads.
    """

    __slots__ = (
        "_deadline",
        "_streams",
        "_transaction",
        "before_first",
        "conflict",
        "environment",
        "fail",
        "operations",
        "removed",
        "written",
    )

    def __init__(self, environment: Environment, deadline: Deadline, lifecycle: Lifecycle) -> None:
        self.environment = environment
        self.fail = lifecycle.fail
        self.operations = 0
        self.removed: list[tuple[str, Any]] = []
        self.written = Written()
        self.conflict: Place | None = None
        self.before_first: Callable[[Place], None] | None = None
        self._deadline = deadline
        self._transaction: Transaction | None = None
        self._streams: set[Cursor] = set()

    def expect(self, collection: str, id: object) -> None:
        """Say which document is to be read; others may have a turn at it before the snapshot is taken."""
        if self.before_first is not None and self._transaction is None and TURNS.are_taken:
            self.before_first(self._place(collection, id))

    def conflicts_at(self, collection: str, id: object = None) -> None:
        """Note over what this unit met a conflict."""
        self.conflict = self._place(collection, id)

    def _place(self, collection: str, id: object) -> Place:
        return self.environment.backend.data_id, collection, encode({"": id}, False, CODEC_OPTIONS)

    def find(self, collection: str, query: Query) -> Cursor:
        """Open a cursor."""
        return self._io(self.environment.backend.find, collection, query)

    def stream(self, collection: str, query: Query) -> Cursor:
        """Open a cursor that is read later; the end of the unit closes it, if `close` does not before."""
        cursor = self.find(collection, query)
        self._streams.add(cursor)
        return cursor

    def close(self, cursor: Cursor) -> None:
        """Close the cursor of a stream."""
        self._streams.discard(cursor)
        cursor.close()

    def _close_streams(self) -> None:
        while self._streams:
            self._streams.pop().close()

    def read(self, collection: str, query: Query) -> list[Document]:
        """Read all that a query meets."""
        cursor = self.find(collection, query)
        try:
            return cursor.to_list()
        except BaseException as error:
            self.fail(error)
            raise

    def count(self, collection: str, predicate: Predicate, limit: int | None) -> int:
        """Count."""
        return self._io(self.environment.backend.count, collection, predicate, limit=limit)

    def distinct(self, collection: str, path: Path, predicate: Predicate) -> list[Any]:
        """Read the different values at a path."""
        return self._io(self.environment.backend.distinct, collection, path, predicate)

    def rollup(self, collection: str, rollup: Rollup) -> list[Document]:
        """Group, and work out figures."""
        return self._io(self.environment.backend.rollup, collection, rollup)

    def aggregate(self, collection: str, pipeline: Sequence[Mapping[str, Any]]) -> list[Document]:
        """Carry out a pipeline."""
        return self._io(self.environment.backend.aggregate, collection, pipeline)

    def write(self, plan: WritePlan) -> WriteResult:
        """Carry out a plan.

        Raises:
            KeyTaken: which is not remembered; the caller knows what to make of it.
            InvalidQuery: if it writes a time series, which no server does in a transaction.
        """
        if plan.collection in self.environment.time_series:
            raise InvalidQuery(
                f"{plan.collection} is a time series, which is written outside units of work: add to it with "
                "store.bulk(), and edit nothing there"
            )
        self.written.add(plan)
        with self._applied_at_once():
            try:
                result = self._io(self.environment.backend.write, plan)
            except WriteConflict:
                self.conflicts_at(plan.collection, _first_of(plan))
                raise
        back = [document[ID_KEY] for document in plan.inserts] if plan.deletes else []
        self.removed += [(plan.collection, delete.id) for delete in plan.deletes if delete.id not in back]
        return result

    def update_where(self, collection: str, predicate: Predicate, change: Modify) -> ModifyResult:
        """Change every document that matches.

        Raises:
            KeyTaken: which is not remembered.
        """
        self.written.add_all(collection)
        with self._applied_at_once(), self._of_all(collection):
            return self._io(self.environment.backend.update_where, collection, predicate, change)

    def remove_where(self, collection: str, predicate: Predicate) -> int:
        """Remove every document that matches."""
        self.written.add_all(collection)
        with self._applied_at_once(), self._of_all(collection):
            return self._io(self.environment.backend.remove_where, collection, predicate)

    @contextmanager
    def _of_all(self, collection: str) -> Iterator[None]:
        """Whatever of a collection was in the way: nobody says which."""
        try:
            yield
        except WriteConflict:
            self.conflicts_at(collection)
            raise

    def commit(self, unit_id: str) -> None:
        """Commit, if anything was sent.

        Raises:
            CommitUnknown: if it was sent, and its outcome cannot be learnt now; `Store.resolve` can ask again, as
                it can after an interrupt.
        """
        self._close_streams()
        transaction = self._transaction
        if transaction is None:
            return
        try:
            try:
                self.environment.backend.commit(transaction, timeout=self._deadline.for_operation())
            except CommitUnknown:
                self.environment.backend.settle(transaction, timeout=_SETTLING)
        except CommitUnknown as error:
            self._leave_unsettled(unit_id, transaction)
            raise CommitUnknown(unit_id) from error
        except Exception as error:
            self.fail(error)
            raise
        except BaseException:  # an interrupt came in between: before the commit, in its midst, or just behind it
            self._leave_unsettled(unit_id, transaction)
            raise
        self._transaction = None
        self.environment.invalidate(self.written)

    @contextmanager
    def _applied_at_once(self) -> Iterator[None]:
        """Without transactions a write that failed may have been applied all the same."""
        try:
            yield
        finally:
            if not self.environment.transactional:
                self.environment.invalidate(self.written)

    def _leave_unsettled(self, unit_id: str, transaction: Transaction) -> None:
        self._transaction = None
        self.environment.unsettled[unit_id] = Unsettled(transaction, self.written)
        self.environment.suspect(self.written)

    def abort(self) -> None:
        """Discard what was sent."""
        self._close_streams()
        transaction, self._transaction = self._transaction, None
        if transaction is not None:
            self.environment.backend.abort(transaction)

    def _io(self, operation: Callable[..., T], *arguments: Any, **options: Any) -> T:
        """Carry out one operation in the transaction; the first error is the last."""
        self.operations += 1
        try:
            self.environment.ensure_prepared()
            if self._transaction is None and self.environment.transactional:
                self._transaction = self.environment.backend.begin()
            return operation(
                *arguments, **options, transaction=self._transaction, timeout=self._deadline.for_operation()
            )
        except KeyTaken:
            raise
        except BaseException as error:
            self.fail(error)
            raise


def _first_of(plan: WritePlan) -> object:
    """The document that stands for a plan: the same one for all plans that hold it first by id; None for a new one."""
    ids = [operation.id for operation in (*plan.deletes, *plan.updates)]
    return min(ids, key=lambda id: encode({"": id}, False, CODEC_OPTIONS), default=None)
