"""A cache that does not answer is left alone for a while, so that it costs its callers nothing."""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from dogpile.cache import CacheRegion
from dogpile.cache.api import CacheMutex
from dogpile.cache.proxy import ProxyBackend

T = TypeVar("T")

log = logging.getLogger("tristore.cache")

ERRORS = 5
"""So many errors in a row open the breaker."""

PAUSE = 5.0
"""Seconds for which the cache is left alone then."""


class CacheDown(Exception):
    """The cache did not answer, or is left alone because it did not before."""


class Breaker:
    """Counts errors in a row; shared by all regions of one cache. Safe in threads.

    Args:
        clock: seconds that only grow.
        place: where the cache is, for the log.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic, place: str = "this place") -> None:
        self._clock = clock
        self._place = place
        self._lock = threading.Lock()
        self._errors = 0
        self._all_errors = 0
        self._closed_from = 0.0
        self._waiting = threading.local()

    @property
    def is_open(self) -> bool:
        """Whether the cache is left alone now."""
        return self._errors >= ERRORS and self._clock() < self._closed_from

    def call(self, operation: Callable[[], T]) -> T:
        """Do something with the cache.

        Raises:
            CacheDown: if it failed, or if the cache is left alone.
        """
        if self._all_errors > getattr(self._waiting, "most_errors", self._all_errors):
            raise CacheDown("the cache failed while this caller waited for another one")
        if self._errors >= ERRORS and not self._may_try():
            raise CacheDown("the cache is left alone for a while, because it did not answer")
        try:
            result = operation()
        except Exception as error:
            self._failed(error)
            raise CacheDown(f"the cache failed ({type(error).__name__})") from error
        if self._errors:
            self._answered()
        return result

    @contextmanager
    def once(self) -> Iterator[None]:
        """Let this thread not try the cache again, within the block, once it has failed for anybody.

        Those who wait for one load would otherwise each wait for the cache to fail, one after the other.
        """
        self._waiting.most_errors = self._all_errors
        try:
            yield
        finally:
            del self._waiting.most_errors

    def _may_try(self) -> bool:
        """After the pause let one caller try, and leave the cache alone for the others until it has an answer."""
        with self._lock:
            now = self._clock()
            if self._errors >= ERRORS and now < self._closed_from:
                return False
            self._closed_from = now + PAUSE
            return True

    def _failed(self, error: Exception) -> None:
        with self._lock:
            self._errors += 1
            self._all_errors += 1
            if self._errors >= ERRORS:
                self._closed_from = self._clock() + PAUSE
            opens = self._errors == ERRORS
        if opens:
            log.warning(
                "the cache at %s has failed %d times in a row (%s): it is left alone, and tried again every %g s",
                self._place,
                ERRORS,
                type(error).__name__,
                PAUSE,
            )

    def _answered(self) -> None:
        with self._lock:
            was_open = self._errors >= ERRORS
            self._errors = 0
        if was_open:
            log.warning("the cache at %s answers again", self._place)


class _Lenient(CacheMutex):
    """A lock of a backend; one that cannot be had, or is lost, means a second load and nothing else."""

    def __init__(self, mutex: CacheMutex, lost: Callable[[], None]) -> None:
        self._mutex = mutex
        self._lost = lost
        self._without: set[int] = set()
        """The threads that go on without it: dogpile shares a lock between all that want the same key."""

    def acquire(self, wait: bool = True) -> bool:
        try:
            return self._mutex.acquire(wait)
        except Exception:  # noqa: BLE001 - counted, and the caller goes on without the lock
            self._without.add(threading.get_ident())
            self._lost()
            return True

    def release(self) -> None:
        if threading.get_ident() in self._without:
            self._without.discard(threading.get_ident())
            return
        try:
            self._mutex.release()
        except Exception:  # noqa: BLE001 - counted, and the caller goes on without the lock
            self._lost()

    def locked(self) -> bool:
        return self._mutex.locked()


class Guarded(ProxyBackend):
    """Stands in front of a dogpile backend: every error is `CacheDown`, and the breaker counts it.

    Its locks raise nothing: dogpile would keep those of several keys for ever that it took before the error.

    Args:
        breaker: counts.
        lost: is told of a lock that could not be had or given back.
    """

    def __init__(self, breaker: Breaker, lost: Callable[[], None] = lambda: None) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._breaker = breaker
        self._lost = lost

    def get(self, key: str) -> Any:
        """Hand on."""
        return self._breaker.call(lambda: self.proxied.get(key))

    def get_multi(self, keys: Iterable[str]) -> Sequence[Any]:
        """Hand on."""
        return self._breaker.call(lambda: self.proxied.get_multi(keys))

    def get_serialized(self, key: str) -> Any:
        """Hand on."""
        return self._breaker.call(lambda: self.proxied.get_serialized(key))

    def get_serialized_multi(self, keys: Iterable[str]) -> Sequence[Any]:
        """Hand on."""
        return self._breaker.call(lambda: self.proxied.get_serialized_multi(keys))

    def set(self, key: str, value: Any) -> None:
        """Hand on."""
        self._breaker.call(lambda: self.proxied.set(key, value))

    def set_multi(self, mapping: Mapping[str, Any]) -> None:
        """Hand on."""
        self._breaker.call(lambda: self.proxied.set_multi(mapping))

    def set_serialized(self, key: str, value: bytes) -> None:
        """Hand on."""
        self._breaker.call(lambda: self.proxied.set_serialized(key, value))

    def set_serialized_multi(self, mapping: Mapping[str, bytes]) -> None:
        """Hand on."""
        self._breaker.call(lambda: self.proxied.set_serialized_multi(mapping))

    def delete(self, key: str) -> None:
        """Hand on."""
        self._breaker.call(lambda: self.proxied.delete(key))

    def delete_multi(self, keys: Iterable[str]) -> None:
        """Hand on."""
        self._breaker.call(lambda: self.proxied.delete_multi(keys))

    def get_mutex(self, key: str) -> CacheMutex | None:
        """Return the backend's lock; None, which means one of this process, if it has none or fails."""
        try:
            mutex = self.proxied.get_mutex(key)
        except Exception:  # noqa: BLE001 - counted, and the caller goes on without the lock
            self._lost()
            return None
        return None if mutex is None else _Lenient(mutex, self._lost)


class GuardedRegion(CacheRegion):
    """A region whose callers wait at most once for a cache that fails."""

    def __init__(self, breaker: Breaker, **options: Any) -> None:
        super().__init__(**options)
        self._breaker = breaker

    def get_or_create(self, *arguments: Any, **options: Any) -> Any:
        """Return a value, or make it and keep it."""
        with self._breaker.once():
            return super().get_or_create(*arguments, **options)

    def get_or_create_multi(self, *arguments: Any, **options: Any) -> Any:
        """Return several values; make those that are not there, and keep them."""
        with self._breaker.once():
            return super().get_or_create_multi(*arguments, **options)
