"""The contract of metrics on each backend."""

from ..stores import OnMemory, OnMongo
from .metrics_suite import MetricsContract


class TestMemory(OnMemory, MetricsContract):
    """In memory."""


class TestMongo(OnMongo, MetricsContract):
    """On a real mongod."""
