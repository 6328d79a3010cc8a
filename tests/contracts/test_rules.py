"""The contract of the rule language on each backend."""

from .rules_suite import RulesContract
from .stores import OnMemory, OnMongo


class TestMemory(OnMemory, RulesContract):
    """In memory."""


class TestMongo(OnMongo, RulesContract):
    """On a real mongod."""
