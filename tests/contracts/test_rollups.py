"""Rollups on each backend: at the level of documents, and through repositories."""

import pytest

from tristore.adapters.backend import Backend
from tristore.adapters.memory import MemoryBackend

from .backend_rollups import RollupPortContract
from .rollups_suite import RollupsContract
from .stores import OnMemory, OnMongo
from .test_backends import OPTIONS, mongo_backend, prepared

__all__ = ["mongo_backend", "prepared"]


class TestMemoryBackend(RollupPortContract):
    """The backend in memory."""

    @pytest.fixture
    def backend(self) -> Backend:
        return MemoryBackend.open("memory://", OPTIONS)


class TestMongoBackend(RollupPortContract):
    """The backend on a real MongoDB."""

    @pytest.fixture
    def backend(self, mongo_backend: Backend) -> Backend:
        return mongo_backend


class TestMemory(OnMemory, RollupsContract):
    """In memory."""


class TestMongo(OnMongo, RollupsContract):
    """On a real mongod."""
