"""The contract of equal values in other forms on each backend."""

from .stored_forms_suite import StoredFormsContract
from .stores import OnMemory, OnMongo


class TestMemory(OnMemory, StoredFormsContract):
    """In memory."""


class TestMongo(OnMongo, StoredFormsContract):
    """On a real mongod."""
