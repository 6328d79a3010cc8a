"""The MongoDB backend, found by its URL schemes ``mongodb`` and ``mongodb+srv``."""

from .backend import MongoBackend
from .repository import MongoRepository

__all__ = ["MongoBackend", "MongoRepository"]
