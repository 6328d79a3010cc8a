"""The contract of subscriptions on each backend."""

from .subscriptions_suite import SubscriptionsContract
from .test_outbox import InMemory, OnServer


class TestSubscriptionsInMemory(InMemory, SubscriptionsContract):
    """In memory."""


class TestSubscriptionsOnMongo(OnServer, SubscriptionsContract):
    """On a real mongod."""
