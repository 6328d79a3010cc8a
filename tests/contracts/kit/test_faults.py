"""The faults contract on each backend."""

from ..stores import OnMemory, OnMongo
from .faults_suite import FaultsContract


class TestMemory(OnMemory, FaultsContract):
    """Simulated in front of the in-memory backend."""


class TestMongo(OnMongo, FaultsContract):
    """Fail points of a real mongod."""
