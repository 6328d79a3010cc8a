"""Reads through a cache: tokens first, then the entry under a key that holds them, then the load."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import lru_cache, partial
from typing import Any, TypeVar

from dogpile.cache import CacheRegion
from dogpile.cache.api import NO_VALUE, CantDeserializeException

from ....domain.queries.query import Query
from ....domain.queries.rollups import Rollup
from ....domain.rules.predicates import Path, Predicate
from ...backend import Document
from ..payloads import TOO_LARGE, pack, unpack
from ..port import Cache, DocumentReads
from ..regions.breaker import CacheDown
from ..stats import Counted, Outcome
from .keys import KeyMaker, digest, name_of
from .lookups import NOT_ENCODABLE, TOO_LARGE_TO_KEEP, Load, checked

T = TypeVar("T")

_ID = "_id"
_GET, _GET_MANY = "get", "get_many"

_counted = lru_cache(maxsize=1_024)(Counted)
"""The same few are counted again and again."""


class CachedReads:
    """The reads of one collection through a cache.

    A read looks for the tokens, and for the entry under a key that holds them; in Redis, at once. Whatever goes wrong
    there, the store answers, and is asked once.

    Args:
        direct: asks the backend.
        cache: keeps what it answers.
        keys: under which.
        never: why these reads never are cached; empty if they may be.
    """

    def __init__(self, direct: DocumentReads, cache: Cache, keys: KeyMaker, never: str = "") -> None:
        self._direct = direct
        self._cache = cache
        self._keys = keys
        self._collection = keys.scope.collection
        self._never = never

    def one(self, id: Any) -> Document | None:
        """Return the document with a stored id."""

        def load() -> list[Document]:
            found = self._direct.one(id)
            return [] if found is None else [found]

        found: list[Document] = self._cached(_GET, load, id, is_entity=True)
        return found[0] if found else None

    def many(self, ids: Sequence[Any]) -> list[Document]:
        """Return the documents with these stored ids.

        Each has the entry that a read of it alone has, and is loaded once at most; those that are not kept are loaded
        together.
        """

        def load() -> list[Document]:
            return self._direct.many(ids)

        if reason := self._reason_against:
            return self._bypassing(_GET_MANY, reason, load)
        try:
            id_of = self._keyed(ids)
        except NOT_ENCODABLE:
            return self._bypassing(_GET_MANY, "not encodable", load)
        except CacheDown:
            self._count(_GET_MANY, "error")
            return load()
        loading = Load(partial(self._load_by_key, id_of), lambda values: [self._packed(value) for value in values])
        payloads = self._payloads([*id_of], loading)
        found = self._loaded(loading) if loading.done else {}
        found |= self._unpacked((key, payload) for key, payload in payloads.items() if key not in found)
        left = [id for key, id in id_of.items() if key not in found]
        documents = [document for kept in found.values() for document in kept]
        return documents + self._direct.many(left) if left else documents

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

    @property
    def _reason_against(self) -> str:
        """Why nothing is cached now; empty if it is."""
        return self._never or self._cache.reason_against(self._collection)

    # One answer

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
        if reason := self._reason_against:
            return self._bypassing(method, reason, load)
        try:
            key, kept = self._entity(asked[0]) if is_entity else self._query(method, *asked)
        except NOT_ENCODABLE:
            return self._bypassing(method, "not encodable", load)
        except CacheDown:
            self._count(method, "error")
            return load()
        loading = Load(load, self._packed)
        try:
            payload = self._region.get_or_create(key, loading) if kept is NO_VALUE else kept
            if loading.done:
                self._count_load(method, loading)
                return loading.value
            if payload == TOO_LARGE:
                return self._bypassing(method, TOO_LARGE_TO_KEEP, load)
            value = checked(unpack(payload), answers_with)
        except Exception as error:
            if error is loading.error:
                self._count(method, "load error", time.perf_counter() - started)
                raise
            self._broken(method, [key], error)
            return loading.value if loading.done else load()
        self._count(method, "hit", time.perf_counter() - started)
        return value

    def _entity(self, id: Any) -> tuple[str, Any]:
        name, scope = name_of(id), self._keys.scope
        return self._cache.look([scope.everything, scope.entity(name)], partial(self._keys.entity, name))

    def _query(self, *asked: Any) -> tuple[str, Any]:
        name, scope = digest(*asked), self._keys.scope
        return self._cache.look([scope.everything, scope.queries], partial(self._keys.query, name))

    def _count_load(self, method: str, loading: Load) -> None:
        self._count(method, "load", loading.seconds)
        if loading.kept == TOO_LARGE:
            self._count(method, "bypass", loading.seconds, reason=TOO_LARGE_TO_KEEP)
        else:
            self._count(method, "miss", loading.seconds)

    # Several documents by their ids

    def _keyed(self, ids: Sequence[Any]) -> dict[str, Any]:
        """The ids by the keys under which their documents are kept."""
        scope, names = self._keys.scope, {name_of(id): id for id in ids}
        everything, *tokens = self._cache.tokens_of([scope.everything, *map(scope.entity, names)])
        keyed = zip(names.items(), tokens, strict=True)
        return {self._keys.entity(name, (everything, token)): id for (name, id), token in keyed}

    def _load_by_key(self, id_of: Mapping[str, Any], *keys: str) -> list[list[Document]]:
        found = self._direct.many([id_of[key] for key in keys])
        by_name = {name_of(document[_ID]): document for document in found}
        named = [name_of(id_of[key]) for key in keys]
        return [[by_name[name]] if name in by_name else [] for name in named]

    def _payloads(self, keys: Sequence[str], loading: Load) -> dict[str, bytes]:
        """Return what is kept, after the load of what was not; what cannot be had is not there."""
        region = self._region

        def create(*missing: str) -> list[bytes]:
            # whoever held the locks meanwhile may have loaded some, and dogpile does not look again
            kept = dict(zip(missing, region.get_multi(missing), strict=True))  # type: ignore[no-untyped-call]
            if wanted := [key for key, payload in kept.items() if payload is NO_VALUE]:
                kept.update(zip(wanted, loading(*wanted), strict=True))
            return [kept[key] for key in missing]

        try:
            return dict(zip(keys, region.get_or_create_multi(keys, create), strict=True))
        except Exception as error:
            if error is loading.error:
                self._count(_GET_MANY, "load error")
                raise
            self._broken(_GET_MANY, keys, error)
            return {}

    def _loaded(self, loading: Load) -> dict[str, list[Document]]:
        """Return what was loaded by its keys, and count it."""
        large = [*(loading.kept or ())].count(TOO_LARGE)
        self._count(_GET_MANY, "load", loading.seconds)
        self._count(_GET_MANY, "miss", number=len(loading.asked) - large)
        self._count(_GET_MANY, "bypass", number=large, reason=TOO_LARGE_TO_KEEP)
        return dict(zip(loading.asked, loading.value, strict=True))

    def _unpacked(self, payloads: Iterable[tuple[str, bytes]]) -> dict[str, list[Document]]:
        """Return what was kept, and count it; what cannot be read is dropped, what was too large was never kept."""
        found: dict[str, list[Document]] = {}
        large, broken = 0, []
        for key, payload in payloads:
            if payload == TOO_LARGE:
                large += 1
                continue
            try:
                found[key] = checked(unpack(payload), list)
            except CantDeserializeException:
                broken.append(key)
        self._count(_GET_MANY, "hit", number=len(found))
        self._count(_GET_MANY, "bypass", number=large, reason=TOO_LARGE_TO_KEEP)
        if broken:
            self._broken(_GET_MANY, broken, CantDeserializeException())
        return found

    # What both have in common

    @property
    def _region(self) -> CacheRegion:
        """Where the results are kept."""
        return self._cache.region(self._keys.options.ttl)

    def _packed(self, value: Any) -> bytes:
        """What is kept of a result."""
        return pack(value, compress=self._keys.options.compress)

    def _count(self, method: str, outcome: Outcome, seconds: float = 0.0, number: int = 1, reason: str = "") -> None:
        if number:
            counted = _counted(self._collection, method, outcome, reason)
            self._cache.recorder.count(counted, seconds, number)

    def _bypassing(self, method: str, reason: str, load: Callable[[], T]) -> T:
        """Load past the cache, and count why."""
        self._count(method, "bypass", reason=reason)
        return load()

    def _broken(self, method: str, keys: Sequence[str], error: Exception) -> None:
        """What is kept cannot be read, or nothing can be kept: an entry that stays would cost every reader."""
        self._count(method, "error")
        if isinstance(error, CacheDown):
            return
        with suppress(CacheDown):  # which is counted already
            self._region.delete_multi(keys)
