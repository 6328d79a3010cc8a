"""The pytest plugin: a real server for the session, and fresh stores for each test.

pytest loads it in every project where tristore is installed, so it imports nothing before a fixture is used.
"""

import os
import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from ..stores import Stores
    from .cluster import MongoCluster
    from .databases import TestDatabases
    from .server import MongoServer


@pytest.fixture(scope="session")
def tristore_mongod() -> Iterator["MongoServer"]:
    """A running MongoDB replica set; without one the test is skipped, or failed where CI is true."""
    from .mongod_process import URL_VARIABLE
    from .server import MongoServer

    if not os.environ.get(URL_VARIABLE):
        _need_a_binary()
    with MongoServer() as server:
        yield server


@pytest.fixture(scope="session")
def tristore_cluster() -> Iterator["MongoCluster"]:
    """A replica set of three nodes that tests may break; without a binary skipped, or failed where CI is true."""
    from .cluster import MongoCluster

    _need_a_binary()
    with MongoCluster() as cluster:
        yield cluster


@pytest.fixture(scope="session")
def tristore_databases(tristore_mongod: "MongoServer") -> Iterator["TestDatabases"]:
    """Three prepared databases of this session's own, dropped at its end."""
    from .databases import TestDatabases

    with TestDatabases(tristore_mongod) as databases:
        yield databases


@pytest.fixture
def mongo_stores(tristore_databases: "TestDatabases") -> Iterator["Stores"]:
    """The three stores on MongoDB: prepared, empty, nobody subscribed."""
    with tristore_databases.open() as stores:
        yield stores
    tristore_databases.clean()


@pytest.fixture
def memory_stores() -> Iterator["Stores"]:
    """The three stores in memory: empty, nobody subscribed."""
    from ..stores import open_stores

    url = "memory://"
    with open_stores(core=url, analytics=url, systemlogs=url, prepare="create") as stores:
        yield stores


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the matrix of guarantees where a conformance suite of a backend ran."""
    from .conformance.matrix import Matrix

    reports = [one for found in terminalreporter.stats.values() for one in found if hasattr(one, "user_properties")]
    matrix = Matrix.of(reports)
    if matrix:
        terminalreporter.section("guarantees of backends")
        for line in matrix.lines(shutil.get_terminal_size().columns, brief=config.get_verbosity() < 0):
            terminalreporter.write_line(line)


def _need_a_binary() -> None:
    from ...domain.errors import ConfigurationError
    from .mongod_process import find_mongod

    try:
        find_mongod()
    except ConfigurationError as error:
        if os.environ.get("CI", "").lower() == "true":
            pytest.fail(str(error))
        pytest.skip(str(error))
