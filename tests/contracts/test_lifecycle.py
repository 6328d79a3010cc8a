"""The lifecycle contract on each backend."""

from .lifecycle_suite import LifecycleContract
from .stores import OnMemory, OnMongo


class TestMemory(OnMemory, LifecycleContract):
    """In memory."""


class TestMongo(OnMongo, LifecycleContract):
    """On a real mongod."""
