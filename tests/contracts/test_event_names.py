"""The contract of event names on each backend."""

from .event_names_suite import EventNamesContract
from .stores import OnMongo
from .test_outbox import InMemory


class TestEventNamesInMemory(InMemory, EventNamesContract):
    """In memory."""


class TestEventNamesOnMongo(OnMongo, EventNamesContract):
    """On a real mongod."""
