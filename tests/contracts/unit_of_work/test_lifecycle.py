"""The lifecycle contract on each backend."""

from ..stores import OnMemory, OnMongo
from .lifecycle_suite import LifecycleContract


class TestMemory(OnMemory, LifecycleContract):
    """In memory."""


class TestMongo(OnMongo, LifecycleContract):
    """On a real mongod."""
