"""What several contracts need beside the servers of the plugin."""

from collections.abc import Iterator

import pytest

from tristore.testing import RedisServer


@pytest.fixture(scope="session")
def cache_redis() -> Iterator[RedisServer]:
    """A running Redis, which tests share under names of their own."""
    with RedisServer() as server:
        yield server
