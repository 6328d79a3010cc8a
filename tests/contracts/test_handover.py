"""The contract of unique values that are handed over on each backend."""

from .handover_suite import HandoverContract
from .stores import OnMemory, OnMongo


class TestMemory(OnMemory, HandoverContract):
    """In memory."""


class TestMongo(OnMongo, HandoverContract):
    """On a real mongod."""
