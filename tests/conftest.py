"""Servers and databases for every folder of tests; the plugin brings the replica set."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import settings
from listening import Listen, listening
from pymongo import MongoClient

from tristore.testing import MongoServer, RedisServer

# How long an example takes says how busy the machine is, and nothing about the code. The examples of every run are the
# same, so that a change is refused for what it changes; `nox -s search` draws new ones.
settings.register_profile("tristore", deadline=None, derandomize=True)
settings.register_profile("searching", deadline=None)
settings.load_profile("tristore")

# What Hypothesis works out once (tables of characters: several seconds) is found by the programs that tests start, too.
os.environ.setdefault("HYPOTHESIS_STORAGE_DIRECTORY", str(Path(__file__).parents[1] / ".hypothesis"))

pytest.register_assert_rewrite("tests", "tests.contracts", "tristore.adapters.testing.conformance")

Raw = MongoClient[dict[str, Any]]
Failpoint = Callable[..., Any]


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    """Take the project's options for workers where pytest-xdist is left out: everything then runs in one process."""
    if not pluginmanager.has_plugin("xdist"):
        workers = parser.getgroup("xdist", "workers (pytest-xdist is left out: these do nothing)")
        for option in ("--numprocesses", "--maxprocesses", "--dist"):
            workers.addoption(option, help="does nothing without pytest-xdist")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """Stay in this process for a single file: workers and their servers would take longer to start than it saves."""
    return 0 if len(config.args) == 1 and Path(config.args[0].partition("::")[0]).is_file() else None


@pytest.fixture(scope="session")
def raw(tristore_mongod: MongoServer) -> Iterator[Raw]:
    """A bare client of the replica set, for what tests look at or break from outside."""
    with MongoClient[dict[str, Any]](tristore_mongod.url, appname="test", w="majority") as client:
        yield client


@pytest.fixture
def mongo_url(tristore_mongod: MongoServer, raw: Raw) -> Iterator[str]:
    """The URL of a database that does not exist yet, dropped afterwards."""
    name = f"test_{os.getpid()}_{uuid4().hex[:8]}"
    yield tristore_mongod.url_for(name)
    raw.drop_database(name)


@pytest.fixture
def patient_server(raw: Raw) -> Iterator[None]:
    """A server that ends transactions after a minute, as usual; those of tests do after three seconds."""
    limit = raw.admin.command("setParameter", 1, transactionLifetimeLimitSeconds=60)["was"]
    yield
    raw.admin.command("setParameter", 1, transactionLifetimeLimitSeconds=limit)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stores that give up a commit of unknown outcome in half the time: what they do then is the same."""
    monkeypatch.setattr("tristore.adapters.mongo.commands.transactions._FRESH", 2.5)


@pytest.fixture(scope="session")
def standalone(tristore_mongod: MongoServer) -> Iterator[MongoServer]:
    """A server without transactions; where the replica set was skipped, this is too."""
    with MongoServer(replica_set=False) as server:
        yield server


@pytest.fixture
def listen(monkeypatch: pytest.MonkeyPatch) -> Listen:
    """Adds a listener to the client of every store that the test opens from then on."""
    return listening(monkeypatch)


@pytest.fixture
def failpoint(raw: Raw) -> Failpoint:
    """A context manager that makes commands fail in the server: ``failpoint(["insert"], errorCode=112)``.

    Only clients with the store's name ``under-test`` meet it.
    """

    @contextmanager
    def arm(commands: list[str], *, times: int | None = 1, **data: Any) -> Iterator[None]:
        mode: Any = "alwaysOn" if times is None else {"times": times}
        data = {"failCommands": commands, "appName": "tristore/under-test", **data}
        raw.admin.command({"configureFailPoint": "failCommand", "mode": mode, "data": data})
        try:
            yield
        finally:
            raw.admin.command({"configureFailPoint": "failCommand", "mode": "off"})

    return arm


@pytest.fixture(scope="session")
def cache_redis() -> Iterator[RedisServer]:
    """A running Redis, which tests share under names of their own."""
    with RedisServer() as server:
        yield server
