"""The contract of upserts by keys with a rule on each backend."""

from ..stores import OnMemory, OnMongo
from .upsert_rules_suite import UpsertRulesContract


class TestMemory(OnMemory, UpsertRulesContract):
    """In memory."""


class TestMongo(OnMongo, UpsertRulesContract):
    """On a real mongod."""
