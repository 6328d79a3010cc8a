"""The commands on a real server."""

import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator

import pytest
from click.testing import CliRunner
from dependency_injector import providers

from tristore.adapters.cli.demo.invariants import INVARIANTS, data_of, read_back
from tristore.adapters.cli.demo.plan import make_plan
from tristore.adapters.cli.demo.scenario import Run, play
from tristore.adapters.cli.main import cli
from tristore.testing import MongoServer
from tristore.three_stores import Argon2PasswordHasher, Container, Settings

STORES = ("core", "analytics", "systemlogs")


@pytest.fixture
def settings(tristore_mongod: MongoServer) -> Iterator[Settings]:
    """Settings for three fresh databases, which are dropped afterwards."""
    from pymongo import MongoClient

    names = {store: f"{store}_{uuid.uuid4().hex[:12]}" for store in STORES}
    urls = {store: tristore_mongod.url_for(name) for store, name in names.items()}
    yield Settings().with_urls(**urls).prepared("create")
    with MongoClient[dict[str, object]](tristore_mongod.url) as client:
        for name in names.values():
            client.drop_database(name)


def played(settings: Settings) -> tuple[dict[str, object], list[str]]:
    """The data of a run, and the invariants that it broke."""
    quick = Argon2PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    container = Container(settings=providers.Object(settings), passwords=providers.Object(quick))
    run = Run(make_plan(5, 1), container)
    try:
        list(play(run))
        stored = read_back(run)
        return data_of(run), [name for name, holds in INVARIANTS if not holds(stored)]
    finally:
        container.shutdown_resources()


def test_the_same_seed_gives_the_same_data_on_both_backends(settings: Settings) -> None:
    """A run on a real server leaves what a run in memory leaves, and can be repeated there."""
    data, broken = played(settings)
    again, broken_again = played(settings)
    in_memory, broken_in_memory = played(Settings())

    assert ([], [], []) == (broken, broken_again, broken_in_memory)
    assert in_memory == data
    assert in_memory == again


def test_the_demo_runs_on_a_real_server(settings: Settings) -> None:
    """The command itself succeeds with three URLs of a server."""
    options = [part for store in STORES for part in (f"--{store}", getattr(settings, store).url)]

    result = CliRunner().invoke(cli, ["demo", "--users", "3", *options])

    assert 0 == result.exit_code, result.output


def test_mongod_prints_what_to_export_and_stops_with_its_server() -> None:
    """The three lines, put into a shell, lead to a server that can be used, until the command is interrupted."""
    command = [sys.executable, "-m", "tristore", "mongod"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        exports = "".join(process.stdout.readline() for _ in STORES)
        script = f"{exports}\n{sys.executable} -m tristore demo --users 2 && {sys.executable} -m tristore check"
        used = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=False)
        process.send_signal(signal.SIGINT)
        try:
            _, complaints = process.communicate(timeout=20)
        finally:
            process.kill()
        gone = subprocess.run(
            ["sh", "-c", f"{exports}\n{sys.executable} -m tristore check --timeout 0.5"],
            env={**os.environ, "COLUMNS": "100"},
            capture_output=True,
            text=True,
            check=False,
        )

    assert 3 == exports.count("export TRISTORE_")
    assert 0 == used.returncode, used.stdout + used.stderr
    assert (0, True) == (process.returncode, complaints.endswith("Stopped.\n")), complaints
    assert 1 == gone.returncode, gone.stdout
