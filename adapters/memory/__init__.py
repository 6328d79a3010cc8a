"""The in-memory twin of a MongoDB."""

from .backend import MemoryBackend

__all__ = ["MemoryBackend"]
