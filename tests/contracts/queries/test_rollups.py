"""The contract of rollups through repositories on each backend."""

from ..stores import OnMemory, OnMongo
from .rollups_suite import RollupsContract


class TestMemory(OnMemory, RollupsContract):
    """In memory."""


class TestMongo(OnMongo, RollupsContract):
    """On a real mongod."""
