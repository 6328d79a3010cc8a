"""The port that a cache of reads implements, and what the layer of documents tells it.

A cache stands between a reader and its backend, at the level of documents. It is told what every unit of work wrote,
after the commit and before the commit returns, so that no later read through it is older.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Protocol

from attrs import field, frozen
from dogpile.cache import CacheRegion

from ...domain.queries.query import Query
from ...domain.queries.rollups import Rollup
from ...domain.repository.caching import CacheOptions
from ...domain.rules.predicates import Path, Predicate
from ..backend import Document
from .stats import Recorder


class DocumentReads(Protocol):
    """The reads of one collection, as documents."""

    def one(self, id: Any) -> Document | None:
        """Return the document with a stored id."""

    def many(self, ids: Sequence[Any]) -> list[Document]:
        """Return the documents with these stored ids, in any order, without those that are not there."""

    def find(self, query: Query) -> list[Document]:
        """Return the documents that a query meets."""

    def count(self, predicate: Predicate, limit: int | None) -> int:
        """Count the documents that match, up to the limit."""

    def distinct(self, path: Path, predicate: Predicate) -> list[Any]:
        """Return the values at a path of the documents that match."""

    def rollup(self, rollup: Rollup) -> list[Document]:
        """Group the documents that match, and work out figures."""


Written = Mapping[str, Collection[Any] | None]
"""What was written: stored ids by collection, None where it is not known which."""


@frozen
class CachedCollection:
    """A collection whose reads are cached.

    Attributes:
        name: as the backend knows it.
        schema: a fingerprint of the form of its documents.
    """

    name: str
    schema: str = field(default="")


class Cache(ABC):
    """A cache of one store. Safe to share between threads.

    Attributes:
        recorder: counts what is asked, and what became of it.
    """

    recorder: Recorder

    @property
    @abstractmethod
    def strict(self) -> bool:
        """Whether each commit must leave a record of what it makes out of date, for a relay to `repeat`."""

    @property
    @abstractmethod
    def follows_changes(self) -> bool:
        """Whether it needs the change stream of its store, to see what other programs write."""

    @abstractmethod
    def through(
        self, reads: DocumentReads, collection: CachedCollection, options: CacheOptions, reason_against: str = ""
    ) -> DocumentReads:
        """Return the same reads through the cache; with a reason against it past it, each of them counted."""

    @abstractmethod
    def bypass(self, collection: str, method: str, reason: str) -> None:
        """Count a read that asked to be cached and cannot be."""

    @abstractmethod
    def reason_against(self, collection: str) -> str:
        """Say why a read of this collection is not cached now; empty if it is."""

    @abstractmethod
    def tokens_of(self, names: Sequence[str]) -> list[str]:
        """Return the tokens of these names, which every commit that concerns them replaces.

        Raises:
            CacheDown: if the cache does not answer.
        """

    @abstractmethod
    def look(self, names: Sequence[str], key: Callable[[Sequence[str]], str]) -> tuple[str, Any]:
        """Return the key that a result has with the tokens of these names, and what is kept there.

        That is `NO_VALUE` if nothing is, or if only a look into the region can tell. The tokens are read before the
        entry, or at one moment with it: an entry under tokens of the past is not seen.

        Args:
            names: of the tokens that guard the result.
            key: makes the key of the result from their tokens.

        Raises:
            CacheDown: if the cache does not answer.
        """

    @abstractmethod
    def region(self, ttl: float) -> CacheRegion:
        """Return the region whose entries live for so many seconds."""

    @abstractmethod
    def invalidate(self, written: Written) -> None:
        """Make sure that no later read through the cache is older than what was written; never raises."""

    @abstractmethod
    def repeat(self, collections: Collection[str]) -> None:
        """Invalidate collections once more, for a relay that makes good what a crash may have left out.

        Raises:
            Unavailable: if the cache does not answer; try again later.
        """

    @abstractmethod
    def suspect(self, written: Written) -> None:
        """The same where nobody knows yet whether it was written: it may still be, a while later."""

    @abstractmethod
    def close(self) -> None:
        """Let go of connections and threads."""
