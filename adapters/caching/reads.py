"""Reads through a cache: tokens first, then the entry under a key that holds them, then the load."""

import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from bson.errors import BSONError
from dogpile.cache import CacheRegion
from dogpile.cache.api import NO_VALUE

from ...domain.caching import CacheOptions
from ...domain.predicates import Path, Predicate
from ...domain.queries import Query
from ...domain.rollups import Rollup
from ..backend import Document
from ..cache import DocumentReads
from .breaker import CacheDown
from .keys import Scope, digest, name_of
from .payloads import TOO_LARGE, pack, unpack
from .stats import Counted, Outcome, Recorder
from .tokens import Tokens

_ID = "_id"
_NOT_ENCODABLE = (BSONError, OverflowError, ValueError, TypeError)


class Environs(Protocol):
    """What a cached read needs of the cache that it belongs to."""

    tokens: Tokens
    recorder: Recorder

    @property
    def is_near(self) -> bool:
        """Whether a look costs no round trip."""

    def region(self, ttl: float) -> CacheRegion:
        """Return the region whose entries live for so many seconds."""

    def reason_against(self, collection: str) -> str:
        """Say why a read of this collection is not cached now; empty if it is."""


class _Load:
    """One load, so that what goes wrong with the cache around it is told from what goes wrong with the load."""

    def __init__(self, load: Callable[..., Any], dump: Callable[[Any], Any]) -> None:
        self._load = load
        self._dump = dump
        self.done = False
        self.value: Any = None
        self.error: BaseException | None = None

    def __call__(self, *arguments: Any) -> Any:
        """Load, and return what is kept."""
        try:
            self.value = self._load(*arguments)
        except BaseException as error:
            self.error = error
            raise
        self.done = True
        return self._dump(self.value)


class CachedReads:
    """The reads of one collection through a cache.

    A read costs two looks into the cache, one for the tokens and one for the entry. Whatever goes wrong there, the
    store answers, and is asked once.
    """

    def __init__(
        self, direct: DocumentReads, scope: Scope, collection: str, options: CacheOptions, cache: Environs
    ) -> None:
        self._direct = direct
        self._scope = scope
        self._collection = collection
        self._options = options
        self._cache = cache

    def one(self, id: Any) -> Document | None:
        """Return the document with a stored id."""

        def load() -> list[Document]:
            found = self._direct.one(id)
            return [] if found is None else [found]

        found = self._cached("get", load, id, is_entity=True)
        return found[0] if found else None

    def find(self, query: Query) -> list[Document]:
        """Return the documents that a query meets."""
        found: list[Document] = self._cached("find", lambda: self._direct.find(query), query)
        return found

    def count(self, predicate: Predicate, limit: int | None) -> int:
        """Count the documents that match, up to the limit."""
        found: int = self._cached("count", lambda: self._direct.count(predicate, limit), predicate, limit)
        return found

    def distinct(self, path: Path, predicate: Predicate) -> list[Any]:
        """Return the values at a path of the documents that match."""
        found: list[Any] = self._cached("distinct", lambda: self._direct.distinct(path, predicate), path, predicate)
        return found

    def rollup(self, rollup: Rollup) -> list[Document]:
        """Group the documents that match, and work out figures."""
        found: list[Document] = self._cached("rollup", lambda: self._direct.rollup(rollup), rollup)
        return found

    def many(self, ids: Sequence[Any]) -> list[Document]:
        """Return the documents with these stored ids; those that are not kept are loaded together."""
        if reason := self._cache.reason_against(self._collection):
            return self._many_past_the_cache(reason, ids)
        try:
            names = {name_of(id): id for id in ids}
            tokens = self._cache.tokens.read([self._scope.everything, *map(self._scope.entity, names)])
        except _NOT_ENCODABLE:
            return self._many_past_the_cache("not encodable", ids)
        except CacheDown:
            self._count("get_many", "error")
            return self._direct.many(ids)
        keys = {self._key("e", (tokens[0], token), name): name for name, token in zip(names, tokens[1:], strict=True)}

        def load(*wanted: str) -> list[list[Document]]:
            asked = [keys[key] for key in wanted]
            found = self._direct.many([names[name] for name in asked])
            by_name = {name_of(document[_ID]): document for document in found}
            return [[by_name[name]] if name in by_name else [] for name in asked]

        loading = _Load(load, lambda values: [self._packed(value) for value in values])
        try:
            payloads = self._cache.region(self._options.ttl).get_or_create_multi(list(keys), loading)
            found = [unpack(payload) for payload in payloads]
        except Exception as error:
            if error is loading.error:
                self._count("get_many", "load error")
                raise
            self._broken("get_many", [*keys], error)
            return self._direct.many(ids)
        missed = len(loading.value) if loading.done else 0
        self._count("get_many", "miss", number=missed)
        self._count("get_many", "hit", number=len(keys) - missed)
        return [document for documents in found for document in documents]

    def _many_past_the_cache(self, reason: str, ids: Sequence[Any]) -> list[Document]:
        found: list[Document] = self._bypassing("get_many", reason, lambda: self._direct.many(ids))
        return found

    def _cached(self, method: str, load: Callable[[], Any], *asked: Any, is_entity: bool = False) -> Any:
        """Answer from the cache, or load and keep the answer."""
        started = time.perf_counter()
        if reason := self._cache.reason_against(self._collection):
            return self._bypassing(method, reason, load)
        try:
            name = name_of(asked[0]) if is_entity else digest(method, *asked)
            guards = self._scope.entity(name) if is_entity else self._scope.queries
            tokens = self._cache.tokens.read([self._scope.everything, guards])
        except _NOT_ENCODABLE:
            return self._bypassing(method, "not encodable", load)
        except CacheDown:
            self._count(method, "error")
            return load()
        key = self._key("e" if is_entity else "q", tokens, name)
        loading = _Load(load, self._packed)
        try:
            region = self._cache.region(self._options.ttl)
            # nearer and five times cheaper than a look through dogpile's locks, which only a miss needs
            payload = region.get(key) if self._cache.is_near else NO_VALUE
            if payload is NO_VALUE:
                payload = region.get_or_create(key, loading)
            if loading.done:
                self._count(method, "miss", started)
                return loading.value
            if payload == TOO_LARGE:
                return self._bypassing(method, "too large", load)
            value = unpack(payload)
        except Exception as error:
            if error is loading.error:
                self._count(method, "load error", started)
                raise
            self._broken(method, [key], error)
            return loading.value if loading.done else load()
        self._count(method, "hit", started)
        return value

    def _key(self, kind: str, tokens: Sequence[str], name: str) -> str:
        return self._scope.key(kind, tokens, name, self._options.key)

    def _packed(self, value: Any) -> bytes:
        return pack(value, compress=self._options.compress)

    def _bypassing(self, method: str, reason: str, load: Callable[[], Any]) -> Any:
        self._cache.recorder.count(Counted(self._collection, method, "bypass", reason))
        return load()

    def _broken(self, method: str, keys: Sequence[str], error: Exception) -> None:
        """What is kept cannot be read, or nothing can be kept: an entry that stays would cost every reader."""
        self._count(method, "error")
        if isinstance(error, CacheDown):
            return
        try:
            region = self._cache.region(self._options.ttl)
            for key in keys:
                region.delete(key)
        except CacheDown:
            pass  # counted already

    def _count(self, method: str, outcome: Outcome, started: float | None = None, number: int = 1) -> None:
        if number:
            seconds = 0.0 if started is None else time.perf_counter() - started
            self._cache.recorder.count(Counted(self._collection, method, outcome), seconds, number)


__all__ = ["CachedReads", "Environs"]
