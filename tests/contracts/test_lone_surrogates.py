"""The contract of half of a surrogate pair, on each backend."""

from .lone_surrogates_suite import LoneSurrogatesContract
from .stores import BillingContract, OnMemory, OnMongo


class TestMemory(OnMemory, BillingContract, LoneSurrogatesContract):
    """In memory."""


class TestMongo(OnMongo, BillingContract, LoneSurrogatesContract):
    """On a real mongod."""
