"""Processes that die in the middle of a unit of work: nothing of it is seen, and the server frees its rows."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ..core_store import CoreStore, OpenCore, RawDatabase, save, user
from .unit_process import STEPS

pytestmark = pytest.mark.soak

TESTS = Path(__file__).parents[2]

LIMIT = 3
"""The server's `transactionLifetimeLimitSeconds` in tests."""

REAPED = 20
"""Seconds in which a server that may keep a transaction for `LIMIT` has certainly ended it; it looks now and then."""


@pytest.fixture
def store(open_core: OpenCore) -> CoreStore:
    """A store with two users."""
    store = open_core()
    save(store, user("ada", credits=10), user("bob"))
    return store


@pytest.mark.parametrize("step", STEPS)
def test_a_unit_of_a_dead_process(store: CoreStore, core_url: str, database: RawDatabase, step: str) -> None:
    """U2, U5: wherever it dies, all or nothing is there at once, and the rows are free within the server's limit."""
    command = [sys.executable, str(TESTS / "integration" / "unit_of_work" / "unit_process.py"), core_url, step]
    environment = {**os.environ, "PYTHONPATH": str(TESTS)}
    code = subprocess.run(command, env=environment, check=False, timeout=60).returncode
    seen = [one["credits"] for one in database["users"].find(sort=[("username", 1)])]
    logged = database["transfers"].count_documents({})

    began = time.monotonic()
    written = database.command(
        "update", "users", updates=[{"q": {}, "u": {"$inc": {"touched": 1}}, "multi": True}], maxTimeMS=REAPED * 1_000
    )
    sys.stdout.write(f"\ndead when {step}: rows free after {time.monotonic() - began:.1f} s, the limit is {LIMIT} s")

    applied = step == "after the commit"
    assert -signal.SIGKILL == code
    assert ([9, 1], 1) == (seen, logged) if applied else ([10, 0], 0) == (seen, logged)
    assert 2 == written["nModified"]
