"""The receipts contract on each backend."""

from ..stores import OnMemory, OnMongo
from .receipts_suite import ReceiptsContract


class TestMemory(OnMemory, ReceiptsContract):
    """In memory."""


class TestMongo(OnMongo, ReceiptsContract):
    """On a real mongod."""
