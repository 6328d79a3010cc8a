"""Watching stores at work: health and metrics."""

from .health import check_of, health_of

__all__ = ["check_of", "health_of"]
