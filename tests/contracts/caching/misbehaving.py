"""A backend of dogpile.cache that does what a test wants of it: raises, loses answers, forgets, or waits."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from dogpile.cache.api import NO_VALUE, BytesBackend, CacheMutex

IS_TOKEN = "|t|"
"""A part of the names of tokens."""


class Shelf:
    """Values by key; when there are too many, the least recently used ones go."""

    def __init__(self, most: int = 10_000) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._values: OrderedDict[str, bytes] = OrderedDict()

    def __len__(self) -> int:
        return len(self._values)

    def get(self, key: str) -> Any:
        """The value of a key, or dogpile's word for none."""
        with self._lock:
            if key not in self._values:
                return NO_VALUE
            self._values.move_to_end(key)
            return self._values[key]

    def put(self, key: str, value: bytes) -> None:
        """Keep a value."""
        with self._lock:
            self._values[key] = value
            self._values.move_to_end(key)
            while len(self._values) > self._most:
                self._values.popitem(last=False)

    def drop(self, key: str) -> None:
        """Forget a key."""
        with self._lock:
            self._values.pop(key, None)

    def keys(self) -> list[str]:
        """All keys."""
        with self._lock:
            return list(self._values)


class Misbehaving:
    """What all regions of one cache share: the values, and what goes wrong.

    Attributes:
        data, tokens: the values, on shelves of their own.
        log: what was asked of it, such as ``("get", "data")``, in order.
        failing: the operations that raise, of data or of tokens: ``"get data"``.
        before, after: are called around each operation with its name.
    """

    def __init__(self, *, tokens: Shelf | None = None) -> None:
        self.data = Shelf()
        self.tokens = Shelf() if tokens is None else tokens  # an empty one is false
        self.log: list[str] = []
        self.failing: set[str] = set()
        self.before: Callable[[str], object] = lambda _: None
        self.after: Callable[[str], object] = lambda _: None

    def shelf_of(self, key: str) -> Shelf:
        """Where a key is kept."""
        return self.tokens if IS_TOKEN in key else self.data

    def carry_out(self, operation: str, keys: Sequence[str], call: Callable[[], Any]) -> Any:
        """Do it, or not."""
        name = f"{operation} {'tokens' if any(IS_TOKEN in key for key in keys) else 'data'}"
        self.log.append(name)
        self.before(name)
        if name in self.failing:
            raise ConnectionError("this cache is broken on purpose: secret-value")
        answer = call()
        self.after(name)
        return answer


class MisbehavingBackend(BytesBackend):
    """The backend that each region makes for itself; shared by processes as far as anybody can tell."""

    def __init__(self, arguments: Mapping[str, Any]) -> None:
        self._cache: Misbehaving = arguments["cache"]

    def get_serialized(self, key: str) -> Any:
        """Return the bytes of a key."""
        return self._cache.carry_out("get", [key], lambda: self._cache.shelf_of(key).get(key))

    def get_serialized_multi(self, keys: Iterable[str]) -> Sequence[Any]:
        """Return the bytes of several keys."""
        wanted = list(keys)
        found: list[Any] = self._cache.carry_out(
            "get", wanted, lambda: [self._cache.shelf_of(key).get(key) for key in wanted]
        )
        return found

    def set_serialized(self, key: str, value: bytes) -> None:
        """Keep bytes."""
        self._cache.carry_out("set", [key], lambda: self._cache.shelf_of(key).put(key, value))

    def set_serialized_multi(self, mapping: Mapping[str, bytes]) -> None:
        """Keep bytes under several keys."""

        def put() -> None:
            for key, value in mapping.items():
                self._cache.shelf_of(key).put(key, value)

        self._cache.carry_out("set", list(mapping), put)

    def delete(self, key: str) -> None:
        """Forget a key."""
        self._cache.carry_out("delete", [key], lambda: self._cache.shelf_of(key).drop(key))

    def delete_multi(self, keys: Iterable[str]) -> None:
        """Forget several keys."""
        for key in keys:
            self.delete(key)

    def get_mutex(self, key: str) -> CacheMutex | None:
        """Return None, which means one of this process, unless it fails or its locks do."""
        self._cache.carry_out("mutex", [key], lambda: None)
        return BrokenLock(self._cache) if "lock data" in self._cache.failing else None


class BrokenLock(CacheMutex):
    """A lock that can be neither had nor given back."""

    def __init__(self, cache: Misbehaving) -> None:
        self._cache = cache

    def acquire(self, wait: bool = True) -> bool:
        """Fail."""
        self._cache.carry_out("lock", ["data"], lambda: None)
        return True

    def release(self) -> None:
        """Fail."""
        raise AssertionError("nobody holds this lock")

    def locked(self) -> bool:
        """Tell that nobody has it."""
        return False


def planted(shelf: Shelf) -> list[str]:
    """The keys of a shelf, to plant something under."""
    return shelf.keys()


__all__ = ["IS_TOKEN", "Misbehaving", "MisbehavingBackend", "Shelf", "planted"]
