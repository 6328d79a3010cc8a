"""The contract of health on each backend."""

from ..stores import OnMemory, OnMongo
from .health_suite import HealthContract


class TestMemory(OnMemory, HealthContract):
    """In memory."""


class TestMongo(OnMongo, HealthContract):
    """On a real mongod."""
