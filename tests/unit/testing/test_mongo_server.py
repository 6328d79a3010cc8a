"""The server for tests: found, started, stopped, and gone with the process that started it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from pymongo import MongoClient
from pymongo.errors import PyMongoError

from tristore import ConfigurationError
from tristore.adapters.testing.servers import mongod_process, server_process
from tristore.adapters.testing.servers.mongod_process import URL_VARIABLE
from tristore.testing import MongodProcess, MongoServer, find_mongod

HOLD = """
import sys, time
from tristore.adapters.testing.servers.server import MongoServer

server = MongoServer().start()
print(server.url, server._process._process.pid, server._process._directory, flush=True)
if sys.argv[1:] == ["leave"]:
    sys.exit()
time.sleep(100)
"""


@pytest.fixture
def own_server(tristore_mongod: MongoServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Look for a binary, even where the environment names a server."""
    monkeypatch.delenv(URL_VARIABLE, raising=False)
    try:
        find_mongod()
    except ConfigurationError as error:
        pytest.skip(str(error))


def gone(pid: int, directory: str) -> bool:
    """Wait until process and files are gone."""
    for _ in range(100):
        alive = Path(f"/proc/{pid}/cmdline").exists() and Path(f"/proc/{pid}/cmdline").read_bytes()
        if not alive and not Path(directory).exists():
            return True
        time.sleep(0.05)
    return False


@pytest.mark.usefixtures("own_server")
@pytest.mark.parametrize("replica_set", [True, False])
def test_start_and_stop(replica_set: bool) -> None:
    """A started server takes writes at once; a stopped one is gone, and stopping again does nothing."""
    server = MongoServer(replica_set=replica_set)
    with server:
        url = server.url
        with MongoClient[dict[str, object]](url) as client:
            client["a"]["b"].insert_one({})
            has_set = "setName" in client.admin.command("hello")
    server.stop()

    assert replica_set == has_set
    with pytest.raises(ConfigurationError, match="not running"):
        _ = server.url
    with MongoClient[dict[str, object]](url, serverSelectionTimeoutMS=200) as client, pytest.raises(PyMongoError):
        client.admin.command("ping")


def test_url_of_a_database(monkeypatch: pytest.MonkeyPatch) -> None:
    """The URL of the environment is used as it is, its database replaced where another is asked for."""
    monkeypatch.setenv(URL_VARIABLE, "mongodb://ada:pw@h1,h2:2/db?replicaSet=r")
    with MongoServer() as server:
        assert "mongodb://ada:pw@h1,h2:2/db?replicaSet=r" == server.url
        assert "mongodb://ada:pw@h1,h2:2/other?replicaSet=r" == server.url_for("other")


def test_no_server_anywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no server can be found, the error says the three ways to have one."""
    monkeypatch.delenv(URL_VARIABLE, raising=False)
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(mongod_process, "_wheel_binary", lambda: None)
    with pytest.raises(ConfigurationError) as caught:
        MongoServer().start()

    assert all(way in str(caught.value) for way in (URL_VARIABLE, "PATH", "tristore[mongod]"))


@pytest.mark.usefixtures("own_server")
@pytest.mark.parametrize("end", ["leave", signal.SIGTERM, signal.SIGKILL])
def test_server_ends_with_its_process(end: str | signal.Signals) -> None:
    """However the process ends that started it, the server ends too and its files are removed."""
    arguments = [end] if isinstance(end, str) else []
    process = subprocess.Popen([sys.executable, "-c", HOLD, *arguments], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    _, pid, directory = process.stdout.readline().split()
    if isinstance(end, signal.Signals):
        process.send_signal(end)
    process.wait()
    process.stdout.close()

    assert gone(int(pid), directory)


@pytest.mark.usefixtures("own_server")
def test_taken_port(monkeypatch: pytest.MonkeyPatch) -> None:
    """A port that is taken in between is mended by another start."""
    free = server_process._free_port
    ports: list[int] = []

    def first_taken() -> int:
        ports.append(free() if ports else int(server.url.rpartition(":")[2].partition("/")[0]))
        return ports[-1]

    with MongoServer() as server:
        monkeypatch.setattr(server_process, "_free_port", first_taken)
        with MongoServer() as other:
            assert other.url != server.url

    assert 2 == len(ports)


@pytest.mark.parametrize(
    ("script", "says"),
    [
        ("exit 3", "ended with code 3"),
        ('while [ $# -gt 0 ]; do [ "$1" = --logpath ] && echo bad option > "$2"; shift; done', "bad option"),
    ],
)
def test_server_that_does_not_start(script: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A binary that ends at once is an error that says why."""
    binary = tmp_path / "mongod"
    binary.write_text(f"#!/bin/sh\n{script}\n")
    binary.chmod(0o755)
    monkeypatch.delenv(URL_VARIABLE, raising=False)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(ConfigurationError, match=says):
        MongoServer().start()


def test_missing_libraries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Shared libraries that the binary needs and the system lacks are named."""
    for name, script in {"mongod": "exit 127", "ldd": "echo 'libcurl.so.4 => not found'"}.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    process = MongodProcess(str(tmp_path / "mongod"), replica_set=False)
    while process.running:
        time.sleep(0.01)
    problem = process.why_it_ended()
    process.stop()

    assert problem is not None
    assert "libcurl.so.4" in problem
