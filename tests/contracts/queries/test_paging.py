"""The paging contract on each backend."""

from ..stores import OnMemory, OnMongo
from .paging_suite import PagingContract


class TestMemory(OnMemory, PagingContract):
    """In memory."""


class TestMongo(OnMongo, PagingContract):
    """On a real mongod."""
