"""The contract of edits that nobody will write on each backend."""

from ..stores import OnMemory, OnMongo
from .stray_edits_suite import StrayEditsContract


class TestMemory(OnMemory, StrayEditsContract):
    """In memory."""


class TestMongo(OnMongo, StrayEditsContract):
    """On a real mongod."""
