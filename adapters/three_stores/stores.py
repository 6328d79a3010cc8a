"""The three stores, opened together."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self, TypeVar

from attrs import frozen

from ...domain.analytics import AnalyticsUnitOfWork
from ...domain.core import CoreUnitOfWork
from ...domain.entities.clock import Clock, SystemClock
from ...domain.entities.events import Event
from ...domain.systemlogs import SystemlogsUnitOfWork
from ...domain.unit_of_work.health import Health
from ...domain.unit_of_work.store import StoreReport
from ...domain.unit_of_work.unit_of_work import UnitOfWork
from ..caching.settings import CacheSettings
from ..caching.stats import CacheObserver, CacheStats
from ..documents.declarations.documents import Documents
from ..documents.store import DocumentStore, open_store
from ..observability.metrics import Metrics
from ..operations.health import MAX_LAG, check_of, health_of
from .analytics import ANALYTICS, ANALYTICS_EVENTS
from .core import CORE, CORE_EVENTS
from .settings import Prepare, Settings, StoreSettings
from .systemlogs import SYSTEMLOGS, SYSTEMLOGS_EVENTS, kept_for

UnitT = TypeVar("UnitT", bound=UnitOfWork[Any])


@frozen
class Stores:
    """The three stores of tristore; a context manager that closes them at its end."""

    core: DocumentStore[CoreUnitOfWork]
    analytics: DocumentStore[AnalyticsUnitOfWork]
    systemlogs: DocumentStore[SystemlogsUnitOfWork]

    def __iter__(self) -> Iterator[DocumentStore[Any]]:
        """Iterate over the stores."""
        return iter((self.core, self.analytics, self.systemlogs))

    def __enter__(self) -> Self:
        """Begin; connections open at their first use."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the stores."""
        self.close()

    def prepare(self) -> None:
        """Create the declared collections and indexes of every store; what is there already stays.

        Raises:
            ConfigurationError: if an index cannot be created, for instance over duplicates.
        """
        for store in self:
            store.prepare()

    def check(self, *, timeout: float = 5.0) -> list[StoreReport]:
        """Look at every store at the same time; what is wrong with one is in its report."""
        return check_of(*self, timeout=timeout)

    def cache_stats(self) -> Mapping[str, CacheStats]:
        """Return what the cache of each store has counted, by the name of the store."""
        return {store.name: store.cache_stats() for store in self}

    def log_cache_stats(self) -> None:
        """Write what the caches have counted to the logger ``tristore.cache``, one line for each store."""
        for store in self:
            store.log_cache_stats()

    def observe_cache(self, observer: CacheObserver) -> None:
        """Let an observer, such as a metrics library, hear of everything that the caches count."""
        for store in self:
            store.observe_cache(observer)

    def health(self, *, timeout: float = 5.0, count_versions: bool = False, max_lag: float = MAX_LAG) -> Health:
        """Ask every store how it is, at the same time, as `health_of` does: for readiness probes and people on call.

        Args:
            timeout: seconds for each question.
            count_versions: whether documents of another schema version are counted, which looks at every document.
            max_lag: seconds of replication lag above which there is a warning.
        """
        return health_of(*self, timeout=timeout, count_versions=count_versions, max_lag=max_lag)

    def save(self) -> None:
        """Keep what was committed so far in every store, as `Store.save` does.

        Raises:
            ConfigurationError: if one is at ``memory://``, which keeps nothing.
            Unavailable: if one cannot be kept now.
        """
        for store in self:
            store.save()

    def close(self) -> None:
        """Release connections. Closed stores open again at the next use."""
        with ExitStack() as stack:  # an error of one does not keep the others open
            for store in self:
                stack.callback(store.close)


def open_stores(
    settings: Settings | None = None,
    *,
    core: str | None = None,
    analytics: str | None = None,
    systemlogs: str | None = None,
    cache: str | None = None,
    clock: Clock | None = None,
    prepare: Prepare | None = None,
    metrics: Metrics | None = None,
) -> Stores:
    """Open the three stores. Nothing is connected before it is used.

    Args:
        settings: where they are; by default what the environment says.
        core: a URL that goes before the settings.
        analytics: a URL that goes before the settings.
        systemlogs: a URL that goes before the settings.
        cache: the URL of the caches, which goes before the settings.
        clock: tells entities the time; by default that of the machine.
        prepare: what the first use does about declared unique keys, before the settings.
        metrics: counts commands, connections and units of all three; without it nothing is listened to.

    Raises:
        ConfigurationError: if a setting or URL is wrong.
    """
    settings = settings or Settings.from_environment()
    settings = settings.with_urls(core=core, analytics=analytics, systemlogs=systemlogs, cache=cache)
    if prepare is not None:
        settings = settings.prepared(prepare)
    parts = _Parts(settings.cache, clock or SystemClock(), metrics)
    return Stores(
        core=parts.open(CoreUnitOfWork, "core", settings.core, CORE, CORE_EVENTS),
        analytics=parts.open(AnalyticsUnitOfWork, "analytics", settings.analytics, ANALYTICS, ANALYTICS_EVENTS),
        systemlogs=parts.open(
            SystemlogsUnitOfWork,
            "systemlogs",
            settings.systemlogs,
            kept_for(settings.systemlogs.retention, SYSTEMLOGS),
            SYSTEMLOGS_EVENTS,
        ),
    )


@frozen
class _Parts:
    """What the three stores have in common."""

    cache: CacheSettings
    clock: Clock
    metrics: Metrics | None

    def open(
        self,
        unit: type[UnitT],
        name: str,
        settings: StoreSettings,
        documents: tuple[Documents, ...],
        publishes: tuple[type[Event], ...],
    ) -> DocumentStore[UnitT]:
        return open_store(
            unit,
            url=settings.url,
            documents=documents,
            name=name,
            prepare=settings.prepare,
            transactions=settings.transactions,
            operation_timeout=settings.operation_timeout,
            settings=settings.connection,
            clock=self.clock,
            publishes=publishes,
            cache=self.cache,
            metrics=self.metrics,
        )
