"""The receipts contract on each backend."""

from .receipts_suite import ReceiptsContract
from .stores import OnMemory, OnMongo


class TestMemory(OnMemory, ReceiptsContract):
    """In memory."""


class TestMongo(OnMongo, ReceiptsContract):
    """On a real mongod."""
