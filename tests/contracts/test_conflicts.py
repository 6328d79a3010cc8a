"""The conflicts contract on each backend."""

from .conflicts_suite import ConflictsContract
from .stores import OnMemory, OnMongo


class TestMemory(OnMemory, ConflictsContract):
    """In memory."""


class TestMongo(OnMongo, ConflictsContract):
    """On a real mongod."""
