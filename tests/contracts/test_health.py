"""The contract of health on each backend."""

from .health_suite import HealthContract
from .stores import OnMemory, OnMongo


class TestMemory(OnMemory, HealthContract):
    """In memory."""


class TestMongo(OnMongo, HealthContract):
    """On a real mongod."""
