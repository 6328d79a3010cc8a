"""dogpile.cache regions from a URL: one for the tokens, and one for each time to live."""

import threading
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

from dogpile.cache import CacheRegion, register_backend
from dogpile.cache.exception import PluginNotFound

from ....domain.errors import ConfigurationError
from ...backend.urls import without_password
from ..payloads import dump_token, load_token
from ..settings import CacheSettings
from .bounded import MAX_BYTES, MAX_ENTRIES, BoundedBackend, BoundedMemory
from .breaker import Breaker, Guarded, GuardedRegion
from .expiring import Expiring

BOUNDED = "tristore.bounded"
TOKEN_LIFETIME = 24 * 60 * 60
"""Seconds that a token is kept at least; one that goes costs misses and nothing else."""

GRACE = 5.0
"""Seconds by which a region believes an entry longer than its backend keeps it.

dogpile hands an expired entry to all but one caller; so the entry must be gone before its region thinks it has expired.
"""

NETWORK_TIMEOUT = 0.25
"""Seconds for a connection to a cache, and for an answer of it."""

_MOST_TOKENS = 200_000
_TOKEN_BYTES = 64 * 1024 * 1024
_REDIS = ("redis", "rediss", "unix")
_REDIS_BACKEND = "tristore.redis"
_NULL = "dogpile.cache.null"
_OURS = (
    (BOUNDED, BoundedBackend.__module__, BoundedBackend.__name__),
    (_REDIS_BACKEND, f"{__package__}.redis_backend", "RedisBackend"),  # imported where it is used: it needs its client
)
_KEEP_TIME = frozenset({BOUNDED, _REDIS_BACKEND, _NULL})
"""Backends that end an entry's life themselves."""

_OF_THIS_PROCESS = frozenset({BOUNDED, _NULL, "dogpile.cache.memory", "dogpile.cache.memory_pickle"})


class Regions:
    """The regions of one cache.

    Args:
        settings: where it is.
        breaker: counts its errors.
        lost: is told of a lock of the backend that could not be had or given back.

    Raises:
        ConfigurationError: if the URL names no backend, or one that cannot be made.
    """

    def __init__(
        self, settings: CacheSettings, breaker: Breaker | None = None, lost: Callable[[], None] = lambda: None
    ) -> None:
        for name, module, backend in _OURS:
            register_backend(name, module, backend)  # type: ignore[no-untyped-call]
        self.breaker = breaker or Breaker(place=without_password(settings.url))
        self._lost = lost
        self._url = settings.url
        self._backend, self._arguments = _backend_of(settings)
        self.near = self._bounded_memory() if self._backend == BOUNDED else None
        # tokens have a memory of their own, so that data cannot push them out
        self.near_tokens = BoundedMemory(_MOST_TOKENS, _TOKEN_BYTES) if self._backend == BOUNDED else None
        self._regions: dict[float, CacheRegion] = {}
        self._lock = threading.Lock()
        self.tokens = self._region(TOKEN_LIFETIME, tokens=True)

    @property
    def is_off(self) -> bool:
        """Whether nothing is ever kept."""
        return self._backend == _NULL

    @property
    def is_shared(self) -> bool:
        """Whether other processes use the same cache."""
        return self._backend not in _OF_THIS_PROCESS

    @property
    def may_lag(self) -> bool:
        """Whether what was written is perhaps not read at once: behind Sentinel, reads go to replicas."""
        return self._backend.endswith("_sentinel")

    @property
    def is_redis(self) -> bool:
        """Whether it is a Redis, which answers for several keys at one moment, and lets each end in its time."""
        return self._backend == _REDIS_BACKEND

    @property
    def location(self) -> str:
        """The URL, without a password."""
        return without_password(self._url)

    def for_ttl(self, ttl: float) -> CacheRegion:
        """Return the region whose entries live for so many seconds."""
        found = self._regions.get(ttl)
        if found is None:
            with self._lock:
                found = self._regions.get(ttl) or self._region(ttl)
                self._regions[ttl] = found
        return found

    def close(self) -> None:
        """Give connections back, where the backend has some; a later use makes others."""
        with self._lock:
            regions = [self.tokens, *self._regions.values()]
        for region in regions:
            close = getattr(region.actual_backend, "close", None)
            if close is not None:
                close()

    def _region(self, lifetime: float, *, tokens: bool = False) -> CacheRegion:
        # What lives in this process keeps immutable objects as they are; what travels is bytes, and never pickled.
        if self._backend == BOUNDED:
            region = GuardedRegion(self.breaker)
        elif tokens:
            region = GuardedRegion(self.breaker, serializer=dump_token, deserializer=load_token)
        else:
            region = GuardedRegion(self.breaker, serializer=bytes, deserializer=bytes)
        try:
            return region.configure(
                self._backend,
                expiration_time=lifetime + GRACE,
                arguments=self._for_lifetime(lifetime, tokens=tokens),
                wrap=[
                    Guarded(self.breaker, self._lost),
                    *([] if self._backend in _KEEP_TIME else [Expiring(lifetime)]),
                ],
            )
        except PluginNotFound as error:
            raise ConfigurationError(
                f"{self.location} names no cache: use memory://, redis://, null://, or the name of a dogpile.cache "
                "backend as scheme"
            ) from error
        except Exception as error:
            raise ConfigurationError(f"the cache at {self.location} cannot be made ({type(error).__name__})") from error

    def _for_lifetime(self, lifetime: float, *, tokens: bool) -> dict[str, Any]:
        if self._backend == BOUNDED:
            return {"memory": self.near_tokens if tokens else self.near, "lifetime": lifetime}
        if self._backend == _REDIS_BACKEND:
            return {**self._arguments, "redis_expiration_time": lifetime}
        return dict(self._arguments)

    def _bounded_memory(self) -> BoundedMemory:
        try:
            entries = int(self._arguments.pop("max_entries", MAX_ENTRIES))
            size = int(self._arguments.pop("max_bytes", MAX_BYTES))
        except ValueError as error:
            raise ConfigurationError(f"{self.location}: max_entries and max_bytes are whole numbers") from error
        if self._arguments:
            raise ConfigurationError(
                f"{self.location} takes max_entries and max_bytes, not {', '.join(self._arguments)}"
            )
        if entries < 1 or size < 1:
            raise ConfigurationError(f"{self.location}: max_entries and max_bytes are at least 1")
        return BoundedMemory(entries, size)


def _backend_of(settings: CacheSettings) -> tuple[str, dict[str, Any]]:
    """The name of the dogpile backend that a URL means, and its arguments."""
    scheme, separator, rest = settings.url.partition("://")
    if not scheme or not separator:
        raise ConfigurationError("the URL of a cache is memory://, redis://host:6379/0 or null://")
    place, _, query = rest.partition("?")
    given = {**dict(parse_qsl(query)), **settings.arguments}
    if scheme == "memory" and not place:
        return BOUNDED, given
    if scheme == "null":
        return _NULL, given
    if scheme in _REDIS:
        return _REDIS_BACKEND, {**_redis_arguments(), "url": settings.url, **settings.arguments}
    return scheme, given


def _redis_arguments() -> dict[str, Any]:
    try:
        from redis.backoff import NoBackoff
        from redis.retry import Retry
    except ImportError as error:
        raise ConfigurationError("a cache in Redis needs its client: pip install 'tristore[redis]'") from error
    return {
        "socket_timeout": NETWORK_TIMEOUT,
        "socket_connect_timeout": NETWORK_TIMEOUT,
        "connection_kwargs": {"retry": Retry(NoBackoff(), 0)},
    }
