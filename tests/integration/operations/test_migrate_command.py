"""The commands under ``tristore migrate`` on a real mongod, as a person uses them."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from contracts.parcels import migrated, old
from sized import sized

from tristore.__main__ import cli

from ..core_store import Raw, RawDatabase, database_name

TESTS = Path(__file__).parents[2]
APP = "integration.parcels_app:migrations"
Migrate = Callable[..., Result]


@pytest.fixture
def parcels(mongo_url: str, raw: Raw) -> RawDatabase:
    """The database that the application uses, through a bare client."""
    return raw[database_name(mongo_url)]


@pytest.fixture
def migrate(mongo_url: str, monkeypatch: pytest.MonkeyPatch) -> Migrate:
    """Run a command for the application."""
    monkeypatch.setenv("PARCELS_URL", mongo_url)
    monkeypatch.setattr(sys, "path", [*sys.path, str(TESTS)])

    def run(*arguments: str, app: str = APP) -> Result:
        return CliRunner().invoke(cli, ["migrate", *arguments, "--app", app], terminal_width=100)

    return run


def shown(result: Result) -> str:
    """The output in one line, which no table is wider than 100 columns of."""
    assert all(len(line) <= 100 for line in result.output.splitlines())
    return " ".join(result.output.translate(str.maketrans("│┃", "  ")).split())


def test_from_old_documents_to_a_verified_store(migrate: Migrate, parcels: RawDatabase) -> None:
    """status and verify say with exit code 1 what is left, plan shows it, run does it, and then all is well."""
    parcels["parcels"].insert_many([old(1), old(2), migrated(3)])

    status, verify = migrate("status"), migrate("verify", "--quick")
    plan = migrate("plan", "--samples", "2")
    untouched = parcels["parcels"].count_documents({"schemaVersion": 1})
    run = migrate("run")
    after = [migrate("status"), migrate("verify"), migrate("run"), migrate("plan")]

    assert ([1, 1], 2) == ([status.exit_code, verify.exit_code], untouched)
    assert "parcel parcels 5 1: 2, 5: 1 2 left" in shown(status)
    assert "2026-01-ada Parcels of Ada go first pending" in shown(status)
    assert "parcel.parcels: 2 of 3 documents to version 5; now 1: 2, 5: 1" in shown(plan)
    assert "to 2: rename number to code; default priority = 'normal'" in shown(plan)
    assert all(line in shown(plan) for line in ("- number: 'P1'", "+ code: 'P1'", "- weight: '1' + weight: 1000"))
    assert 0 == run.exit_code, run.output
    assert "collection documents retried failed left time" in shown(run)
    assert "parcels 2 0 0 0" in shown(run)
    assert "done" in shown(run)
    assert "3 parcels" in shown(run)
    assert [0, 0, 0, 0] == [one.exit_code for one in after]
    assert "complete" in shown(after[0])
    assert "parcel: nothing to do" in shown(after[2])
    assert "parcel: nothing to do" in shown(after[3])
    assert ["high"] * 3 == [one["priority"] for one in parcels["parcels"].find()]


def test_what_fails_is_named(migrate: Migrate, parcels: RawDatabase) -> None:
    """Documents that cannot be migrated are listed with the reason; the others are done, and the exit code is 1."""
    parcels["parcels"].insert_many([old(1, weight="heavy"), old(2), migrated(3, schemaVersion=9)])

    run = migrate("run", "--only", "parcels", "--batch", "1", "--rate", "1000")
    verify = migrate("verify")

    assert [1, 1] == [run.exit_code, verify.exit_code]
    assert f"parcels {old(1)['_id']}: document {old(1)['_id']} of parcels cannot be brought to schema" in shown(run)
    assert "not complete" in shown(run)
    assert "newer code wrote it" in shown(verify)
    assert {1: 1, 5: 1, 9: 1} == {
        one["_id"]: one["n"]
        for one in parcels["parcels"].aggregate([{"$group": {"_id": "$schemaVersion", "n": {"$sum": 1}}}])
    }


@pytest.mark.parametrize(
    ("arguments", "app", "line"),
    [
        (["status"], "integration.parcels_app", "--app integration.parcels_app needs --url, which says where"),
        (["status"], "integration.parcels_app:none", "integration.parcels_app has no 'none'; it may be a store"),
        (["status"], "no_such_app:migrations", "ConfigurationError: there is no module 'no_such_app'"),
        (["status", "--url", "memory://"], APP, "cannot be called (too many positional arguments): leave --url out"),
        (["status"], "integration.parcels_app:opened", "(missing a required argument: 'url'): give --url, which says"),
        (["status", "--store", "parcels"], APP, "there is no store parcels: there are parcel"),
        (["add-field", "parcels", "colour"], APP, "Parcel has no field 'colour' that could be added"),
        (["add-field", "parcel", "priority"], APP, "no store has a collection or step parcel: there are 2026-01-ada"),
        (
            ["status"],
            "integration.parcels_app:not_migrations",
            "gives 'int', which is neither a Migrations nor",
        ),
        (["run", "--only", "parcel"], APP, "no store has a collection or step parcel: there are 2026-01-ada, parcels"),
    ],
)
def test_a_users_mistake_is_one_line(migrate: Migrate, arguments: list[str], app: str, line: str) -> None:
    """What is wrong stands in one line, without a traceback, and the exit code is 2."""
    result = migrate(*arguments, app=app)

    assert 2 == result.exit_code
    assert line in " ".join(result.output.split())
    assert "Traceback" not in result.output


def test_a_field_is_added(migrate: Migrate, parcels: RawDatabase) -> None:
    """Documents without an added field are given its default; documents of older versions wait for the run."""
    bare = {key: value for key, value in migrated(1).items() if key != "priority"}
    parcels["parcels"].insert_many([bare, migrated(2)])

    added = migrate("add-field", "parcels", "priority")
    again = migrate("add-field", "parcels", "priority")

    assert [0, 0] == [added.exit_code, again.exit_code], added.output
    assert "Added in parcel" in shown(added)
    assert "parcels priority 1 0 0" in shown(added)
    assert "parcels priority 0 0 0" in shown(again)
    assert ["normal", "normal"] == [one["priority"] for one in parcels["parcels"].find()]


def test_a_function_that_takes_a_url(mongo_url: str, migrate: Migrate) -> None:
    """--url goes to a function that opens the store; a module without a name is searched for its units of work."""
    for app in ("integration.parcels_app:opened", "contracts.parcels"):
        status = migrate("status", "--url", mongo_url, app=app)

        assert 0 == status.exit_code, status.output
        assert "parcel parcels 5 empty complete" in shown(status)


def test_the_three_stores() -> None:
    """Without --app the commands are about tristore's own stores."""
    result = CliRunner().invoke(cli, ["migrate", "status"], env={"TRISTORE_CORE_URL": "memory://"})

    assert 0 == result.exit_code
    assert all(name in result.output for name in ("users", "playback", "audit"))


