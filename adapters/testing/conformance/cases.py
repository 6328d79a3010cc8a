"""What the backend contracts share: declarations, short ways to write and read."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from ....domain.queries.query import Query, SortKey
from ....domain.rules.predicates import EVERYTHING, Predicate
from ...backend import (
    Backend,
    CollectionDeclaration,
    Delete,
    Document,
    IndexDeclaration,
    Transaction,
    Update,
    WritePlan,
    WriteResult,
)

THINGS = CollectionDeclaration("things")
PEOPLE = CollectionDeclaration(
    "people",
    (
        IndexDeclaration((("email", 1),), unique=True),
        IndexDeclaration((("nick", 1),), unique=True, sparse=True),
        IndexDeclaration((("team", 1), ("seat", 1)), unique=True, sparse=True),
        IndexDeclaration((("age", -1),)),
    ),
)
COLLECTIONS = (THINGS, PEOPLE)
TIMEOUT = 5.0


def write(
    backend: Backend,
    *inserts: Document,
    deletes: Sequence[Delete] = (),
    updates: Sequence[Any] = (),
    into: str = "things",
    transaction: Transaction | None = None,
    timeout: float = TIMEOUT,
) -> WriteResult:
    """Write one plan."""
    plan = WritePlan(into, "version", deletes, updates, inserts)
    return backend.write(plan, transaction=transaction, timeout=timeout)


def change(id_: Any, version: int | None = 1, **values: Any) -> Update:
    """An update that takes the version one step on."""
    return Update(id_, version, {**values, "version": (version or 0) + 1})


def read(
    backend: Backend,
    predicate: Predicate = EVERYTHING,
    *sort: SortKey,
    skip: int = 0,
    limit: int | None = None,
    of: str = "things",
    transaction: Transaction | None = None,
) -> list[Document]:
    """Read all documents that a query meets; by id where no order is given."""
    order = sort or (SortKey(("_id",)),)
    query = Query(predicate, order, skip, limit)
    return backend.find(of, query, transaction=transaction, timeout=TIMEOUT).to_list()


def ids(documents: Sequence[Document]) -> list[Any]:
    """The ids of documents."""
    return [document["_id"] for document in documents]


def commit(backend: Backend, transaction: Transaction) -> None:
    """Commit."""
    backend.commit(transaction, timeout=TIMEOUT)


@contextmanager
def open_transaction(backend: Backend, *, read_only: bool = False) -> Iterator[Transaction]:
    """A transaction that is aborted at the end of the block, unless it has ended before."""
    transaction = backend.begin(read_only=read_only)
    try:
        yield transaction
    finally:
        backend.abort(transaction)
