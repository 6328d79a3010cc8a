"""What `check` says of the cache in each set-up on a real server."""

from collections.abc import Iterator
from typing import Any

import pytest

from tristore import CacheSettings, ConfigurationError, DocumentStore, open_store
from tristore.domain.core import CoreUnitOfWork
from tristore.operations import health_of
from tristore.testing import MongoServer, RedisServer
from tristore.three_stores import CORE

NO_OLDER = "no read after a commit is older; what other"
IN_TIME = "write is seen after the time to live at the latest"
BY_STREAM = "write is seen some milliseconds later, by a change stream"
NOBODY = "redis://127.0.0.1:1/0"
"""Where no Redis listens."""


@pytest.fixture(scope="module")
def redis_url() -> Iterator[str]:
    """A running Redis."""
    with RedisServer() as server:
        yield server.url


def details(url: str, cache: Any) -> tuple[bool, str]:
    """What the report of a store says of its cache, and whether the store can be used."""
    store = open_store(CoreUnitOfWork, url=url, documents=CORE, cache=cache, transactions="off", prepare="create")
    try:
        store.prepare()
        report = store.check()
    finally:
        store.close()
    return report.ok, report.details.partition("; cache: ")[2]


@pytest.mark.parametrize(
    ("watch", "seen"), [pytest.param(False, IN_TIME, id="alone"), pytest.param(True, BY_STREAM, id="watch")]
)
def test_per_process_and_shared(mongo_url: str, redis_url: str, watch: bool, seen: str) -> None:
    """C13, C23, C24: in memory it holds in this process, on Redis in all; a change stream tells of all others."""
    in_memory = details(mongo_url, CacheSettings(watch=watch))
    in_redis = details(mongo_url, CacheSettings(url=redis_url, watch=watch))

    assert (True, f"per store: {NO_OLDER} stores and processes {seen}") == in_memory
    assert (True, f"shared: {NO_OLDER} programs {seen}") == in_redis


def test_bounded_by_the_time_to_live(mongo_url: str) -> None:
    """C18, C24: a Redis that does not answer is said to, for what is committed meanwhile cannot be told to others."""
    ok, said = details(mongo_url, NOBODY)

    assert ok
    assert said == (
        f"bounded by the time to live: {NOBODY} does not answer, and reads go past it; other processes may see for so "
        "long what was before a commit"
    )


@pytest.mark.parametrize(
    ("cache", "said"),
    [
        ("null://", "off"),
        (CacheSettings(url=NOBODY, enabled=False), "off"),
        (None, ""),
    ],
)
def test_off(mongo_url: str, cache: Any, said: str) -> None:
    """C19: a cache that is switched off is said to be, and asked for nothing."""
    assert (True, said) == details(mongo_url, cache)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ("readPreference=secondaryPreferred", "read preference"),
        ("readConcernLevel=available", "read concern"),
        ("readConcernLevel=majority&w=1", "write concern"),
    ],
)
def test_bypassed(mongo_url: str, redis_url: str, options: str, reason: str) -> None:
    """C8: where the URL lets the store's own reads be old, nothing is cached, and the reason is named."""
    url = f"{mongo_url}&{options}"

    assert (True, f"bypassed, because of the {reason}") == details(url, "memory://")
    assert (True, f"bypassed, because of the {reason}") == details(url, redis_url)


def test_watching_a_standalone_server(standalone: MongoServer) -> None:
    """C23: a server without change streams is refused when the store opens, by its check, and by its health."""
    store: DocumentStore[CoreUnitOfWork] = open_store(
        CoreUnitOfWork,
        url=standalone.url_for("watched"),
        documents=CORE,
        cache=CacheSettings(watch=True),
        transactions="off",
        prepare="create",
    )
    try:
        store.prepare()
        with pytest.raises(ConfigurationError, match=r"store core: .* has no change streams for the cache to follow"):
            store.open()
        report, (health,) = store.check(), health_of(store).stores
        with pytest.raises(ConfigurationError, match="change stream"), store.reader() as core:
            core.users.cached()
    finally:
        store.close()

    assert (False, False) == (report.ok, health.ready)
    assert "has no change streams for the cache to follow: use a replica set, or leave watch out" in report.details
    assert (report.details,) == health.problems
