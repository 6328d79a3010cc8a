"""The contract of half of a surrogate pair, on each backend."""

from ..stores import BillingContract, OnMemory, OnMongo
from .lone_surrogates_suite import LoneSurrogatesContract


class TestMemory(OnMemory, BillingContract, LoneSurrogatesContract):
    """In memory."""


class TestMongo(OnMongo, BillingContract, LoneSurrogatesContract):
    """On a real mongod."""
