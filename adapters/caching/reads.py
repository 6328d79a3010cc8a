"""Reads through a cache: tokens first, then the entry under a key that holds them, then the load."""

import time
from collections.abc import Callable, Sequence
from typing import Any

from dogpile.cache.api import NO_VALUE

from ...domain.predicates import Path, Predicate
from ...domain.queries import Query
from ...domain.rollups import Rollup
from ..backend import Document
from ..cache import DocumentReads
from .breaker import CacheDown
from .keys import digest, name_of
from .looks import NOT_ENCODABLE, TOO_LARGE_TO_KEEP, Load, Looks, checked
from .payloads import TOO_LARGE, unpack
from .several import Several


class CachedReads:
    """The reads of one collection through a cache.

    A read looks for the tokens, and for the entry under a key that holds them; in Redis, at once. Whatever goes wrong
    there, the store answers, and is asked once.
    """

    def __init__(self, direct: DocumentReads, looks: Looks) -> None:
        self._direct = direct
        self._looks = looks

    def one(self, id: Any) -> Document | None:
        """Return the document with a stored id."""

        def load() -> list[Document]:
            found = self._direct.one(id)
            return [] if found is None else [found]

        found: list[Document] = self._cached("get", load, id, is_entity=True)
        return found[0] if found else None

    def many(self, ids: Sequence[Any]) -> list[Document]:
        """Return the documents with these stored ids; those that are not kept are loaded together."""
        return Several(self._direct, self._looks, ids).read()

    def find(self, query: Query) -> list[Document]:
        """Return the documents that a query meets."""
        found: list[Document] = self._cached("find", lambda: self._direct.find(query), query)
        return found

    def count(self, predicate: Predicate, limit: int | None) -> int:
        """Count the documents that match, up to the limit."""
        found: int = self._cached(
            "count", lambda: self._direct.count(predicate, limit), predicate, limit, answers_with=int
        )
        return found

    def distinct(self, path: Path, predicate: Predicate) -> list[Any]:
        """Return the values at a path of the documents that match."""
        found: list[Any] = self._cached("distinct", lambda: self._direct.distinct(path, predicate), path, predicate)
        return found

    def rollup(self, rollup: Rollup) -> list[Document]:
        """Group the documents that match, and work out figures."""
        found: list[Document] = self._cached("rollup", lambda: self._direct.rollup(rollup), rollup)
        return found

    def _cached(
        self,
        method: str,
        load: Callable[[], Any],
        *asked: Any,
        is_entity: bool = False,
        answers_with: type[Any] = list,
    ) -> Any:
        """Answer from the cache, or load and keep the answer."""
        started = time.perf_counter()
        looks = self._looks
        if reason := looks.reason_against:
            return looks.bypassing(method, reason, load)
        try:
            name = name_of(asked[0]) if is_entity else digest(method, *asked)
            guard = looks.scope.entity(name) if is_entity else looks.scope.queries
            key, kept = looks.at("e" if is_entity else "q", guard, name)
        except NOT_ENCODABLE:
            return looks.bypassing(method, "not encodable", load)
        except CacheDown:
            looks.count(method, "error")
            return load()
        loading = Load(load, looks.packed)
        try:
            payload = looks.region.get_or_create(key, loading) if kept is NO_VALUE else kept
            if loading.done:
                self._count_load(method, loading)
                return loading.value
            if payload == TOO_LARGE:
                return looks.bypassing(method, TOO_LARGE_TO_KEEP, load)
            value = checked(unpack(payload), answers_with)
        except Exception as error:
            if error is loading.error:
                looks.count(method, "load error", time.perf_counter() - started)
                raise
            looks.broken(method, [key], error)
            return loading.value if loading.done else load()
        looks.count(method, "hit", time.perf_counter() - started)
        return value

    def _count_load(self, method: str, loading: Load) -> None:
        self._looks.count(method, "load", loading.seconds)
        if loading.kept == TOO_LARGE:
            self._looks.count(method, "bypass", loading.seconds, reason=TOO_LARGE_TO_KEEP)
        else:
            self._looks.count(method, "miss", loading.seconds)


__all__ = ["CachedReads"]
