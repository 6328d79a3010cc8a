"""The contract of event names on each backend."""

from contracts.stores import OnMongo

from ..test_outbox import InMemory
from .event_names_suite import EventNamesContract


class TestEventNamesInMemory(InMemory, EventNamesContract):
    """In memory."""


class TestEventNamesOnMongo(OnMongo, EventNamesContract):
    """On a real mongod."""
