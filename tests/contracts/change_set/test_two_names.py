"""The contract of two names for one collection on each backend."""

from ..stores import OnMemory, OnMongo
from .two_names_suite import DatabaseOfTheUrlContract, TwoNamesContract


class TestMemory(OnMemory, TwoNamesContract):
    """In memory, where a database of its own is another place."""


class TestMongo(OnMongo, TwoNamesContract, DatabaseOfTheUrlContract):
    """On a real mongod."""
