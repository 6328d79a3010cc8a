"""The contract of what could never be read again, on each backend."""

from ..stores import BillingContract, OnMemory, OnMongo
from .poison_suite import PoisonContract


class TestMemory(OnMemory, BillingContract, PoisonContract):
    """In memory."""


class TestMongo(OnMongo, BillingContract, PoisonContract):
    """On a real mongod."""
