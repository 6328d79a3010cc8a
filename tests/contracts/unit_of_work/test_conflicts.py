"""The conflicts contract on each backend."""

from ..stores import OnMemory, OnMongo
from .conflicts_suite import ConflictsContract


class TestMemory(OnMemory, ConflictsContract):
    """In memory."""


class TestMongo(OnMongo, ConflictsContract):
    """On a real mongod."""
