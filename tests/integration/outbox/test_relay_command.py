"""``tristore relay`` on a real server."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from uuid import uuid4

import pytest
from click.testing import CliRunner

from tristore import FixedClock, SystemClock, open_stores
from tristore.__main__ import cli
from tristore.domain.core import User, UserRegistered
from tristore.operations import OutboxRelay
from tristore.testing import MongoServer
from tristore.three_stores import Stores

from ..core_store import Raw

NAMES = ("core", "analytics", "systemlogs")


@pytest.fixture
def urls(tristore_mongod: MongoServer, raw: Raw) -> Iterator[dict[str, str]]:
    """Three databases that do not exist yet."""
    names = {store: f"{store}_{uuid4().hex[:12]}" for store in NAMES}
    yield {store: tristore_mongod.url_for(name) for store, name in names.items()}
    for name in names.values():
        raw.drop_database(name)


@pytest.fixture
def stores(urls: dict[str, str]) -> Iterator[Stores]:
    """The stores there, prepared."""
    with open_stores(core=urls["core"], analytics=urls["analytics"], systemlogs=urls["systemlogs"]) as stores:
        stores.prepare()
        yield stores


def register(stores: Stores, name: str) -> User:
    """Register a user."""
    user = User.register(email=f"{name}@example.org", username=name)
    with stores.core.unit_of_work() as core:
        core.users.add(user)
    return user


def options(urls: dict[str, str]) -> list[str]:
    """The options that name the stores."""
    return [part for store in NAMES for part in (f"--{store}", urls[store])]


def test_once_delivers_what_is_due(stores: Stores, urls: dict[str, str]) -> None:
    """X1: with --once, events become audit entries, and what is left is printed."""
    ada = register(stores, "ada")

    result = CliRunner().invoke(cli, ["relay", "--once", *options(urls)])

    with stores.systemlogs.reader() as systemlogs:
        trail = systemlogs.audit.trail("user", ada.id)
    assert 0 == result.exit_code, result.output
    assert ["user.registered"] == [entry.action for entry in trail]
    assert "core" in result.output


def test_parked_records_are_an_exit_code(stores: Stores, urls: dict[str, str], raw: Raw) -> None:
    """X6: somebody has to look at a parked record, so that the exit code is 1."""
    register(stores, "ada")
    outbox = raw[urls["core"].rpartition("/")[2].partition("?")[0]].tristore_outbox
    outbox.update_many({}, {"$set": {"status": "parked"}})

    result = CliRunner().invoke(cli, ["relay", "--once", *options(urls)])

    assert 1 == result.exit_code, result.output


def test_it_delivers_until_it_is_told_to_end(stores: Stores, urls: dict[str, str]) -> None:
    """X4: without --once it goes on, and ends at once, with success, when it is told to."""
    command = [sys.executable, "-m", "tristore", "relay", "--poll", "0.05", *options(urls)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, "COLUMNS": "100"}
    ) as process:
        assert process.stderr is not None
        first = process.stderr.readline()
        users = [register(stores, name) for name in ("ada", "bob")]
        watched = OutboxRelay(stores.core)
        watched.on(UserRegistered, "audit", lambda event, delivery: None)
        end = time.monotonic() + 20
        while watched.backlog().waiting and time.monotonic() < end:
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=20)

    with stores.systemlogs.reader() as systemlogs:
        audited = [len(systemlogs.audit.trail("user", user.id)) for user in users]
    assert first.startswith("Delivering")
    assert (0, [1, 1]) == (process.returncode, audited), output


def test_parked_events_are_listed_replayed_and_given_up(stores: Stores, urls: dict[str, str]) -> None:
    """X6: by their ids, in whichever store they are, for one subscription or for all."""

    def refuse(event: object, delivery: object) -> None:
        raise RuntimeError("no such user")

    def command(*words: str) -> tuple[int, str]:
        result = CliRunner().invoke(cli, ["relay", *options(urls), *words], env={"COLUMNS": "100"})
        return result.exit_code, result.output

    register(stores, "ada")
    clock = FixedClock(SystemClock().now())
    relay = OutboxRelay(stores.core, clock=clock)
    relay.on(UserRegistered, "audit", refuse)
    for _ in range(20):
        relay.run_once()
        clock.advance(timedelta(minutes=5))
    (parked,) = relay.parked()
    listed = command("parked")
    wrong = command("replay", parked.event_id, "--subscription", "mail")
    replayed = command("replay", parked.event_id)
    relay.run_once()
    given_up = command("discard", parked.event_id, "--subscription", "audit")
    again = command("discard", parked.event_id)

    assert 1 == listed[0]
    assert all(word in listed[1] for word in (parked.event_id, "UserRegistered", "audit", "RuntimeError"))
    assert (2, True) == (wrong[0], "mail" in wrong[1])
    assert (0, f"{parked.event_id} of store core is due now for all that have not got it.\n") == replayed
    assert (0, f"{parked.event_id} of store core is given up for audit.\n") == given_up
    assert 2 == again[0]
    assert 0 == command("parked")[0]
