"""Reaching the cache: by arguments, settings and environment, from stores and from the container."""

import logging
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from dependency_injector import providers

from tristore import CacheSettings, ConfigurationError, DocumentStore, open_store, open_stores
from tristore.domain.core import CoreUnitOfWork, Organization
from tristore.operations import CacheStats, Counted
from tristore.three_stores import CORE, Container, Settings, Stores


def store_with(stores: Stores) -> str:
    """Add an organization, and read it twice through the cache; the id that it has."""
    one = Organization(name="Acme", slug="acme")
    stores.core.run(lambda core: core.organizations.add(one))
    for _ in range(2):
        with stores.core.reader() as core:
            core.organizations.cached().get(one.id)
    return one.id


def reads(stats: CacheStats) -> tuple[int, int, int]:
    """Hits, misses and bypasses."""
    return stats.total("hit"), stats.total("miss"), stats.total("bypass")


def test_each_store_counts_for_itself() -> None:
    """C22: the counters stand under the name of the store, collection and method."""
    with open_stores(Settings()) as stores:
        store_with(stores)
        stats = stores.cache_stats()

    assert ["core", "analytics", "systemlogs"] == list(stats)
    assert (1, 1, 0) == reads(stats["core"])
    assert {} == stats["analytics"].counts
    assert 1 == stats["core"].counts[Counted("organizations", "get", "hit")]
    assert 0.5 == stats["core"].hit_rate


class Metrics:
    """Counts as a library for metrics does."""

    def __init__(self) -> None:
        self.seen: Counter[tuple[str, str, str]] = Counter()

    def counted(self, store: str, counted: Counted, seconds: float) -> None:
        """Something was counted."""
        self.seen[store, counted.collection, counted.outcome] += 1


def test_an_observer_hears_of_every_store() -> None:
    """C22: what is counted from then on, with the name of the store."""
    metrics = Metrics()
    with open_stores(Settings()) as stores:
        stores.observe_cache(metrics)
        store_with(stores)
        with stores.systemlogs.unit_of_work() as systemlogs:
            systemlogs.audit.cached().count()

    assert {("core", "organizations"), ("systemlogs", "audit")} == {(store, name) for store, name, _ in metrics.seen}
    assert 1 == metrics.seen["core", "organizations", "hit"]


def test_the_counters_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    """C22: one line for each store that has something to tell, when it is asked for and when the store is closed."""
    caplog.set_level(logging.INFO, "tristore.cache")
    stores = open_stores(Settings())
    store_with(stores)
    stores.log_cache_stats()
    asked_for = [*caplog.messages]
    stores.close()
    counts = "hit 1, miss 1, load 1, load error 0, bypass 0, error 0, invalidation 0, hit rate 50%"
    line = f"store core: cache at memory://: {counts}"

    assert [line] == asked_for
    assert [line, line] == caplog.messages


@pytest.mark.parametrize(
    "opened",
    [
        lambda: open_stores(Settings(), cache="null://"),
        lambda: open_stores(Settings(cache=CacheSettings(url="null://"))),
        lambda: open_stores(Settings(cache=CacheSettings(enabled=False))),
        lambda: open_stores(Settings.from_environment({"TRISTORE_CACHE": "off"})),
        lambda: open_stores(Settings.from_environment({"TRISTORE_CACHE_URL": "null://"})),
    ],
    ids=["argument", "settings", "switched off", "environment", "URL"],
)
def test_no_cache_wherever_it_is_said(opened: Callable[[], Stores]) -> None:
    """C19: by argument, settings or environment, all three stores are without a cache."""
    with opened() as stores:
        store_with(stores)

        assert (0, 0, 2) == reads(stores.cache_stats()["core"])
        assert ["cache: off"] * 3 == [report.details.partition("; ")[2] for report in stores.check()]


def own_store(**options: Any) -> DocumentStore[CoreUnitOfWork]:
    """A store that is opened as users open theirs."""
    return open_store(CoreUnitOfWork, url="memory://", documents=CORE, **options)


@pytest.mark.parametrize(("word", "said"), [("off", "off"), (" off ", "off"), ("on", "per store"), ("", "per store")])
def test_the_switch_reaches_every_store(monkeypatch: pytest.MonkeyPatch, word: str, said: str) -> None:
    """C19: TRISTORE_CACHE holds for stores of a user's own too, unless their settings name `enabled`."""
    monkeypatch.setenv("TRISTORE_CACHE", word)
    stores = own_store(), own_store(cache="memory://?max_entries=5"), own_store(cache=CacheSettings(prefix="mine"))
    told = own_store(cache=CacheSettings(enabled=True))

    assert all(store.check().details.startswith(f"in memory; cache: {said}") for store in stores)
    assert "per store" in told.check().details
    assert Settings.from_environment({}).cache.enabled


def test_another_word_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A switch that says neither on nor off stops the store from being opened."""
    monkeypatch.setenv("TRISTORE_CACHE", "no")

    with pytest.raises(ConfigurationError, match=r"^TRISTORE_CACHE must be on or off, not 'no'$"):
        own_store()


def test_backends_are_named_as_dogpile_names_them() -> None:
    """Any backend of dogpile.cache can stand in the environment, by its own name and arguments."""
    settings = Settings.from_environment({"TRISTORE_CACHE_URL": "dogpile.cache.memory_pickle://"})
    with open_stores(settings) as stores:
        store_with(stores)

        assert (1, 1, 0) == reads(stores.cache_stats()["core"])


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("memory://?max_entries=many", "max_entries and max_bytes are whole numbers"),
        ("memory://?size=5", "takes max_entries and max_bytes, not size"),
        ("mongodb://cache", "names no cache"),
        ("redis", "is memory://, redis://host:6379/0 or null://"),
        ("redis://:secret@cache:port", "cannot be made"),
    ],
)
def test_a_wrong_url_is_refused_when_the_store_is_opened(url: str, words: str) -> None:
    """The error says what is wrong and what there is, without a password."""
    with pytest.raises(ConfigurationError, match=words) as caught:
        own_store(cache=url)

    assert "secret" not in str(caught.value)


def test_the_container_opens_its_stores_with_the_cache_of_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """The settings of the container are those of the environment; a test gives it others."""
    monkeypatch.setenv("TRISTORE_CACHE_URL", "null://")
    from_environment = Container()
    given = Container(settings=providers.Object(Settings(cache=CacheSettings(url="memory://?max_entries=5"))))
    try:
        ids = [store_with(container.stores()) for container in (from_environment, given)]
        counted = [reads(container.stores().cache_stats()["core"]) for container in (from_environment, given)]
    finally:
        for container in (from_environment, given):
            container.shutdown_resources()

    assert [(0, 0, 2), (1, 1, 0)] == counted
    assert 2 == len({*ids})
