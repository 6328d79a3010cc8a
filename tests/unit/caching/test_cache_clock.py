"""The clock of a cache tells all its times."""

from typing import Any

from contracts.caching.caching_base import misbehaving
from contracts.caching.misbehaving import Misbehaving

from tristore.adapters.caching.regions import breaker
from tristore.adapters.caching.store_cache import StoreCache


def test_the_breaker_follows_the_clock_of_its_cache() -> None:
    """C17: a cache that is left alone is tried again when its own clock says that the pause is over."""
    now = [1_000.0]
    broken = Misbehaving()
    broken.failing.add("set tokens")
    cache = StoreCache(misbehaving(broken), store="things", place="here", collections=["things"], clock=lambda: now[0])
    written: dict[str, Any] = {"things": None}
    for _ in range(breaker.ERRORS):
        cache.invalidate(written)
    broken.failing.clear()

    assert "breaker open" == cache.reason_against("things")
    now[0] += breaker.PAUSE
    assert "" == cache.reason_against("things")
    cache.close()
