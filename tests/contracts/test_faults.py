"""The faults contract on each backend."""

from .faults_suite import FaultsContract
from .stores import OnMemory, OnMongo


class TestMemory(OnMemory, FaultsContract):
    """Simulated in front of the in-memory backend."""


class TestMongo(OnMongo, FaultsContract):
    """Fail points of a real mongod."""
