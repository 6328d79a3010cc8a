"""Receipts go by themselves when their time is over."""

from datetime import UTC, datetime, timedelta

from tristore import FixedClock

from ..core_store import OpenCore, Raw, database_name, eventually

MINUTES = 150.0
"""Seconds: a server of the user's own looks for what has expired once a minute, those that tests start every second."""


def test_keys_expire(open_core: OpenCore, mongo_url: str, raw: Raw) -> None:
    """U6: a key has its effect once for as long as the store keeps receipts, and may have another one afterwards."""
    store = open_core(url=mongo_url, prepare="create", receipt_lifetime=timedelta(seconds=2))
    calls: list[int] = []
    for _ in range(2):
        store.run(lambda _: calls.append(1), key="k")
    receipts = raw[database_name(mongo_url)]["tristore_units"]

    assert ([1], 2) == (calls, receipts.count_documents({}))
    assert eventually(lambda: receipts.count_documents({}) == 0, timeout=MINUTES)
    store.run(lambda _: calls.append(1), key="k")
    assert [1, 1] == calls


def test_keys_do_not_expire_by_the_clock_of_the_store(open_core: OpenCore, mongo_url: str, raw: Raw) -> None:
    """U6: a key holds although the clock of its store stands still, long ago; the server expires by its own time."""
    store = open_core(url=mongo_url, prepare="create", clock=FixedClock(datetime(2000, 1, 1, tzinfo=UTC)))
    calls: list[int] = []

    def passes() -> int:
        return int(raw.admin.command("serverStatus")["metrics"]["ttl"]["passes"])

    store.run(lambda _: calls.append(1), key="k")
    begun = passes()

    assert eventually(lambda: passes() >= begun + 2, timeout=MINUTES)
    store.run(lambda _: calls.append(1), key="k")
    assert [1] == calls
