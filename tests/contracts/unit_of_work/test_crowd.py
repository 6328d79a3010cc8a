"""The contract of many writers of one document on each backend."""

from ..stores import OnMemory, OnMongo
from .crowd_suite import CrowdContract


class TestMemory(OnMemory, CrowdContract):
    """In memory."""


class TestMongo(OnMongo, CrowdContract):
    """On a real mongod."""
