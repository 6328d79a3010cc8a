"""The contract of equal values in other forms on each backend."""

from ..stores import OnMemory, OnMongo
from .stored_forms_suite import StoredFormsContract


class TestMemory(OnMemory, StoredFormsContract):
    """In memory."""


class TestMongo(OnMongo, StoredFormsContract):
    """On a real mongod."""
