"""The time by which documents expire."""

from datetime import datetime

from ...domain.clock import SystemClock
from .codecs import dump_datetime


def real_time() -> datetime:
    """Return the time as it is stored: a server lets documents expire by it, whatever the clock of a store shows."""
    return dump_datetime(SystemClock().now())


__all__ = ["real_time"]
