"""URLs, settings, dead and standalone servers, logging."""

import logging
import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest
from pymongo import MongoClient

from tristore import ConfigurationError, TristoreError, Unavailable
from tristore.adapters.backend import EVERYTHING, Backend, BackendOptions, Query
from tristore.adapters.mongo.backend import MongoBackend
from tristore.adapters.mongo.connection import DEFAULTS, Connection
from tristore.errors import TransactionsUnsupported
from tristore.testing import MongoServer

SECRET = "hunter2"


def options(**settings: Any) -> BackendOptions:
    """Options with settings of the driver."""
    return BackendOptions("core", (), settings)


def client_of(url: str, **settings: Any) -> MongoClient[dict[str, Any]]:
    """The client that a backend would use; nothing is connected."""
    return Connection(url, options(**settings)).client


def count(backend: Backend, **more: Any) -> int:
    """One operation."""
    return backend.count("things", EVERYTHING, limit=None, **{"transaction": None, "timeout": 5.0, **more})


@pytest.fixture
def nobody() -> int:
    """A port at which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture
def silent() -> Iterator[int]:
    """A port that takes connections and never answers."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("mongodb://h", "names no database: write mongodb://h/<database>"),
        ("mongodb://h/?replicaSet=rs0", "names no database: write mongodb://h/<database>"),
        ("mongodb://", "at least one hostname"),
        ("mongodb://h/a$b", "database name"),
        ("mongodb://h:port/db", "Port"),
        ("mongodb://h/db?maxPoolSize=many", "maxpoolsize"),
        ("mongodb://h/db?nonsense=1", "nonsense"),
        ("mongodb://h/db?w=0", "w=0"),
        ("mongodb://h/db?minPoolSize=5&maxPoolSize=2", "minPoolSize"),
        ("postgres://h/db", "scheme"),
    ],
)
def test_wrong_url(url: str, says: str) -> None:
    """A wrong URL or option is one error at once that says what is wrong."""
    with pytest.raises(ConfigurationError, match=says):
        MongoBackend.open(url, options())


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"maxPoolSize": -1}, "maxPoolSize"),
        ({"maxPoolSize": "many"}, "maxPoolSize"),
        ({"heartbeatFrequencyMS": 1}, "heartbeatFrequencyMS"),
        ({"nonsense": 1}, "nonsense"),
    ],
)
def test_wrong_setting(settings: dict[str, Any], says: str) -> None:
    """A wrong setting is one error at once that names it."""
    with pytest.raises(ConfigurationError, match=says):
        MongoBackend.open("mongodb://h/db", options(**settings))


@pytest.mark.parametrize(
    "url",
    [
        f"mongodb://ada:{SECRET}@h",
        f"mongodb://ada:{SECRET}@h:x/db",
        f"mongodb://ada:{SECRET}@h/a$b",
        f"mongodb://ada:{SECRET}@h/db?nonsense=1",
        f"mongodb://ada:x/{SECRET}@h/db",
        f"mongodb://ada:x?{SECRET}@h/db",
        f"mongodb://ada:x@{SECRET}@h/db",
        f"mongodb://ada:x:{SECRET}@h/db",
        f"mongodb://ada:%{SECRET}@h/db",
        f"mongodb+srv://ada:{SECRET}@h:1/db",
        f"http://ada:{SECRET}@h/db",
    ],
)
def test_no_message_shows_a_password(url: str) -> None:
    """A wrong URL's password is in no message, also not in that of a cause."""
    with pytest.raises(ConfigurationError) as caught:
        MongoBackend.open(url, options())

    error: BaseException | None = caught.value
    while error is not None:
        assert SECRET not in str(error)
        error = error.__cause__ or error.__context__


def test_location_shows_no_user() -> None:
    """The location is the URL without user, password and options."""
    backend = MongoBackend.open(f"mongodb://ada:{SECRET}@h1,h2:2/db?replicaSet=r", options())

    assert "mongodb://h1,h2:2/db" == backend.location


def test_default_settings() -> None:
    """What the driver would let wait long is bounded, and writes go to the majority."""
    client = client_of("mongodb://h/db")
    pool = client.options.pool_options

    assert (10, 2, 30, 5, 2) == (
        pool.max_pool_size,
        pool.min_pool_size,
        pool.max_idle_time_seconds,
        pool.wait_queue_timeout,
        pool.connect_timeout,
    )
    assert ({"w": "majority"}, True, True, "tristore/core") == (
        client.write_concern.document,
        client.options.retry_writes,
        client.options.retry_reads,
        pool.appname,
    )
    assert 10 == client.options.server_selection_timeout


def test_settings_and_url_go_before_defaults() -> None:
    """A setting goes before the default, and an option in the URL before both."""
    client = client_of("mongodb://h/db?maxPoolSize=7", maxPoolSize=5, minPoolSize=3)
    pool = client.options.pool_options

    assert (7, 3) == (pool.max_pool_size, pool.min_pool_size)


@pytest.mark.parametrize(
    ("url", "settings"), [("mongodb://h/db?maxPoolSize=1", {}), ("mongodb://h/db", {"maxPoolSize": 1})]
)
def test_pool_of_one(url: str, settings: dict[str, Any]) -> None:
    """A pool smaller than the default's least size is no contradiction."""
    assert 1 == client_of(url, **settings).options.pool_options.min_pool_size


def test_every_default_is_an_option_of_the_driver() -> None:
    """No default is a name that the driver does not know."""
    assert client_of("mongodb://h/db", **DEFAULTS)


def test_opening_connects_nowhere(nobody: int) -> None:
    """Opening and beginning do no I/O, even where no server is."""
    backend = MongoBackend.open(f"mongodb://127.0.0.1:{nobody}/db", options())
    backend.abort(backend.begin())
    backend.close()


