"""The contract of what could never be read again, on each backend."""

from .poison_suite import PoisonContract
from .stores import BillingContract, OnMemory, OnMongo


class TestMemory(OnMemory, BillingContract, PoisonContract):
    """In memory."""


class TestMongo(OnMongo, BillingContract, PoisonContract):
    """On a real mongod."""
