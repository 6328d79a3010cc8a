"""The refusals contract on each backend."""

from .refusals_suite import RefusalsContract
from .stores import OnMemory, OnMongo


class TestMemory(OnMemory, RefusalsContract):
    """In memory."""


class TestMongo(OnMongo, RefusalsContract):
    """On a real mongod."""
