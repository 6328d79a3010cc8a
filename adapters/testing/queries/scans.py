"""A test that fails where a query looks at every document of a collection.

>>> from tristore import open_stores
>>> stores = open_stores(core="memory://")
>>> with no_scans(stores.core), stores.core.reader() as core:
...     found = core.users.by_email("ada@example.org")
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from ....domain.queries.query import Query
from ....domain.queries.rollups import Rollup
from ....domain.rules.predicates import All, Path, Predicate
from ....domain.unit_of_work.store import Store
from ...backend import Backend, Cursor, Document, Modify, ModifyResult, Transaction
from ...operations.observed_backend import document_store, plugged
from ...operations.upkeep.scans import Explaining
from .query_counts import place_of_caller


@contextmanager
def no_scans(*stores: Store[Any], allow: Sequence[str] = ()) -> Iterator[None]:
    """Fail at the end of a ``with`` block if a query in it looked at every document.

    Each find, count, distinct, rollup, `update_where` and `remove_where` is explained before it is carried out. In
    memory a query counts as served where a declared index could serve it, however few documents there are.

    Args:
        stores: those that `open_store` or `open_stores` made; prepared.
        allow: collections that may be scanned.

    Raises:
        AssertionError: with each query, its line, its plan and the index that it wants.
        ConfigurationError: if a backend explains nothing.
    """
    __tracebackhide__ = True
    with ExitStack() as stack:
        watchers = []
        for store in stores:
            target = document_store(store)
            guards = {one.collection: one.mapping.chain.readable() for one in target.environment.by_collection.values()}
            watchers.append(_Watcher(target.name, target.backend, guards))
            stack.enter_context(plugged(target, watchers[-1]))
        yield
    found = dict.fromkeys(str(one) for watcher in watchers for one in watcher.take() if one.collection not in allow)
    if found:
        raise AssertionError("no index serves:\n" + "\n".join(f"  {one}" for one in found))


class _Watcher(Explaining):
    """Explains, and carries out."""

    def __init__(self, store: str, inner: Backend, guards: Mapping[str, Predicate]) -> None:
        super().__init__(store, inner, place_of_caller)
        self._guards = guards

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
        self.note(collection, Query(self._asked(collection, predicate)))
        return self.inner.update_where(collection, predicate, change, transaction=transaction, timeout=timeout)

    def remove_where(
        self, collection: str, predicate: Predicate, *, transaction: Transaction | None, timeout: float
    ) -> int:
        """Remove every document that matches."""
        self.note(collection, Query(self._asked(collection, predicate)))
        return self.inner.remove_where(collection, predicate, transaction=transaction, timeout=timeout)

    def _asked(self, collection: str, predicate: Predicate) -> Predicate:
        """The rule of a write, without what keeps every write from documents of newer code."""
        match predicate:
            case All((rule, guard)) if guard == self._guards.get(collection):
                return rule
        return predicate

    def find(self, collection: str, query: Query, *, transaction: Transaction | None, timeout: float) -> Cursor:
        """Return the documents that a query meets."""
        self.note(collection, query)
        return self.inner.find(collection, query, transaction=transaction, timeout=timeout)

    def count(
        self,
        collection: str,
        predicate: Predicate,
        *,
        limit: int | None,
        transaction: Transaction | None,
        timeout: float,
    ) -> int:
        """Count the documents that match."""
        self.note(collection, Query(predicate))
        return self.inner.count(collection, predicate, limit=limit, transaction=transaction, timeout=timeout)

    def distinct(
        self, collection: str, path: Path, predicate: Predicate, *, transaction: Transaction | None, timeout: float
    ) -> list[Any]:
        """Return the different values at a path."""
        self.note(collection, Query(predicate))
        return self.inner.distinct(collection, path, predicate, transaction=transaction, timeout=timeout)

    def rollup(
        self, collection: str, rollup: Rollup, *, transaction: Transaction | None, timeout: float
    ) -> list[Document]:
        """Group, and work out figures."""
        self.note(collection, Query(rollup.predicate))
        return self.inner.rollup(collection, rollup, transaction=transaction, timeout=timeout)
