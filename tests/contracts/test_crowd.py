"""The contract of many writers of one document on each backend."""

from .crowd_suite import CrowdContract
from .stores import OnMemory, OnMongo


class TestMemory(OnMemory, CrowdContract):
    """In memory."""


class TestMongo(OnMongo, CrowdContract):
    """On a real mongod."""
