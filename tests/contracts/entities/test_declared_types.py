"""Types of fields on each backend."""

from ..stores import OnMemory, OnMongo
from .declared_types_suite import DeclaredTypesContract


class TestMemory(OnMemory, DeclaredTypesContract):
    """In memory."""


class TestMongo(OnMongo, DeclaredTypesContract):
    """On a real mongod."""
