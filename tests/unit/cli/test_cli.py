"""The command line: what commands print, and their exit codes."""

import os
import subprocess
import sys

import pytest
from click.testing import CliRunner, Result

from tristore.adapters.cli.demo import demo
from tristore.adapters.cli.demo.invariants import INVARIANTS
from tristore.adapters.cli.main import cli

NOBODY = "mongodb://127.0.0.1:1/core"
"""Where no server listens."""


def tristore(*arguments: str, **environ: str) -> Result:
    """Run a command on a terminal of 100 columns, with nothing but these variables set."""
    stores = {f"TRISTORE_{name}_URL": "" for name in ("CORE", "ANALYTICS", "SYSTEMLOGS")}
    return CliRunner().invoke(cli, arguments, env={**stores, "COLUMNS": "100", **environ})


def test_the_version_is_that_of_the_package() -> None:
    """--version prints the version that is installed."""
    assert tristore("--version").output.startswith("tristore, version 0.")


def test_an_error_is_one_line() -> None:
    """What tristore finds wrong is one line on standard error and exit code 2, without a traceback."""
    result = tristore("check", TRISTORE_CORE_PREPARE="maybe")

    assert 2 == result.exit_code
    assert "" == result.stdout
    assert "ConfigurationError: TRISTORE_CORE_PREPARE must be check, create or off, not 'maybe'\n" == result.stderr


def test_an_unknown_scheme_is_one_line() -> None:
    """A URL that no backend is for is an error of the same form."""
    result = tristore("demo", "--core", "postgres://localhost/core")

    assert (2, 1) == (result.exit_code, result.stderr.count("\n"))


def test_check_reports_every_store() -> None:
    """With stores in memory, every one of them is fine."""
    result = tristore("check")

    assert 0 == result.exit_code, result.output
    assert all(name in result.stdout for name in ("core", "analytics", "systemlogs"))
    assert 3 == result.stdout.count(" ok ")
    assert 1 == result.stdout.count("per store"), "what is the same of all is said once"


@pytest.mark.parametrize(
    ("variables", "guarantee"),
    [
        ({"TRISTORE_CACHE": "off"}, "cache: off"),
        ({"TRISTORE_CACHE_URL": "null://"}, "cache: off"),
        ({}, "cache: per store, which nobody else writes: no read after a commit is older"),
    ],
)
def test_check_says_how_old_a_cached_read_can_be(variables: dict[str, str], guarantee: str) -> None:
    """C24: the guarantee of the cache in this set-up stands beside the state of each store."""
    result = tristore("check", **variables)

    assert 1 == " ".join(result.stdout.split()).count(guarantee)


def test_check_fails_if_one_store_cannot_be_used() -> None:
    """A store without a server makes the exit code 1, and the others are reported all the same."""
    result = tristore("check", "--core", NOBODY, "--timeout", "0.5")

    assert 1 == result.exit_code
    assert "not ok" in result.stdout
    assert "systemlogs" in result.stdout


def test_a_dead_server_ends_the_demo_with_one_line() -> None:
    """The demo on a server that is not there says so, in bounded time, and nothing else."""
    done = subprocess.run(
        [sys.executable, "-m", "tristore", "demo", "--core", NOBODY],
        env={**os.environ, "TRISTORE_OPERATION_TIMEOUT": "0.5"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (2, "", 1) == (done.returncode, done.stdout, done.stderr.count("\n"))
    assert done.stderr.startswith("Unavailable: ")


def test_the_demo_prints_its_steps_and_invariants() -> None:
    """The demo takes every step, finds every invariant held, and fits into 100 columns."""
    result = tristore("demo", "--users", "4")

    assert 0 == result.exit_code, result.output
    assert len(INVARIANTS) == result.stdout.count("holds")
    assert max(map(len, result.stdout.splitlines())) <= 100


def test_a_broken_invariant_fails_the_demo(monkeypatch: pytest.MonkeyPatch) -> None:
    """The exit code is 1 if an invariant does not hold."""
    monkeypatch.setattr(demo, "INVARIANTS", (("the moon is made of cheese", lambda stored: False),))

    result = tristore("demo", "--users", "2")

    assert 1 == result.exit_code
    assert "BROKEN" in result.stdout