@pytest.mark.parametrize("timeout", [0.3, 1.0])
@pytest.mark.parametrize("kind", ["nobody", "silent"])
def test_dead_server(request: pytest.FixtureRequest, kind: str, timeout: float) -> None:
    """A server that does not answer is Unavailable within the time allowed, saying where and what to do."""
    port = request.getfixturevalue(kind)
    backend = MongoBackend.open(f"mongodb://ada:{SECRET}@127.0.0.1:{port}/db", options())
    started = time.monotonic()
    with pytest.raises(Unavailable) as caught:
        backend.ping(timeout=timeout)
    took = time.monotonic() - started
    backend.close()

    assert timeout - 0.1 <= took < timeout + 0.5
    assert f"127.0.0.1:{port}" in str(caught.value)
    assert "check that the server runs" in str(caught.value)
    assert SECRET not in str(caught.value)


def test_dead_server_in_a_transaction(nobody: int) -> None:
    """A dead server is Unavailable inside a transaction too, not a conflict to retry."""
    backend = MongoBackend.open(f"mongodb://127.0.0.1:{nobody}/db", options())
    transaction = backend.begin()
    with pytest.raises(Unavailable):
        count(backend, transaction=transaction, timeout=0.3)
    backend.abort(transaction)
    backend.close()


def test_wrong_password(standalone: MongoServer) -> None:
    """A server that refuses the user is a wrong configuration, said without the password."""
    url = standalone.url_for("db").replace("://", f"://ada:{SECRET}@") + "&authSource=admin"
    backend = MongoBackend.open(url, options())
    with pytest.raises(ConfigurationError, match="refuses this user") as caught:
        backend.ping(timeout=5.0)
    backend.close()

    assert SECRET not in str(caught.value)


def test_ping_of_a_replica_set(mongo_url: str) -> None:
    """A ping names product, version and replica set, and that there are transactions."""
    backend = MongoBackend.open(mongo_url, options())
    info = backend.ping(timeout=5.0)
    backend.close()

    assert info.description.startswith("MongoDB ")
    assert "replica set" in info.description
    assert info.transactions
    assert 0 < info.latency < 1


@pytest.mark.parametrize("known", [False, True])
@pytest.mark.parametrize("read_only", [False, True])
def test_standalone_has_no_transactions(standalone: MongoServer, known: bool, read_only: bool) -> None:
    """U19: a standalone server refuses transactions and snapshots, saying what to do; plain operations work."""
    backend = MongoBackend.open(standalone.url_for("db"), options())
    if known:
        info = backend.ping(timeout=5.0)
        assert ("standalone", False) == (info.description.rpartition(", ")[2], info.transactions)
    with pytest.raises(TransactionsUnsupported, match="--replSet"):
        count(backend, transaction=backend.begin(read_only=read_only))

    assert 0 == count(backend)
    backend.close()


def test_closing_during_a_transaction(mongo_url: str) -> None:
    """A transaction of a backend that was closed meanwhile says so; the backend connects again."""
    backend = MongoBackend.open(mongo_url, options())
    transaction = backend.begin()
    count(backend, transaction=transaction)
    backend.close()
    with pytest.raises(TristoreError, match="closed meanwhile"):
        count(backend, transaction=transaction)
    backend.abort(transaction)

    assert 0 == count(backend)
    backend.close()


def test_reading_during_a_close(mongo_url: str) -> None:
    """A cursor that is read after a close raises one of our errors, never a short list."""
    backend = MongoBackend.open(mongo_url, options())
    cursor = backend.find("things", Query(), transaction=None, timeout=5.0)
    backend.close()
    with pytest.raises(TristoreError):
        cursor.to_list()
    cursor.close()


def test_logging_without_values(mongo_url: str, caplog: pytest.LogCaptureFixture) -> None:
    """Servers, pools and failed commands are logged, values are not."""
    caplog.set_level(logging.DEBUG, logger="tristore.mongo")
    backend = MongoBackend.open(mongo_url, options())
    backend.ping(timeout=5.0)
    with pytest.raises(TristoreError):
        backend.find("$cmd", Query(), transaction=None, timeout=5.0).to_list()
    backend.close()
    text = "\n".join(record.getMessage() for record in caplog.records if record.name == "tristore.mongo")

    assert "core: found 127.0.0.1" in text
    assert "connection 1 ready" in text
    assert "find failed (code" in text
    assert "pool closed" in text
    assert "lost" not in text


def test_lost_server_is_logged(nobody: int, caplog: pytest.LogCaptureFixture) -> None:
    """A server that does not answer is warned of once, not at every look."""
    caplog.set_level(logging.INFO, logger="tristore.mongo")
    backend = MongoBackend.open(f"mongodb://127.0.0.1:{nobody}/db", options(heartbeatFrequencyMS=500))
    for _ in range(2):
        with pytest.raises(Unavailable):
            backend.ping(timeout=0.7)
    backend.close()

    assert 1 == sum("lost" in record.getMessage() for record in caplog.records)


def test_the_url_goes_before_the_settings() -> None:
    """Where both say something the URL is right; what neither says has the library's default; nothing is lost."""
    url = "mongodb://127.0.0.1/core?replicaSet=rs9&authSource=other"
    settings = {"replicaSet": "rs1", "directConnection": False, "authSource": "admin"}
    connection = Connection(url, BackendOptions("core", (), settings))
    given = connection.client.options
    connection.close()

    assert "rs9" == given.replica_set_name
    assert ("other", False) == (given._options["authsource"], given._options["directconnection"])
