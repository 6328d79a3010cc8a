"""The contract of unique values that are handed over on each backend."""

from ..stores import OnMemory, OnMongo
from .handover_suite import HandoverContract


class TestMemory(OnMemory, HandoverContract):
    """In memory."""


class TestMongo(OnMongo, HandoverContract):
    """On a real mongod."""
