"""The contracts of functions that are handed over: what is refused at once is so without a backend."""

from ..outbox.test_outbox import InMemory, OnServer
from .plain_functions_suite import CalledContract, HandedOverContract


class TestHandedOver(InMemory, HandedOverContract):
    """In memory."""


class TestCalledInMemory(InMemory, CalledContract):
    """In memory."""


class TestCalledOnMongo(OnServer, CalledContract):
    """On a real mongod."""
