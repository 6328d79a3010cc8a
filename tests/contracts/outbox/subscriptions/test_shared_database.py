"""The contract of stores that share a database, on each backend."""

from pathlib import Path

import pytest

from contracts.stores import OnMongo

from .shared_database_suite import SharedDatabaseContract


class TestSharedFolder(SharedDatabaseContract):
    """In memory, kept in a folder."""

    @pytest.fixture
    def shared_url(self, tmp_path: Path) -> str:
        """Where both stores are."""
        return f"memory://{tmp_path}/data"


class TestSharedDatabaseOnMongo(OnMongo, SharedDatabaseContract):
    """On a real mongod."""

    @pytest.fixture
    def shared_url(self, url: str) -> str:
        """Where both stores are."""
        return url
