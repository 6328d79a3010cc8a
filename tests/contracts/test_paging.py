"""The paging contract on each backend."""

from .paging_suite import PagingContract
from .stores import OnMemory, OnMongo


class TestMemory(OnMemory, PagingContract):
    """In memory."""


class TestMongo(OnMongo, PagingContract):
    """On a real mongod."""
