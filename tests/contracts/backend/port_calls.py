"""Short ways to write and read through the port of backends, for contracts at the level of documents."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from tristore.adapters.backend import (
    EVERYTHING,
    Backend,
    Delete,
    Document,
    Query,
    SortKey,
    Transaction,
    Update,
    WritePlan,
)

TIMEOUT = 5.0


def write(
    backend: Backend,
    *inserts: Document,
    deletes: Sequence[Delete] = (),
    updates: Sequence[Update] = (),
    into: str,
    transaction: Transaction | None = None,
) -> None:
    """Write one plan."""
    backend.write(WritePlan(into, "version", deletes, updates, inserts), transaction=transaction, timeout=TIMEOUT)


def change(id_: int, **values: Any) -> Update:
    """An update of a document that nobody has changed yet."""
    return Update(id_, 1, {**values, "version": 2})


def read(backend: Backend, *, of: str, transaction: Transaction | None = None) -> list[Document]:
    """All documents of a collection, by id."""
    query = Query(EVERYTHING, (SortKey(("_id",)),))
    return backend.find(of, query, transaction=transaction, timeout=TIMEOUT).to_list()


def ids(documents: Sequence[Document]) -> list[Any]:
    """The ids of documents."""
    return [document["_id"] for document in documents]


@contextmanager
def open_transaction(backend: Backend) -> Iterator[Transaction]:
    """A transaction that is aborted at the end of the block, unless it has ended before."""
    transaction = backend.begin(read_only=False)
    try:
        yield transaction
    finally:
        backend.abort(transaction)


__all__ = ["TIMEOUT", "change", "ids", "open_transaction", "read", "write"]
