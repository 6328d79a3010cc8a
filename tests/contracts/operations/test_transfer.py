"""The contract of imports and exports on each backend."""

from ..stores import BillingContract, OnMemory, OnMongo
from .transfer_suite import TransferContract


class TestMemory(OnMemory, BillingContract, TransferContract):
    """In memory."""


class TestMongo(OnMongo, BillingContract, TransferContract):
    """On a real mongod."""
