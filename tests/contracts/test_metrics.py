"""The contract of metrics on each backend."""

from .metrics_suite import MetricsContract
from .stores import OnMemory, OnMongo


class TestMemory(OnMemory, MetricsContract):
    """In memory."""


class TestMongo(OnMongo, MetricsContract):
    """On a real mongod."""
