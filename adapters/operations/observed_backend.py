"""A backend between a store and its own one, which sees each operation before and after it is carried out."""

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn, Self, TypeVar

from attrs import frozen

from ...domain.errors import ConfigurationError
from ...domain.queries.query import Query
from ...domain.queries.rollups import Rollup
from ...domain.rules.predicates import Path, Predicate
from ...domain.unit_of_work.store import Store
from ..backend import (
    Backend,
    BackendOptions,
    CollectionDeclaration,
    Cursor,
    Document,
    IndexDeclaration,
    LeaseState,
    ManyResult,
    Modify,
    ModifyResult,
    ServerInfo,
    ServerState,
    Transaction,
    Watch,
    WritePlan,
    WriteResult,
)
from ..backend.administration import Administration
from ..documents.store import DocumentStore

T = TypeVar("T")

_NO_MORE: Any = object()


@frozen(eq=False)
class Operation:
    """One call of a backend.

    Attributes:
        name: the method of `Backend`.
        collection: of the documents, empty where there is none.
        transaction: the one that it belongs to.
        timeout: in seconds.
        is_sent_once: whether a driver never sends it again by itself, because it writes any number of documents.
    """

    name: str
    collection: str = ""
    transaction: Transaction | None = None
    timeout: float = 0.0
    is_sent_once: bool = False

    def __str__(self) -> str:
        return f"{self.name} {self.collection}".rstrip()


class ObservedBackend(Backend):
    """Hands everything on to another backend, through `_around`."""

    def __init__(self, inner: Backend) -> None:
        self.inner = inner
        self.capabilities = inner.capabilities  # type: ignore[misc] # those of the backend behind it
        self.born_prepared = inner.born_prepared  # type: ignore[misc]
        self.is_private = inner.is_private  # type: ignore[misc]
        self.answers_at_once = inner.answers_at_once  # type: ignore[misc]
        self.keeps_commits = inner.keeps_commits  # type: ignore[misc]

    @abstractmethod
    def _around(self, operation: Operation, call: Callable[[], T]) -> T:
        """Carry an operation out, or not; a find is carried out when its first document is read."""

    @classmethod
    def open(cls, url: str, options: BackendOptions) -> Self:
        """Refuse: it stands in front of a backend that is open."""
        _refuse(cls)

    @property
    def location(self) -> str:
        """The URL without password, for messages."""
        return self.inner.location

    @property
    def data_id(self) -> str:
        """Names the data."""
        return self.inner.data_id

    @property
    def incoherence(self) -> str:
        """Say why a read could be older than a commit."""
        return self.inner.incoherence

    def watch(self, *, timeout: float) -> Watch:
        """Tell what is written from now on."""
        return self._around(Operation("watch", timeout=timeout), lambda: self.inner.watch(timeout=timeout))

    def begin(self, *, read_only: bool = False) -> Transaction:
        """Return a transaction, or a snapshot for reading."""
        return self._around(Operation("begin"), lambda: self.inner.begin(read_only=read_only))

    def commit(self, transaction: Transaction, *, timeout: float) -> None:
        """Commit and end the transaction."""
        operation = Operation("commit", "", transaction, timeout)
        self._around(operation, lambda: self.inner.commit(transaction, timeout=timeout))

    def settle(self, transaction: Transaction, *, timeout: float) -> None:
        """Learn the outcome of a commit."""
        operation = Operation("settle", "", transaction, timeout)
        self._around(operation, lambda: self.inner.settle(transaction, timeout=timeout))

    def confirm(self, collection: str, *, timeout: float) -> None:
        """Wait until all that was written so far is confirmed."""
        operation = Operation("confirm", collection, None, timeout)
        self._around(operation, lambda: self.inner.confirm(collection, timeout=timeout))

    def abort(self, transaction: Transaction) -> None:
        """Discard and end the transaction or snapshot."""
        self.inner.abort(transaction)

    def find(self, collection: str, query: Query, *, transaction: Transaction | None, timeout: float) -> Cursor:
        """Return the documents that a query meets."""
        found = self.inner.find(collection, query, transaction=transaction, timeout=timeout)
        return _ObservedCursor(found, Operation("find", collection, transaction, timeout), self._around)

    def count(
        self,
        collection: str,
        predicate: Predicate,
        *,
        limit: int | None,
        transaction: Transaction | None,
        timeout: float,
    ) -> int:
        """Count the documents that match, up to the limit."""
        return self._around(
            Operation("count", collection, transaction, timeout),
            lambda: self.inner.count(collection, predicate, limit=limit, transaction=transaction, timeout=timeout),
        )

    def distinct(
        self, collection: str, path: Path, predicate: Predicate, *, transaction: Transaction | None, timeout: float
    ) -> list[Any]:
        """Return the different values at a path."""
        return self._around(
            Operation("distinct", collection, transaction, timeout),
            lambda: self.inner.distinct(collection, path, predicate, transaction=transaction, timeout=timeout),
        )

    def rollup(
        self, collection: str, rollup: Rollup, *, transaction: Transaction | None, timeout: float
    ) -> list[Document]:
        """Group, and work out figures."""
        return self._around(
            Operation("rollup", collection, transaction, timeout),
            lambda: self.inner.rollup(collection, rollup, transaction=transaction, timeout=timeout),
        )

    def aggregate(
        self, collection: str, pipeline: Sequence[Mapping[str, Any]], *, transaction: Transaction | None, timeout: float
    ) -> list[Document]:
        """Carry out a pipeline."""
        return self._around(
            Operation("aggregate", collection, transaction, timeout),
            lambda: self.inner.aggregate(collection, pipeline, transaction=transaction, timeout=timeout),
        )

    def write(self, plan: WritePlan, *, transaction: Transaction | None, timeout: float) -> WriteResult:
        """Carry out a plan."""
        return self._around(
            Operation("write", plan.collection, transaction, timeout),
            lambda: self.inner.write(plan, transaction=transaction, timeout=timeout),
        )

    def write_many(self, plan: WritePlan, *, timeout: float) -> ManyResult:
        """Carry out the operations of a plan in no order."""
        return self._around(
            Operation("write", plan.collection, None, timeout), lambda: self.inner.write_many(plan, timeout=timeout)
        )

    def update_where(
        self,
        collection: str,
        predicate: Predicate,
        change: Modify,
        *,
        transaction: Transaction | None,
        timeout: float,
    ) -> ModifyResult:
        """Change every document that matches."""
        return self._around(
            Operation("write", collection, transaction, timeout, is_sent_once=True),
            lambda: self.inner.update_where(collection, predicate, change, transaction=transaction, timeout=timeout),
        )

    def remove_where(
        self, collection: str, predicate: Predicate, *, transaction: Transaction | None, timeout: float
    ) -> int:
        """Remove every document that matches."""
        return self._around(
            Operation("write", collection, transaction, timeout, is_sent_once=True),
            lambda: self.inner.remove_where(collection, predicate, transaction=transaction, timeout=timeout),
        )

    def claim_lease(self, collection: str, id: str, *, owner: str, seconds: float, timeout: float) -> LeaseState:
        """Take a lease that nobody has, or that has ended."""
        return self._around(
            Operation("lease", collection, None, timeout),
            lambda: self.inner.claim_lease(collection, id, owner=owner, seconds=seconds, timeout=timeout),
        )

    def renew_lease(self, collection: str, id: str, *, owner: str, fence: int, seconds: float, timeout: float) -> bool:
        """Let a lease last longer."""
        return self._around(
            Operation("lease", collection, None, timeout),
            lambda: self.inner.renew_lease(collection, id, owner=owner, fence=fence, seconds=seconds, timeout=timeout),
        )

    def prepare(self, collections: Sequence[CollectionDeclaration], *, timeout: float) -> None:
        """Create collections and indexes."""
        self._around(Operation("prepare", timeout=timeout), lambda: self.inner.prepare(collections, timeout=timeout))

    def missing(
        self, collections: Sequence[CollectionDeclaration], *, timeout: float
    ) -> Sequence[tuple[str, IndexDeclaration]]:
        """Return the declared unique indexes that do not exist."""
        return self._around(
            Operation("missing", timeout=timeout), lambda: self.inner.missing(collections, timeout=timeout)
        )

    def ping(self, *, timeout: float) -> ServerInfo:
        """Ask the server whether it is there."""
        return self._around(Operation("ping", timeout=timeout), lambda: self.inner.ping(timeout=timeout))

    def administration(self) -> Administration | None:
        """Return what looks after the server."""
        return self.inner.administration()

    def state(self, *, timeout: float) -> ServerState:
        """Ping, and tell what is known of the servers."""
        return self._around(Operation("ping", timeout=timeout), lambda: self.inner.state(timeout=timeout))

    def save(self) -> None:
        """Keep what was committed so far."""
        self.inner.save()

    def close(self) -> None:
        """Release connections."""
        self.inner.close()


