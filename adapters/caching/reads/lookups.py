"""One look into the cache: what loads where nothing is kept, and what is made of that which is."""

import time
from collections.abc import Callable
from typing import Any, TypeVar

from bson.errors import BSONError
from dogpile.cache.api import CantDeserializeException

T = TypeVar("T")

NOT_ENCODABLE = (BSONError, OverflowError, ValueError, TypeError, RecursionError)
"""What is raised for a question that has no key."""

TOO_LARGE_TO_KEEP = "too large"
"""The reason for which a result is loaded by each of its readers."""


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


def checked(value: Any, kind: type[T]) -> T:
    """Return what was kept, if it is what the method returns.

    Raises:
        CantDeserializeException: if it is something else, which somebody has planted.
    """
    if not isinstance(value, kind):
        raise CantDeserializeException
    return value
