"""How a relay reads and writes beside the units of its store: unseen by listeners, with the same retries."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

from attrs import evolve, frozen

from ....domain.queries.query import Query
from ....domain.rules.predicates import Predicate
from ....domain.unit_of_work.unit_of_work import UnitOfWork
from ...backend import Document, WritePlan, WriteResult
from ...documents.context.store_context import Environment
from ...documents.reader.reader import ReaderSession
from ...documents.unit_of_work.retries import Attempts, run
from ...documents.unit_of_work.transaction_scope import TransactionScope
from ...documents.unit_of_work.unit import DocumentUnit

T = TypeVar("T")


@frozen
class Access:
    """The store of a relay."""

    _environment: Environment

    @property
    def name(self) -> str:
        """The name of the store."""
        return self._environment.name

    def read(self, collection: str, query: Query) -> list[Document]:
        """Answer a query on a snapshot where the store has them: what it shows was committed for good, in its order."""
        with self._reader() as reader:
            return reader.io(self._environment.backend.find, collection, query).to_list()

    def count(self, collection: str, query: Query) -> int:
        """Count what a query meets, up to its limit."""
        with self._reader() as reader:
            return reader.io(self._environment.backend.count, collection, query.predicate, limit=query.limit)

    def distinct(self, collection: str, path: tuple[str, ...], predicate: Predicate) -> list[Any]:
        """Return the different values at a path, of lists their items."""
        with self._reader() as reader:
            return reader.io(self._environment.backend.distinct, collection, path, predicate)

    def find_now(self, collection: str, query: Query) -> list[Document]:
        """Answer a query without a snapshot."""
        self._environment.ensure_prepared()
        timeout = self._environment.operation_timeout
        return self._environment.backend.find(collection, query, transaction=None, timeout=timeout).to_list()

    def write_now(self, plan: WritePlan) -> WriteResult:
        """Carry out a plan without a transaction."""
        timeout = self._environment.operation_timeout
        return self._environment.backend.write(plan, transaction=None, timeout=timeout)

    def run(self, work: Callable[[TransactionScope], T]) -> T:
        """Do something in one transaction; on a conflict or a fail-over, all of it again."""
        environment = evolve(self._environment, listeners=[], handlers=[], outbox=None)
        attempts: Attempts[UnitOfWork[Any]] = Attempts(environment, UnitOfWork, deadline=environment.operation_timeout)
        return run(attempts, lambda uow: work(cast("DocumentUnit", uow._session).scope))

    def _reader(self) -> "_OpenReader":
        return _OpenReader(ReaderSession(self._environment, snapshot=self._environment.transactional))


@frozen
class _OpenReader:
    """A reading session for the length of a block."""

    _session: ReaderSession

    def __enter__(self) -> ReaderSession:
        self._session.enter(cast("Any", None))
        return self._session

    def __exit__(self, *_: object) -> None:
        self._session.leave(None)
