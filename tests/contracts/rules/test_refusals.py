"""The refusals contract on each backend."""

from ..stores import OnMemory, OnMongo
from .refusals_suite import RefusalsContract


class TestMemory(OnMemory, RefusalsContract):
    """In memory."""


class TestMongo(OnMongo, RefusalsContract):
    """On a real mongod."""