class _ObservedCursor:
    """A cursor whose first reading is the operation."""

    def __init__(
        self, inner: Cursor, operation: Operation, around: Callable[[Operation, Callable[[], Any]], Any]
    ) -> None:
        self._inner = inner
        self._operation = operation
        self._around = around

    def __iter__(self) -> Iterator[Document]:
        documents = iter(self._inner)
        first = self._around(self._operation, lambda: next(documents, _NO_MORE))
        if first is not _NO_MORE:
            yield first
            yield from documents

    def to_list(self) -> list[Document]:
        found: list[Document] = self._around(self._operation, self._inner.to_list)
        return found

    def close(self) -> None:
        self._inner.close()


def document_store(store: Store[Any]) -> DocumentStore[Any]:
    """Return the store as what it must be for a backend to be put in front of its own.

    Raises:
        ConfigurationError: if it is another kind of store.
    """
    if not isinstance(store, DocumentStore):
        raise ConfigurationError(f"a {type(store).__name__} has no backend: pass a store that open_store made")
    return store


@contextmanager
def plugged(store: DocumentStore[Any], backend: Backend) -> Iterator[None]:
    """Let the store use another backend in a ``with`` block."""
    environment = store._environment
    before = environment.backend
    environment.backend = backend
    try:
        yield
    finally:
        environment.backend = before


def _refuse(cls: type[ObservedBackend]) -> NoReturn:
    raise ConfigurationError(f"a {cls.__name__} has no URL: it stands in front of the backend of an open store")
