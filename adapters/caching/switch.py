"""Switching the cache off for a stretch of code; what is written there still invalidates."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_off: ContextVar[bool] = ContextVar("tristore_cache_off", default=False)


@contextmanager
def cache_disabled() -> Iterator[None]:
    """Let reads in a ``with`` block neither be looked up nor stored, in this thread or task.

    Commits go on to invalidate, so that nothing stale is found afterwards.
    """
    token = _off.set(True)
    try:
        yield
    finally:
        _off.reset(token)


def is_disabled() -> bool:
    """Tell whether the cache is switched off here."""
    return _off.get()


__all__ = ["cache_disabled", "is_disabled"]
