"""The contract of rollups through repositories on each backend."""

from .rollups_suite import RollupsContract
from .stores import OnMemory, OnMongo


class TestMemory(OnMemory, RollupsContract):
    """In memory."""


class TestMongo(OnMongo, RollupsContract):
    """On a real mongod."""
