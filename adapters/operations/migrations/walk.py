"""Walking over the documents of a collection that need a change: in batches, resumable, beside live writers."""

import time
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from typing import Any

from attrs import define, field, frozen
from bson import encode

from ....domain.entities.bounds import Comparator
from ....domain.errors import MigrationError, TristoreError
from ....domain.queries.query import Query, SortKey
from ....domain.rules.predicates import All, Compare, OneOf, Predicate
from ...backend import Document, KeyTaken, ManyResult, Update, WritePlan
from ...backend.bson import CODEC_OPTIONS
from ...documents.context.store_context import Environment
from ...documents.context.unordered_write import unordered_write
from ...documents.queries.keyset import BRACKETS, Key
from ...documents.reader.write_back import raised
from ...documents.values.codecs import dump_datetime
from ...documents.values.keys import ID_KEY
from .journal import Journal, RunnerLease
from .reports import SHOWN, DocumentProblem, Progress

BATCH = 1_000
"""How many documents are read and written at a time, unless the caller says otherwise."""

BATCH_BYTES = 8 * 1024 * 1024
"""The most that a batch weighs, unless one document alone is heavier: so memory is bounded at any size of document."""

_ROUNDS = 5
"""How often a document is read again at once because another writer was faster; then the next pass meets it."""

_PASSES = 100
"""How often a run begins anew for what others write behind it; beyond that they are faster than the run."""

_BY_ID = (SortKey((ID_KEY,)),)
_IDS = Key("id", (ID_KEY,), descending=False, brackets=BRACKETS)


@frozen
class Work:
    """What is to be done to a collection.

    Attributes:
        collection: its name.
        version_key: of the optimistic version, which every write asks for and raises.
        due: what holds of documents that need the change, and of no document that had it.
        change: what writes one, without its version; it raises MigrationError for a document that it cannot change.
    """

    collection: str
    version_key: str
    due: Predicate
    change: Callable[[Document], Update]


@define
class Tally:
    """What a walk has done."""

    migrated: int = 0
    retried: int = 0
    failed: int = 0
    problems: list[DocumentProblem] = field(factory=list)

    def fail(self, document_id: object, why: object) -> None:
        """Count a document that cannot be changed; the first ones are named."""
        self.failed += 1
        if len(self.problems) < SHOWN:
            self.problems.append(DocumentProblem(document_id, str(why)))

    def begin_pass(self) -> None:
        """Forget the documents that failed: a pass from the beginning meets them again."""
        self.failed = 0
        self.problems.clear()


