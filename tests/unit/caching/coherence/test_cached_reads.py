"""The law of cached reads, over random histories of two processes whose shared cache fails."""

import logging
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from sized import sized

from tristore.adapters.caching.store_cache import StoreCache

from .cache_law import Stale
from .cached_machine import CachedReads
from .cached_processes import Data, processes_at
from .wrong_caches import WRONG_CACHES, WrongCache

QUIET = settings(deadline=None, suppress_health_check=list(HealthCheck), stateful_step_count=25)
ENOUGH = 1_500
"""Histories among which a wrong rule is found."""


SHOULD_BE_MET = ("hit", "old elsewhere", "failed invalidations", "failed invalidation", "breaker open", "answer lost")
"""Reads that are found, or old as the law allows; reasons for a bypass; others who act when an answer is lost."""


@pytest.fixture(autouse=True)
def without_a_log() -> Iterator[None]:
    """The cache fails thousands of times, and says so each time."""
    log = logging.getLogger("tristore.cache")
    before = log.level
    log.setLevel(logging.CRITICAL)
    yield
    log.setLevel(before)


@pytest.fixture(scope="module")
def in_memory() -> Iterator[Data]:
    """Two processes, as far as the cache can tell, on one in-memory backend."""
    with closing(processes_at("memory://")) as data:
        yield data


@pytest.fixture
def on_mongo(mongo_url: str) -> Iterator[Data]:
    """Two stores on a real mongod."""
    with closing(processes_at(mongo_url)) as data:
        yield data


def machine(data: Data, cache: type[StoreCache] = StoreCache) -> type[CachedReads]:
    """The machine over this data, with this cache."""
    return type("Machine", (CachedReads,), {"data": data, "cache": cache, "met": Counter()})


@sized(60, soak=600)
def test_no_cached_read_is_older_than_the_law_allows(in_memory: Data, examples: int) -> None:
    """C3 to C19: whatever two processes do and whatever fails, no cached read is older than the law allows."""
    histories = machine(in_memory)
    run_state_machine_as_test(histories, settings=settings(QUIET, max_examples=examples))

    sys.stdout.write(f"\nmet in {examples} histories: {dict(histories.met)}\n")
    # histories in which nothing is found, fails, or is old where it may be would prove little
    assert [] == [what for what in SHOULD_BE_MET if not histories.met[what]]


class LikeRedis(StoreCache):
    """Looks for tokens and an entry at once."""

    @property
    def sees_all_at_once(self) -> bool:
        """As with a Redis."""
        return True


@sized(60, soak=600)
def test_with_one_look(in_memory: Data, examples: int) -> None:
    """C3 to C19: the same where one look holds the tokens and the entry, as in a Redis."""
    histories = machine(in_memory, LikeRedis)
    histories.ends_entries = True
    run_state_machine_as_test(histories, settings=settings(QUIET, max_examples=examples))

    assert [] == [what for what in SHOULD_BE_MET if not histories.met[what]]


@sized(8, soak=60)
def test_on_mongo(on_mongo: Data, examples: int) -> None:
    """C3 to C19: the same on a real mongod."""
    run_state_machine_as_test(machine(on_mongo), settings=settings(QUIET, max_examples=examples))


@pytest.mark.parametrize("wrong", WRONG_CACHES)
def test_a_wrong_rule_is_found(in_memory: Data, wrong: type[WrongCache]) -> None:
    """Each cache with a wrong rule breaks the law in one of the same histories."""
    found: Any = settings(
        QUIET,
        max_examples=ENOUGH,
        phases=[Phase.generate],
        database=None,
        derandomize=True,
        report_multiple_bugs=False,
    )
    with pytest.raises(Stale):
        run_state_machine_as_test(machine(in_memory, wrong), settings=found)
