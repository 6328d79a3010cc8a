"""The reads of one collection as a reader's session carries them out: asked of the backend."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

from attrs import frozen

from ....domain.entities.bounds import Comparator
from ....domain.queries.query import Query
from ....domain.queries.rollups import Rollup
from ....domain.rules.predicates import Compare, OneOf, Path, Predicate
from ...backend import Backend, Document
from ..values.keys import ID_KEY

T = TypeVar("T")


class Carrier(Protocol):
    """Carries out one operation of the backend, within its bounds."""

    def io(self, operation: Callable[..., T], *arguments: Any, **options: Any) -> T:
        """Carry it out."""


@frozen
class DirectReads:
    """`DocumentReads` without a cache."""

    _session: Carrier
    _backend: Backend
    _collection: str

    def one(self, id: Any) -> Document | None:
        """Return the document with a stored id."""
        found = self.find(Query(Compare((ID_KEY,), Comparator.EQ, id), limit=1))
        return found[0] if found else None

    def many(self, ids: Sequence[Any]) -> list[Document]:
        """Return the documents with these stored ids."""
        return self.find(Query(OneOf((ID_KEY,), tuple(ids)), limit=len(ids)))

    def find(self, query: Query) -> list[Document]:
        """Return the documents that a query meets."""
        return self._session.io(self._backend.find, self._collection, query).to_list()

    def count(self, predicate: Predicate, limit: int | None) -> int:
        """Count the documents that match, up to the limit."""
        return self._session.io(self._backend.count, self._collection, predicate, limit=limit)

    def distinct(self, path: Path, predicate: Predicate) -> list[Any]:
        """Return the values at a path of the documents that match."""
        return self._session.io(self._backend.distinct, self._collection, path, predicate)

    def rollup(self, rollup: Rollup) -> list[Document]:
        """Group the documents that match, and work out figures."""
        return self._session.io(self._backend.rollup, self._collection, rollup)
