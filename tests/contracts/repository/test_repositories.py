"""The repository contract on each backend."""

from ..stores import OnMemory, OnMongo
from .repository_suite import RepositoryContract, three

__all__ = ["three"]


class TestMemory(OnMemory, RepositoryContract):
    """In memory."""


class TestMongo(OnMongo, RepositoryContract):
    """On a real mongod."""
