"""Invalidations that failed, and are owed until they are made good."""

import threading
from collections.abc import Iterable, Mapping
from itertools import count


class Debts:
    """Collections of which something was committed and could not be invalidated. Safe in threads.

    Each failure has a number, so that what makes good the earlier ones does not cover one that came meanwhile.
    """

    def __init__(self) -> None:
        self._owed: dict[str, int] = {}
        self._numbers = count()
        self._lock = threading.Lock()

    def __bool__(self) -> bool:
        """Tell whether anything is owed."""
        return bool(self._owed)

    def __contains__(self, collection: str) -> bool:
        """Tell whether an invalidation of a collection is owed."""
        return collection in self._owed

    def add(self, collections: Iterable[str]) -> bool:
        """Note a failure; tell whether it is the first one."""
        with self._lock:
            is_first = not self._owed
            self._owed.update((collection, next(self._numbers)) for collection in collections)
        return is_first

    def owed(self) -> Mapping[str, int]:
        """Return what is owed now, for `settle` once all of it has been invalidated."""
        with self._lock:
            return dict(self._owed)

    def settle(self, paid: Mapping[str, int]) -> bool:
        """Strike out what has been invalidated after `owed` was asked; tell whether nothing is left."""
        with self._lock:
            for collection, number in paid.items():
                if self._owed.get(collection) == number:
                    del self._owed[collection]
            return not self._owed
