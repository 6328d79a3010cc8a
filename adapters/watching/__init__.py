"""Watching stores at work: health and metrics."""

from .health import health_of

__all__ = ["health_of"]
