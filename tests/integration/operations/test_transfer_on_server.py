"""Import and export on a real server: memory does not grow with the file, and a person sees how far they are."""

import json
import re
import sys
from pathlib import Path

import pytest

from tristore.operations import export_lines, import_lines

from ..core_store import CoreStore, OpenCore, RawDatabase
from ..peaks import peak
from .terminal import on_a_terminal

CHUNK = 2_000


def lines(path: Path, count: int) -> Path:
    """A file of so many users."""
    with path.open("w") as file:
        for number in range(count):
            file.write(json.dumps({"_id": {"$oid": f"{number:024x}"}, **user(number)}) + "\n")
    return path


def user(number: int) -> dict[str, str]:
    """What a line says of one."""
    return {"email": f"user{number}@example.org", "username": f"user{number}", "firstName": "Ada" * 10}


@pytest.mark.soak
def test_memory_is_bounded(open_core: OpenCore, database: RawDatabase, tmp_path: Path) -> None:
    """Six chunks hold hardly more at once than two do, into the store and out of it."""
    store: CoreStore = open_core()
    store.prepare()
    peaks = []
    for chunks in (2, 6):
        database["users"].delete_many({})
        source, target = lines(tmp_path / f"{chunks}.jsonl", chunks * CHUNK), tmp_path / f"{chunks}.out"
        went_in = peak(lambda source=source: import_lines(store, "users", source))  # type: ignore[misc]
        came_out = peak(lambda target=target: export_lines(store, "users", target))  # type: ignore[misc]
        peaks.append((went_in, came_out))
        assert chunks * CHUNK == database["users"].count_documents({}) == len(target.read_bytes().splitlines())

    assert peaks[1][0] < 1.2 * peaks[0][0]
    assert peaks[1][1] < 1.2 * peaks[0][1]


def test_bars_with_rate_and_remaining_time(core_url: str, open_core: OpenCore, tmp_path: Path) -> None:
    """On a terminal both show how much is done, how much a second, and the time that is left."""
    open_core().prepare()
    source = lines(tmp_path / "in.jsonl", 3 * CHUNK)
    command = [sys.executable, "-m", "tristore"]
    environment = {"TRISTORE_CORE_URL": core_url}

    imported, going_in = on_a_terminal([*command, "import", "core.users", str(source)], environment)
    exported, coming_out = on_a_terminal([*command, "export", "core.users", str(tmp_path / "out")], environment)

    assert (0, 0) == (imported, exported), (going_in, coming_out)
    bar = r"(\d+) % +[\d,]+ {} [\d,]+ a second .*0:00:\d\d$"
    assert [line for line in going_in if (found := re.search(bar.format("lines"), line)) and 0 < int(found[1]) < 100]
    assert [line for line in coming_out if re.search(bar.format("documents"), line)]
    assert all(len(line) <= 100 for line in (*going_in, *coming_out))
