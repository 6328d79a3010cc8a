"""Units that are broken off, on each backend."""

from ..stores import OnMemory, OnMongo
from .rollbacks_suite import RollbacksContract


class TestRollbacksInMemory(OnMemory, RollbacksContract):
    """In memory."""


class TestRollbacksOnMongo(OnMongo, RollbacksContract):
    """On a real mongod."""
