"""A dogpile.cache backend in this process that never grows beyond its bounds: ``tristore.bounded``."""

import random
import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from dogpile.cache.api import NO_VALUE, CacheBackend, CachedValue

MAX_ENTRIES = 10_000
MAX_BYTES = 64 * 1024 * 1024

_JITTER = 0.1
"""The part of a lifetime that differs from key to key, so that not all of them end at one moment."""


class BoundedMemory:
    """Values by key, the least recently used of which go first. Safe to share between threads and regions.

    Args:
        max_entries: how many values it holds at most.
        max_bytes: how many bytes they take at most, keys and bookkeeping left out.
        clock: seconds that only grow.
    """

    def __init__(
        self,
        max_entries: int = MAX_ENTRIES,
        max_bytes: int = MAX_BYTES,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._entries: OrderedDict[str, tuple[Any, float, int]] = OrderedDict()
        self._max_entries = max_entries
        self._max_bytes = max_bytes
        self._clock = clock
        self._lock = threading.Lock()
        self.bytes = 0
        """What the values take now."""

    def __len__(self) -> int:
        """Count the values."""
        return len(self._entries)

    def get(self, key: str) -> Any:
        """Return the value of a key; NO_VALUE if there is none, or its time is over."""
        with self._lock:
            entry = self._entries.get(key)
            if entry is None:
                return NO_VALUE
            if entry[1] <= self._clock():
                self._remove(key)
                return NO_VALUE
            self._entries.move_to_end(key)
            return entry[0]

    def payload(self, key: str) -> Any:
        """Return what a region keeps under a key, without the detour through it; NO_VALUE if there is nothing."""
        kept = self.get(key)
        return kept.payload if isinstance(kept, CachedValue) else kept

    def put(self, key: str, value: Any, lifetime: float | None) -> None:
        """Keep a value for so many seconds, up to a tenth less; one that is larger than all bounds is not kept."""
        size = _size_of(value)
        until = float("inf") if lifetime is None else self._clock() + lifetime * (1 - _JITTER * random.random())  # noqa: S311
        with self._lock:
            if key in self._entries:
                self._remove(key)
            if size > self._max_bytes:
                return
            while self._entries and (self.bytes + size > self._max_bytes or len(self._entries) >= self._max_entries):
                self._remove(next(iter(self._entries)))
            self._entries[key] = (value, until, size)
            self.bytes += size

    def drop(self, key: str) -> None:
        """Forget a key."""
        with self._lock:
            if key in self._entries:
                self._remove(key)

    def _remove(self, key: str) -> None:
        self.bytes -= self._entries.pop(key)[2]


def _size_of(value: Any) -> int:
    """How many bytes a value takes: of what a region keeps, those of its payload."""
    content = value.payload if isinstance(value, CachedValue) else value
    return len(content) if isinstance(content, bytes) else sys.getsizeof(content)


class BoundedBackend(CacheBackend):
    """A `BoundedMemory` as dogpile.cache asks for it.

    Its arguments, all optional: ``max_entries`` (10,000) and ``max_bytes`` (64 MiB), or ``memory``, a `BoundedMemory`
    that several regions share; ``lifetime``, seconds after which a value is gone.
    """

    def __init__(self, arguments: Mapping[str, Any]) -> None:
        bounds = {name: arguments[name] for name in ("max_entries", "max_bytes") if name in arguments}
        given: BoundedMemory | None = arguments.get("memory")
        self.memory = BoundedMemory(**bounds) if given is None else given  # an empty one is false
        self._lifetime: float | None = arguments.get("lifetime")

    def get(self, key: str) -> Any:
        """Return the value of a key."""
        return self.memory.get(key)

    def get_multi(self, keys: Iterable[str]) -> Sequence[Any]:
        """Return the values of several keys."""
        return [self.memory.get(key) for key in keys]

    def get_serialized_multi(self, keys: Iterable[str]) -> Sequence[Any]:
        """Return the values of several keys."""
        return self.get_multi(keys)

    def set(self, key: str, value: Any) -> None:
        """Keep a value."""
        self.memory.put(key, value, self._lifetime)

    def set_serialized(self, key: str, value: bytes) -> None:
        """Keep a value."""
        self.set(key, value)

    def set_multi(self, mapping: Mapping[str, Any]) -> None:
        """Keep several values."""
        for key, value in mapping.items():
            self.set(key, value)

    def set_serialized_multi(self, mapping: Mapping[str, bytes]) -> None:
        """Keep several values."""
        self.set_multi(mapping)

    def delete(self, key: str) -> None:
        """Forget a key."""
        self.memory.drop(key)

    def delete_multi(self, keys: Iterable[str]) -> None:
        """Forget several keys."""
        for key in keys:
            self.delete(key)
