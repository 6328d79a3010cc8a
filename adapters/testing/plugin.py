"""The pytest plugin: a real server for the session, fresh stores for each test, and tests that run on both backends.

pytest loads it in every project where tristore is installed, so it imports nothing before a fixture is used.
"""

import os
import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from ..three_stores.stores import Stores
    from .fixtures.databases import TestDatabases
    from .fixtures.stores import AnyStore, MongoStores
    from .servers.cluster import MongoCluster
    from .servers.server import MongoServer

BACKENDS = {"memory": ["memory"], "mongo": ["mongo"], "both": ["memory", "mongo"]}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the choice of backends."""
    parser.getgroup("tristore").addoption(
        "--tristore-backend",
        choices=list(BACKENDS),
        default="both",
        help="where tests with any_stores or any_store run: in memory, on a real MongoDB, or on both (the default)",
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test once for each chosen backend."""
    if "tristore_backend" in metafunc.fixturenames:
        chosen = BACKENDS[metafunc.config.getoption("tristore_backend")]
        metafunc.parametrize("tristore_backend", chosen, indirect=True)


@pytest.fixture
def tristore_backend(request: pytest.FixtureRequest) -> str:
    """The backend of this run of the test: ``memory`` or ``mongo``."""
    backend: str = request.param
    return backend


@pytest.fixture(scope="session")
def tristore_mongod() -> Iterator["MongoServer"]:
    """A running MongoDB replica set; without one the test is skipped, or failed where CI is true."""
    from .servers.mongod_process import URL_VARIABLE
    from .servers.server import MongoServer

    if not os.environ.get(URL_VARIABLE):
        _need_a_binary()
    with MongoServer() as server:
        yield server


@pytest.fixture(scope="session")
def tristore_cluster() -> Iterator["MongoCluster"]:
    """A replica set of three nodes that tests may break; without a binary skipped, or failed where CI is true."""
    from .servers.cluster import MongoCluster

    _need_a_binary()
    with MongoCluster() as cluster:
        yield cluster


@pytest.fixture(scope="session")
def tristore_databases(tristore_mongod: "MongoServer") -> Iterator["TestDatabases"]:
    """Three prepared databases of this session's own, dropped at its end."""
    from .fixtures.databases import TestDatabases

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
    from ..three_stores.stores import open_stores

    url = "memory://"
    with open_stores(core=url, analytics=url, systemlogs=url, prepare="create") as stores:
        yield stores


@pytest.fixture
def any_stores(request: pytest.FixtureRequest, tristore_backend: str) -> "Stores":
    """The three stores; the test runs in memory and on MongoDB, as ``--tristore-backend`` says."""
    stores: Stores = request.getfixturevalue(f"{tristore_backend}_stores")
    return stores


@pytest.fixture(scope="session")
def tristore_mongo_stores(tristore_mongod: "MongoServer") -> Iterator["MongoStores"]:
    """The databases behind `mongo_store`, made once for each kind of store and dropped at the end."""
    from .fixtures.stores import MongoStores

    with MongoStores(tristore_mongod) as stores:
        yield stores


@pytest.fixture
def mongo_store(tristore_mongo_stores: "MongoStores") -> Iterator["AnyStore"]:
    """Opens stores of your own units of work on MongoDB: prepared and empty."""
    yield tristore_mongo_stores
    tristore_mongo_stores.give_back()


@pytest.fixture
def memory_store() -> Iterator["AnyStore"]:
    """Opens stores of your own units of work in memory."""
    from .fixtures.stores import MemoryStores

    with MemoryStores() as stores:
        yield stores


@pytest.fixture
def any_store(request: pytest.FixtureRequest, tristore_backend: str) -> "AnyStore":
    """Opens stores of your own units of work; the test runs in memory and on MongoDB, as the option says."""
    opener: AnyStore = request.getfixturevalue(f"{tristore_backend}_store")
    return opener


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
    from .servers.mongod_process import find_mongod

    try:
        find_mongod()
    except ConfigurationError as error:
        if os.environ.get("CI", "").lower() == "true":
            pytest.fail(str(error))
        pytest.skip(str(error))
