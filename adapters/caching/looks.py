"""What all reads of one collection have in common when they look into the cache: keys, counters, what goes wrong."""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import lru_cache
from typing import Any, Protocol, TypeVar

from attrs import frozen
from bson.errors import BSONError
from dogpile.cache import CacheRegion
from dogpile.cache.api import NO_VALUE, CantDeserializeException

from ...domain.caching import CacheOptions
from .bounded import BoundedMemory
from .breaker import CacheDown
from .keys import Scope
from .payloads import pack
from .stats import Counted, Outcome, Recorder
from .tokens import Tokens

T = TypeVar("T")

NOT_ENCODABLE = (BSONError, OverflowError, ValueError, TypeError, RecursionError)
"""What is raised for a question that has no key."""

TOO_LARGE_TO_KEEP = "too large"
"""The reason for which a result is loaded by each of its readers."""


_counted = lru_cache(maxsize=1_024)(Counted)
"""The same few are counted again and again."""


class Environs(Protocol):
    """What a cached read needs of the cache that it belongs to."""

    tokens: Tokens
    recorder: Recorder

    @property
    def near(self) -> BoundedMemory | None:
        """The memory of a cache that is in this process."""

    @property
    def sees_all_at_once(self) -> bool:
        """Whether one look can hold tokens and an entry, and the entry's end is the cache's own business."""

    def region(self, ttl: float) -> CacheRegion:
        """Return the region whose entries live for so many seconds."""

    def reason_against(self, collection: str) -> str:
        """Say why a read of this collection is not cached now; empty if it is."""


class Load:
    """One load, so that what goes wrong with the cache around it is told from what goes wrong with the load.

    Attributes:
        asked, value: with what it was called, and the answer, once it is done.
        kept: what is kept of it.
        error: what it raised.
        seconds: how long it took.
    """

    def __init__(self, load: Callable[..., Any], dump: Callable[[Any], Any]) -> None:
        self._load = load
        self._dump = dump
        self.done = False
        self.asked: tuple[Any, ...] = ()
        self.value: Any = None
        self.kept: Any = None
        self.error: BaseException | None = None
        self.seconds = 0.0

    def __call__(self, *arguments: Any) -> Any:
        """Load, and return what is kept."""
        started = time.perf_counter()
        try:
            self.value = self._load(*arguments)
        except BaseException as error:
            self.error = error
            raise
        self.seconds = time.perf_counter() - started
        self.asked, self.done = arguments, True
        self.kept = self._dump(self.value)
        return self.kept


@frozen
class Looks:
    """Looks into the cache on behalf of one collection.

    Attributes:
        scope: what all its keys have in common.
        collection: its name.
        options: how its reads want to be cached.
        cache: the cache.
        never: why these reads never are; empty if they may be.
    """

    scope: Scope
    collection: str
    options: CacheOptions
    cache: Environs
    never: str = ""

    @property
    def region(self) -> CacheRegion:
        """Where the results are kept."""
        return self.cache.region(self.options.ttl)

    @property
    def reason_against(self) -> str:
        """Why nothing is cached now; empty if it is."""
        return self.never or self.cache.reason_against(self.collection)

    def tokens(self, *guards: str) -> list[str]:
        """Return the tokens of these names behind that of the whole collection.

        Raises:
            CacheDown: if the cache does not answer.
        """
        return self.cache.tokens.read([self.scope.everything, *guards])

    def at(self, kind: str, guard: str, name: str) -> tuple[str, Any]:
        """Return the key of a result, and what is kept there; NO_VALUE if nothing is, or only a further look can tell.

        The tokens are read before the entry, or at one moment with it: an entry under tokens of the past is not seen.

        Raises:
            CacheDown: if the cache does not answer.
        """
        cache, names = self.cache, [self.scope.everything, guard]
        guessed = cache.tokens.guess(names) if cache.sees_all_at_once else None
        if guessed is None:
            key = self.key(kind, cache.tokens.read(names), name)
            # five times cheaper than a look through the region and its locks, which only a miss needs
            return key, NO_VALUE if cache.near is None else cache.near.payload(key)
        there = self.key(kind, guessed, name)
        tokens, kept = cache.tokens.read_beside(names, there)
        key = self.key(kind, tokens, name)
        return key, kept if key == there else NO_VALUE

    def key(self, kind: str, tokens: Sequence[str], name: str) -> str:
        """Return the key of a result."""
        # who wants results of five seconds must not meet those that others keep for five minutes
        return self.scope.key(f"{kind}{self.options.ttl:g}", tokens, name, self.options.key)

    def packed(self, value: Any) -> bytes:
        """Return what is kept of a result."""
        return pack(value, compress=self.options.compress)

    def count(self, method: str, outcome: Outcome, seconds: float = 0.0, number: int = 1, reason: str = "") -> None:
        """Count."""
        if number:
            self.cache.recorder.count(_counted(self.collection, method, outcome, reason), seconds, number)

    def bypassing(self, method: str, reason: str, load: Callable[[], T]) -> T:
        """Load past the cache, and count why."""
        self.count(method, "bypass", reason=reason)
        return load()

    def broken(self, method: str, keys: Sequence[str], error: Exception) -> None:
        """What is kept cannot be read, or nothing can be kept: an entry that stays would cost every reader."""
        self.count(method, "error")
        if isinstance(error, CacheDown):
            return
        with suppress(CacheDown):  # which is counted already
            self.region.delete_multi(keys)


def checked(value: Any, kind: type[T]) -> T:
    """Return what was kept, if it is what the method returns.

    Raises:
        CantDeserializeException: if it is something else, which somebody has planted.
    """
    if not isinstance(value, kind):
        raise CantDeserializeException
    return value


__all__ = ["NOT_ENCODABLE", "TOO_LARGE_TO_KEEP", "Environs", "Load", "Looks", "checked"]
