"""The law of cached reads, over random histories of two processes whose shared cache fails."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from contracts.caching_base import DOCUMENTS, Things
from dogpile.cache.api import NO_VALUE
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tristore import open_store
from tristore.adapters.caching.debts import Debts
from tristore.adapters.caching.store_cache import StoreCache
from tristore.adapters.caching.tokens import Tokens

from .cached_machine import CachedReads

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

QUIET = settings(deadline=None, suppress_health_check=list(HealthCheck))
ENOUGH = 1_500
"""Histories among which a planted bug is found."""


@pytest.fixture
def machine(mongo_url: str) -> type[CachedReads]:
    """The machine over a prepared database."""
    with_collections = open_store(Things, url=mongo_url, documents=DOCUMENTS, cache=None)
    with_collections.prepare()
    with_collections.close()
    return type("OnMongo", (CachedReads,), {"url": mongo_url})


def test_no_cached_read_is_older_than_the_law_allows(machine: type[CachedReads]) -> None:
    """C3 to C18: commits, rollbacks, faults, lost answers, evictions: the law holds in every history."""
    run_state_machine_as_test(machine, settings=settings(QUIET, max_examples=60, stateful_step_count=40))


def replace_by_counting(self: Tokens, names: Any) -> None:
    """A wrong scheme: numbers that grow, and begin again at 0 where they were lost."""
    region: Any = self._region
    for name in names:
        found = region.get(name, ignore_expiration=True)
        region.set(name, f"{(0 if found is NO_VALUE else int(found, 16)) + 1:016x}")


def read_counters(self: Tokens, names: Sequence[str]) -> list[str]:
    """A wrong scheme: what is lost is 0."""
    region: Any = self._region
    found = region.get_multi(names, ignore_expiration=True)
    return [f"{0:016x}" if token is NO_VALUE else token for token in found]


def forget_queries(self: StoreCache, collection: str, ids: Any) -> list[str]:
    """A wrong scheme: queries stay as they are."""
    right: Callable[..., Any] = NAMES
    return [name for name in right(self, collection, ids) if not name.endswith("|q")]


NAMES = StoreCache._names
BUGS: dict[str, list[tuple[type[Any], str, Any]]] = {
    "tokens that count": [(Tokens, "replace", replace_by_counting), (Tokens, "read", read_counters)],
    "queries forgotten": [(StoreCache, "_names", forget_queries)],
    "a failure forgotten": [(Debts, "add", lambda self, collections: True)],
    "no invalidation": [(StoreCache, "invalidate", lambda self, written: None)],
}


@pytest.mark.parametrize("bug", BUGS)
def test_a_wrong_scheme_is_found(machine: type[CachedReads], monkeypatch: pytest.MonkeyPatch, bug: str) -> None:
    """A scheme that breaks the law is found by the same histories."""
    for cls, name, wrong in BUGS[bug]:
        monkeypatch.setattr(cls, name, wrong)

    with pytest.raises(AssertionError):
        run_state_machine_as_test(
            machine,
            settings=settings(
                QUIET, max_examples=ENOUGH, stateful_step_count=40, phases=[Phase.generate], database=None
            ),
        )
