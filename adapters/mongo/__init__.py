"""The MongoDB backend, found by its URL schemes ``mongodb`` and ``mongodb+srv``."""

from .backend import MongoBackend

__all__ = ["MongoBackend"]
