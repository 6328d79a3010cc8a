"""A migration on a real server: its memory does not grow with the collection, and a person sees how far it is."""

import re
import sys
from pathlib import Path

import pytest
from contracts.parcels import PARCELS, ParcelUnitOfWork, old

from tristore import open_store
from tristore.operations import Migrations

from ..core_store import Raw, RawDatabase, database_name
from ..peaks import peak
from .terminal import on_a_terminal

TESTS = Path(__file__).parents[2]
BATCH = 200


@pytest.fixture
def parcels(mongo_url: str, raw: Raw) -> RawDatabase:
    """The database of the parcels, through a bare client."""
    return raw[database_name(mongo_url)]


@pytest.mark.soak
def test_the_memory_of_a_run_is_bounded(mongo_url: str, parcels: RawDatabase) -> None:
    """A run over fifty batches holds hardly more at once than one over ten."""

    def run_over(batches: int) -> int:
        parcels["parcels"].delete_many({})
        parcels["parcels"].insert_many([old(number) for number in range(batches * BATCH)])
        return peak(lambda: Migrations(store).run(batch=BATCH))

    with open_store(ParcelUnitOfWork, url=mongo_url, documents=[PARCELS], prepare="create") as store:
        few, many = run_over(10), run_over(50)
        assert 50 * BATCH == parcels["parcels"].count_documents({"schemaVersion": 5})

    assert many < 1.2 * few


def test_a_bar_with_rate_and_remaining_time(mongo_url: str, parcels: RawDatabase) -> None:
    """On a terminal a run shows documents done of all, documents a second, and the time that is left."""
    parcels["parcels"].insert_many([old(number) for number in range(600)])
    command = [sys.executable, "-m", "tristore", "migrate", "run", "--app", "integration.parcels_app:migrations"]

    code, lines = on_a_terminal(
        [*command, "--batch", "50", "--rate", "400"], {"PARCELS_URL": mongo_url, "PYTHONPATH": str(TESTS)}
    )

    bars = [line for line in lines if line.startswith("parcel.parcels ")]
    assert 0 == code, lines
    assert any(re.search(r"\d00/600 +[\d,]+/s 0:00:0\d$", bar) for bar in bars), bars
    assert "600/600" in bars[-1]
    assert all(len(line) <= 100 for line in lines)
