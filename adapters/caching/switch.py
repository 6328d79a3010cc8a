"""Switching the cache off, for a stretch of code or a process; what is written there still invalidates."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

from ...domain.errors import ConfigurationError

VARIABLE = "TRISTORE_CACHE"
"""The environment variable that switches the caches of a process off."""

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


def is_switched_on(environ: Mapping[str, str] | None = None) -> bool:
    """Tell what `VARIABLE` says, in the environment of the process unless another one is given; on if it says nothing.

    Raises:
        ConfigurationError: if it says anything but on or off.
    """
    word = (os.environ if environ is None else environ).get(VARIABLE, "").strip() or "on"
    if word not in {"on", "off"}:
        raise ConfigurationError(f"{VARIABLE} must be on or off, not {word!r}")
    return word == "on"
