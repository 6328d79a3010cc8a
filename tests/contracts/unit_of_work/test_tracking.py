"""The tracking contract on each backend."""

from ..stores import OnMemory, OnMongo
from .tracking_suite import TrackingContract


class TestMemory(OnMemory, TrackingContract):
    """In memory."""


class TestMongo(OnMongo, TrackingContract):
    """On a real mongod."""
