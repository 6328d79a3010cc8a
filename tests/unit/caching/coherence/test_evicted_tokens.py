"""A cache that keeps too few tokens: what it forgets comes back as something else, and revives nothing."""

import random
from collections.abc import Iterator
from contextlib import closing, contextmanager

from contracts.caching.caching_base import (
    DOCUMENTS,
    Thing,
    Things,
    ThingStore,
    change,
    misbehaving,
    number_of,
    outcomes,
    save,
)
from contracts.caching.misbehaving import Misbehaving, Shelf

from tristore import open_store
from tristore.adapters.caching.store_cache import StoreCache

from .wrong_caches import TokensAreCounted

STEPS = 4_000
THINGS = 32
TOKENS = 8
"""So many fit; each thing has one of its own, and the collection another one."""


@contextmanager
def opened(scheme: type[StoreCache]) -> Iterator[ThingStore]:
    """A store whose cache keeps too few tokens, and every entry."""
    settings = misbehaving(Misbehaving(tokens=Shelf(most=TOKENS)))
    with closing(open_store(Things, url="memory://", documents=DOCUMENTS, cache=None)) as store:
        store.environment.cache = scheme(settings, store="things", place="here", collections=["things"])
        yield store


def stale_reads(store: ThingStore) -> int:
    """Read and commit in turn; count the reads that do not show the last commit."""
    draw = random.Random(5)
    truth = dict.fromkeys(range(THINGS), 0)
    save(store, *(Thing(id=id) for id in truth))
    stale = 0
    for step in range(1, STEPS + 1):
        id = draw.randrange(THINGS)
        if draw.random() < 0.3:
            change(store, id, number=step)
            truth[id] = step
        else:
            stale += number_of(store, id) != truth[id]
    return stale


def test_nothing_is_revived() -> None:
    """C3, C4: in 4,000 reads and commits none is stale, though the cache is of use."""
    with opened(StoreCache) as store:
        assert 0 == stale_reads(store)
        assert outcomes(store, "hit")[0] > 100


def test_counters_revive_what_is_old() -> None:
    """C4: the control: tokens that are counted, and begin at 0 where they were lost."""
    with opened(TokensAreCounted) as store:
        assert stale_reads(store) > 100
