"""Units that are broken off, on each backend."""

from .rollbacks_suite import RollbacksContract
from .stores import OnMemory, OnMongo


class TestRollbacksInMemory(OnMemory, RollbacksContract):
    """In memory."""


class TestRollbacksOnMongo(OnMongo, RollbacksContract):
    """On a real mongod."""
