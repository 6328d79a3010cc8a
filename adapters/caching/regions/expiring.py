"""The end of an entry's life where its backend knows none: what is too old is not there."""

import json
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from dogpile.cache.api import NO_VALUE
from dogpile.cache.proxy import ProxyBackend


class Expiring(ProxyBackend):
    """Stands in front of a dogpile backend that keeps bytes, and hides what has been there for too long.

    dogpile itself would hand an old entry to all callers but the one that loads.

    Args:
        lifetime: in seconds.
        clock: the time since the epoch, as dogpile notes it in every entry.
    """

    def __init__(self, lifetime: float, clock: Callable[[], float] = time.time) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._lifetime = lifetime
        self._clock = clock

    def get_serialized(self, key: str) -> Any:
        """Return the bytes of a key, if they are not too old."""
        return self._fresh(self.proxied.get_serialized(key))

    def get_serialized_multi(self, keys: Iterable[str]) -> Sequence[Any]:
        """Return the bytes of several keys."""
        return [self._fresh(value) for value in self.proxied.get_serialized_multi(keys)]

    def _fresh(self, value: Any) -> Any:
        if not isinstance(value, bytes):
            return value
        try:
            made: float = json.loads(value.partition(b"|")[0])["ct"]
            return value if self._clock() < made + self._lifetime else NO_VALUE
        except (ValueError, TypeError, KeyError):  # no entry: the region says what it makes of it
            return value
