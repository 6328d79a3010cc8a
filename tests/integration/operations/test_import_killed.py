"""An import whose process is killed again and again ends as one that was not."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from random import Random

from sized import sized

from tristore import open_stores
from tristore.operations import to_line

from ..core_store import Raw

LINES = 12_000
BAD = 1_000
"""Every so many lines one is refused."""


@sized(2, soak=4, name="kills")
def test_an_import_that_is_killed_at_random_ends_the_same(mongo_url: str, raw: Raw, tmp_path: Path, kills: int) -> None:
    """Nothing is lost or doubled: neither documents without an id of their own, nor rejects."""
    file = tmp_path / "users.jsonl"
    lines = [to_line({"email": f"u{number}@example.org", "username": f"user{number}"}) for number in range(LINES)]
    lines[::BAD] = [b"{}\n"] * (LINES // BAD)
    file.write_bytes(b"".join(lines))
    with open_stores(core=mongo_url) as stores:
        stores.core.prepare()
    command = [sys.executable, "-m", "tristore", "import", "core.users", str(file), "--core", mongo_url, "--resume"]
    checkpoint, random = tmp_path / "users.jsonl.core.users.checkpoint", Random(7)
    for _ in range(kills):
        with subprocess.Popen(command, env=dict(os.environ), stdout=subprocess.DEVNULL) as running:
            before = checkpoint.read_bytes() if checkpoint.exists() else b""
            while running.poll() is None and (not checkpoint.exists() or checkpoint.read_bytes() == before):
                time.sleep(0.01)
            time.sleep(random.random() * 0.3)
            running.send_signal(signal.SIGKILL)
    done = subprocess.run(command, env=dict(os.environ), capture_output=True, text=True, check=False)

    users = raw[mongo_url.rpartition("/")[2].partition("?")[0]]["users"]
    rejected = [json.loads(line)["line"] for line in (tmp_path / "users.jsonl.rejects").read_text().splitlines()]
    assert 1 == done.returncode, done.stderr
    assert f"{LINES // BAD} refused" in done.stdout
    assert LINES - LINES // BAD == users.count_documents({}) == len(users.distinct("username"))
    assert list(range(1, LINES, BAD)) == rejected
    assert not checkpoint.exists()