DOCUMENTS = 4_000


@sized(2, soak=8, name="kills")
def test_killed_again_and_again(mongo_url: str, parcels: RawDatabase, kills: int) -> None:
    """A run that is killed with kill -9 in its midst ends as one clean run, each document written once."""
    parcels["parcels"].insert_many([old(number) for number in range(DOCUMENTS)])
    command = [sys.executable, "-m", "tristore", "migrate", "run", "--app", APP, "--only", "parcels", "--batch", "50"]
    command += ["--lease", "0.5", "--wait", "60"]
    environment = {**os.environ, "PYTHONPATH": str(TESTS), "PARCELS_URL": mongo_url}
    stretch = DOCUMENTS * 4 // 5 // kills
    stops = [number * stretch + random.randrange(1, stretch // 2) for number in range(kills)]
    left: list[int] = []

    for stop in stops:
        process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        end = time.monotonic() + 120
        while done(parcels) < stop and process.poll() is None and time.monotonic() < end:
            time.sleep(random.uniform(0, 0.01))
        process.send_signal(signal.SIGKILL)
        _, errors = process.communicate()
        assert -signal.SIGKILL == process.returncode, errors.decode()
        left.append(DOCUMENTS - done(parcels))
    last = subprocess.run(command, env=environment, check=False, capture_output=True, timeout=240)

    assert 0 == last.returncode, last.stderr
    assert left == sorted(left, reverse=True)
    assert 0 < left[-1] < left[0] < DOCUMENTS
    # each was written once: no run did again what a killed one had done
    assert [migrated(number) for number in range(DOCUMENTS)] == list(parcels["parcels"].find(sort=[("_id", 1)]))


def test_ctrl_c_says_how_to_go_on(mongo_url: str, parcels: RawDatabase) -> None:
    """A run that is interrupted ends with one line and the exit code 130, and the next one goes on behind it."""
    parcels["parcels"].insert_many([old(number) for number in range(200)])
    command = [sys.executable, "-m", "tristore", "migrate", "run", "--app", APP, "--only", "parcels"]
    environment = {**os.environ, "PYTHONPATH": str(TESTS), "PARCELS_URL": mongo_url}
    # what is started in the background ignores Ctrl-C, and hands that on
    attentive = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    program = f"{attentive}; from tristore.__main__ import main; main()"
    slow = [sys.executable, "-c", program, *command[3:], "--batch", "5", "--rate", "50"]
    with subprocess.Popen(slow, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        end = time.monotonic() + 60
        while not done(parcels) and time.monotonic() < end:
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=60)
    begun = done(parcels)
    again = subprocess.run(command, env=environment, check=False, capture_output=True, timeout=120)

    assert (130, "") == (process.returncode, output)
    assert errors.endswith("Stopped; the same command goes on behind the last checkpoint.\n")
    assert "Traceback" not in errors
    assert 0 < begun < 200
    assert (0, 200) == (again.returncode, done(parcels))


def done(parcels: Any) -> int:
    """How many documents are migrated."""
    count: int = parcels["parcels"].count_documents({"schemaVersion": 5})
    return count
