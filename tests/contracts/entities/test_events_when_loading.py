"""The contract of events that constructors record, on each backend."""

from ..stores import OnMemory, OnMongo
from .events_when_loading_suite import EventsWhenLoadingContract


class TestEventsWhenLoadingInMemory(OnMemory, EventsWhenLoadingContract):
    """In memory."""


class TestEventsWhenLoadingOnMongo(OnMongo, EventsWhenLoadingContract):
    """On a real mongod."""
