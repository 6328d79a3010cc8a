"""The bounded backend of dogpile.cache: never larger than its bounds, whatever threads do."""

import random
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from dogpile.cache import make_region
from dogpile.cache.api import NO_VALUE
from sized import sized

from tristore import CacheSettings
from tristore.adapters.caching.regions.bounded import BoundedMemory
from tristore.adapters.caching.regions.regions import Regions


class Hand:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_found_by_its_name() -> None:
    """dogpile.cache finds it as tristore.bounded, with its arguments."""
    region = make_region().configure("tristore.bounded", arguments={"max_entries": 2})
    for key in "abc":
        region.set(key, key)

    assert [NO_VALUE, "b", "c"] == region.get_multi(["a", "b", "c"])  # type: ignore[no-untyped-call]


def test_least_recently_used_goes_first() -> None:
    """C20: reading a value keeps it, and the one that nobody has read for the longest time makes room."""
    memory = BoundedMemory(max_entries=2)
    memory.put("a", b"1", None)
    memory.put("b", b"2", None)
    memory.get("a")
    memory.put("c", b"3", None)

    assert (b"1", NO_VALUE, b"3") == (memory.get("a"), memory.get("b"), memory.get("c"))


def test_values_take_no_more_than_their_bound() -> None:
    """C20: bytes are counted, replaced values are not counted twice, and one that is too large is not kept."""
    memory = BoundedMemory(max_bytes=10)
    memory.put("a", b"12345", None)
    memory.put("a", b"123456", None)
    memory.put("b", b"1234", None)
    assert 10 == memory.bytes
    memory.put("c", b"1", None)
    memory.put("d", b"x" * 11, None)

    assert (5, 2, NO_VALUE) == (memory.bytes, len(memory), memory.get("a"))


def test_a_value_is_gone_after_its_time() -> None:
    """C13: up to a tenth earlier, never later."""
    clock = Hand()
    memory = BoundedMemory(clock=clock)
    for number in range(50):
        memory.put(f"{number}", b"", 100)
    clock.now = 89.9
    assert all(memory.get(f"{number}") == b"" for number in range(50))
    clock.now = 100.0

    assert all(memory.get(f"{number}") is NO_VALUE for number in range(50))
    assert (0, 0) == (len(memory), memory.bytes)


@pytest.mark.parametrize("bounds", [{"max_entries": 50}, {"max_bytes": 500}])
@sized(1_000, soak=5_000, name="steps")
def test_threads_keep_its_bounds(bounds: dict[str, int], steps: int) -> None:
    """C20: eight threads that get, put and drop meet no error, and never see it above its bound."""
    memory = BoundedMemory(**bounds)  # type: ignore[arg-type]
    largest = [0]
    stop = threading.Event()

    def watch() -> None:
        while not stop.is_set():
            largest[0] = max(largest[0], len(memory) if "max_entries" in bounds else memory.bytes)

    def work(seed: int) -> None:
        chance = random.Random(seed)
        for _ in range(steps):
            key = f"{chance.randrange(200)}"
            act = chance.random()
            if act < 0.5:
                memory.put(key, bytes(chance.randrange(40)), None)
            elif act < 0.9:
                memory.get(key)
            else:
                memory.drop(key)

    with ThreadPoolExecutor(9) as pool:
        watching = pool.submit(watch)
        try:
            list(pool.map(work, range(8)))
        finally:
            stop.set()
        watching.result()

    assert 0 < largest[0] <= next(iter(bounds.values()))


def test_regions_share_one_memory() -> None:
    """C20: the bounds are those of the cache, however many regions with times to live of their own it has."""
    regions = Regions(CacheSettings(url="memory://?max_entries=3"))
    for ttl in (10.0, 20.0):
        for key in "abc":
            regions.for_ttl(ttl).set(f"{ttl:g}{key}", b"x")

    assert regions.near is not None
    assert 3 == len(regions.near)