class Pace:
    """Holds work to a number of documents in a second.

    Args:
        rate: documents a second, None for no limit.
        sleep: waits for seconds.
        clock: tells seconds.
    """

    def __init__(
        self,
        rate: float | None,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._rate = rate
        self._sleep = sleep
        self._clock = clock
        self._began = clock()
        self._done = 0

    def batch(self, wanted: int) -> int:
        """Return the size of a batch: at most what one second allows, so that no pause is longer."""
        return wanted if self._rate is None else max(1, min(wanted, int(self._rate)))

    def wait(self, documents: int) -> None:
        """Wait until so many documents more may have been done."""
        self._done += documents
        if self._rate is not None:
            ahead = self._done / self._rate - (self._clock() - self._began)
            if ahead > 0:
                self._sleep(ahead)


class Walk:
    """One runner's way through one collection.

    Args:
        environment: the store.
        work: what is to be done.
        lease: that of the runner.
        record: the id of the record that holds the checkpoint.
        pace: the rate.
        batch: the most documents of a batch.
        on_progress: is told after each batch.
        total: how many documents there are to do.
    """

    def __init__(
        self,
        environment: Environment,
        work: Work,
        lease: RunnerLease,
        record: str,
        *,
        pace: Pace,
        batch: int,
        on_progress: Callable[[Progress], None],
        total: int,
    ) -> None:
        self.tally = Tally()
        self._environment = environment
        self._work = work
        self._lease = lease
        self._journal = Journal(environment)
        self._record = record
        self._pace = pace
        self._batch = pace.batch(batch)
        self._on_progress = on_progress
        self._total = total

    def run(self, position: Any = None) -> int:
        """Change every document; return how many are still due at the end: those that failed.

        The first pass begins behind a position. Then passes from the beginning follow, for documents that others wrote
        meanwhile, or were faster with, until one of them finds nothing that it can do.
        """
        self._pass(position)
        left = self._left()
        for _ in range(_PASSES):
            if not left:
                break
            before = self.tally.migrated + self.tally.retried
            self.tally.begin_pass()
            self._pass(None)
            left = self._left()
            if self.tally.migrated + self.tally.retried == before:
                break
        if not left:
            self.tally.begin_pass()
        return left

    def _left(self) -> int:
        environment, work = self._environment, self._work
        return environment.backend.count(
            work.collection, work.due, limit=None, transaction=None, timeout=scan_timeout(environment)
        )

    def _pass(self, position: Any) -> None:
        while batch := self._read(position):
            self._lease.check()
            self._carry_out(batch)
            position = batch[-1][ID_KEY]
            self._journal.save(
                self._record,
                self._lease.fence,
                {"position": position, "migrated": self.tally.migrated, "at": stored_now(self._environment)},
            )
            self._on_progress(
                Progress(
                    self._work.collection,
                    self.tally.migrated + self.tally.failed,
                    max(self._total, self.tally.migrated + self.tally.failed),
                    self.tally.failed,
                )
            )
            self._pace.wait(len(batch))

    def _read(self, position: Any) -> list[Document]:
        """Read the next documents, as many as a batch may weigh."""
        due = self._work.due
        if position is None:
            return self._portion(due)
        documents = self._portion(All((Compare((ID_KEY,), Comparator.GT, position), due)))
        if not documents and _is_in_a_bracket(position):  # a comparison stays within one type: there may be others
            documents = self._portion(All((_IDS.beyond(position, inclusive=False), due)))
        return documents

    def _portion(self, due: Predicate) -> list[Document]:
        documents, weight = [], 0
        with closing(self._find(Query(due, _BY_ID, limit=self._batch))) as found:
            for document in found:
                documents.append(document)
                weight += len(encode(document, False, CODEC_OPTIONS))
                if weight >= BATCH_BYTES:
                    break
        return documents

    def _find(self, query: Query) -> Generator[Document]:
        environment = self._environment
        cursor = environment.backend.find(
            self._work.collection, query, transaction=None, timeout=scan_timeout(environment)
        )
        try:
            yield from cursor
        finally:
            cursor.close()

    def _carry_out(self, batch: list[Document]) -> None:
        """Write a batch; who was changed by another writer in between is read again."""
        for _ in range(_ROUNDS):
            ids = self._write(batch)
            if not ids:
                return
            batch = list(self._find(Query(All((OneOf((ID_KEY,), ids), self._work.due)), _BY_ID)))
            self.tally.retried += len(batch)
            if not batch:
                return

    def _write(self, batch: list[Document]) -> tuple[Any, ...]:
        """Write documents, each in the version that was read; return the ids among which some were missed."""
        work = self._work
        updates: list[Update] = []
        for document in batch:
            document_id = document[ID_KEY]
            try:
                updates.append(raised(work.change(document), document, work.version_key))
            except MigrationError as error:
                self.tally.fail(document_id, error)
        if not updates:
            return ()
        result = unordered_write(updates, self._send)
        self.tally.migrated += result.matched
        for number, problem in result.errors.items():
            self.tally.fail(updates[number].id, _why(problem))
        if result.matched + len(result.errors) == len(updates):
            return ()
        return tuple(update.id for number, update in enumerate(updates) if number not in result.errors)

    def _send(self, updates: Sequence[Update]) -> ManyResult:
        return self._environment.write_many(WritePlan(self._work.collection, self._work.version_key, updates=updates))


def _is_in_a_bracket(id: object) -> bool:
    return any(type(id) in bracket.types for bracket in BRACKETS)


def scan_timeout(environment: Environment) -> float:
    """Seconds for what may have to look at every document of a collection."""
    return max(3_600.0, environment.operation_timeout)


def stored_now(environment: Environment) -> Any:
    """The time, as it is stored."""
    return dump_datetime(environment.clock.now())


def _why(problem: KeyTaken | TristoreError) -> str:
    if isinstance(problem, KeyTaken):
        return f"another document has the same {', '.join(problem.keys)} already, which must be unique"
    return str(problem)
