"""The contract of ids of a wrong form on each backend."""

from ..stores import OnMemory, OnMongo
from .ids_suite import IdsContract


class TestMemory(OnMemory, IdsContract):
    """In memory."""


class TestMongo(OnMongo, IdsContract):
    """On a real mongod."""
