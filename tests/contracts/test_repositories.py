"""The repository contract on each backend."""

from .repository_suite import RepositoryContract, three
from .stores import OnMemory, OnMongo

__all__ = ["three"]


class TestMemory(OnMemory, RepositoryContract):
    """In memory."""


class TestMongo(OnMongo, RepositoryContract):
    """On a real mongod."""
