"""The contract of the rule language on each backend."""

from ..stores import OnMemory, OnMongo
from .rules_suite import RulesContract


class TestMemory(OnMemory, RulesContract):
    """In memory."""


class TestMongo(OnMongo, RulesContract):
    """On a real mongod."""
