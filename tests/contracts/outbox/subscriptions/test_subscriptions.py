"""The contract of subscriptions on each backend."""

from ..test_outbox import InMemory, OnServer
from .subscriptions_suite import SubscriptionsContract


class TestSubscriptionsInMemory(InMemory, SubscriptionsContract):
    """In memory."""


class TestSubscriptionsOnMongo(OnServer, SubscriptionsContract):
    """On a real mongod."""
