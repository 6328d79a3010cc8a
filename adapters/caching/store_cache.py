"""The cache of one store: what is looked up, what a commit invalidates, and what happens when the cache fails."""

import logging
import threading
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

from dogpile.cache import CacheRegion
from dogpile.cache.api import NO_VALUE

from ...domain.errors import Unavailable
from ...domain.repository.caching import CacheOptions
from ..backend import Seen, Watch
from ..backend.urls import without_password
from .change_watcher import Watcher
from .failed_invalidations import Debts
from .port import Cache, CachedCollection, DocumentReads, Written
from .reads.cached_reads import CachedReads
from .reads.keys import KeyMaker, Scope, name_of
from .reads.tokens import Tokens
from .regions.breaker import Breaker, CacheDown
from .regions.regions import Regions
from .settings import CacheSettings
from .stats import CacheObserver, CacheStats, Counted, Recorder
from .switch import is_disabled

log = logging.getLogger("tristore.cache")

MOST_IDS = 1_000
"""So many entities of one collection are invalidated one by one; more, and all of the collection is."""

SETTLED = 60.0
"""Seconds after which a commit of unknown outcome has been applied or never will be: the server's own limit."""

_OPENING = 5.0
"""Seconds that the first cached read waits for the change stream to be open."""

_RETRY_AFTER = 1.0
"""Seconds between two tries to make good a failed invalidation."""


class StoreCache(Cache):
    """Reads and invalidations of one store.

    Args:
        settings: where the cache is.
        store: the logical name of the store.
        place: names the data of the store, equal in every process that sees the same.
        alone: whether nobody outside this process writes the store.
        incoherent: says why the store's own reads could be older than its commits; empty if they never are.
        watch: opens the change stream of the store, where the settings ask for one.
        collections: all that the store has.
        clock: seconds that only grow.
    """

    def __init__(
        self,
        settings: CacheSettings,
        *,
        store: str,
        place: str,
        alone: bool = False,
        incoherent: Callable[[], str] = lambda: "",
        watch: Callable[[], Watch] | None = None,
        collections: Collection[str] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.settings = settings
        self.recorder = Recorder(store)
        self._store = store
        self._place = place
        self._alone = alone
        self._incoherent = incoherent
        self._clock = clock
        breaker = Breaker(clock, without_password(settings.url))
        self._regions = Regions(settings, breaker, lambda: self.recorder.count(Counted("", "", "error")))
        self.tokens = Tokens(self._regions.tokens, self._regions.near_tokens)
        self._used = self._regions.is_shared  # what is in this process alone is empty before its first read
        self._debts = Debts()
        self._tried = -_RETRY_AFTER
        self._scopes: dict[tuple[str, str], Scope] = {}
        self._lock = threading.Lock()
        self._starting = threading.Lock()
        self._timers: set[threading.Timer] = set()
        self._collections = collections
        self._watch = watch if settings.watch else None
        self._watcher: Watcher | None = None

    @property
    def strict(self) -> bool:
        """Whether each commit must leave a record of what it makes out of date."""
        return self.settings.strict

    @property
    def follows_changes(self) -> bool:
        """Whether it needs the change stream of its store, to see what other programs write."""
        return self.settings.watch

    @property
    def location(self) -> str:
        """Where it is, without a password."""
        return self._regions.location

    @property
    def is_shared(self) -> bool:
        """Whether other processes use the same cache."""
        return self._regions.is_shared

    @property
    def sees_all_at_once(self) -> bool:
        """Whether one look can hold tokens and an entry, and the entry's end is the cache's own business."""
        return self._regions.is_redis

    @property
    def is_off(self) -> bool:
        """Whether nothing is looked up or kept."""
        return self._regions.is_off or not self.settings.enabled

    @property
    def guarantee(self) -> str:
        """Say in a few words how old a cached read can be, in this set-up."""
        if self.is_off:
            return "off"
        if reason := self._incoherent():
            return f"bypassed, because of the {reason}"
        if self._watcher is not None and not self._watcher.is_open:
            return "bypassed, because the change stream is lost"
        if self._alone:
            return "per store, which nobody else writes: no read after a commit is older"
        if self._regions.may_lag:
            return "bounded by the time to live: the replicas that Sentinel reads from may lag"
        within, others = ("shared", "programs") if self._regions.is_shared else ("per store", "stores and processes")
        when = "some milliseconds later, by a change stream" if self._watch else "after the time to live at the latest"
        return f"{within}: no read after a commit is older; what other {others} write is seen {when}"

    def check(self) -> str:
        """Ask the cache whether it answers, and say how old a cached read can be."""
        if self._regions.is_shared and not self.is_off and not self._answers():
            down = f"{self.location} does not answer, and reads go past it"
            if self._alone:
                return f"bypassed, because {down}"
            return f"bounded by the time to live: {down}; other processes may see for so long what was before a commit"
        return self.guarantee

    def _answers(self) -> bool:
        try:
            self._regions.tokens.get(self._scope("").everything)
        except CacheDown:
            return False
        return True

    def stats(self) -> CacheStats:
        """Return the counters as they are now."""
        return self.recorder.stats()

    def log_stats(self) -> None:
        """Write the counters to the log, in one line, if there is anything to tell."""
        if (counted := self.stats()).counts:
            log.info("store %s: cache at %s: %s", self._store, self.location, counted)

    def observe(self, observer: CacheObserver) -> None:
        """Tell an observer of everything that is counted from now on."""
        self.recorder.observe(observer)

    # Reading

    def through(
        self, reads: DocumentReads, collection: CachedCollection, options: CacheOptions, reason_against: str = ""
    ) -> DocumentReads:
        """Return the same reads through the cache; with a reason against it past it, each of them counted."""
        if not reason_against:
            self._used = True
            self.start()
        keys = KeyMaker(self._scope(collection.name, collection.schema), options)
        return CachedReads(reads, self, keys, reason_against)

    def bypass(self, collection: str, method: str, reason: str) -> None:
        """Count a read that asked to be cached and cannot be."""
        self.recorder.count(Counted(collection, method, "bypass", reason))

    def tokens_of(self, names: Sequence[str]) -> list[str]:
        """Return the tokens of these names.

        Raises:
            CacheDown: if the cache does not answer.
        """
        return self.tokens.read(names)

    def look(self, names: Sequence[str], key: Callable[[Sequence[str]], str]) -> tuple[str, Any]:
        """Return the key that a result has with the tokens of these names, and what is kept there.

        Raises:
            CacheDown: if the cache does not answer.
        """
        if self.sees_all_at_once:
            return self.tokens.read_with(names, key)
        there, near = key(self.tokens.read(names)), self._regions.near
        # five times cheaper than a look through the region and its locks, which only a miss needs
        return there, NO_VALUE if near is None else near.payload(there)

    def region(self, ttl: float) -> CacheRegion:
        """Return the region whose entries live for so many seconds."""
        return self._regions.for_ttl(ttl)

    def reason_against(self, collection: str) -> str:
        """Say why a read of this collection is not cached now; empty if it is."""
        if self.is_off or is_disabled():
            return "switched off"
        if self._watcher is not None and not self._watcher.is_open:
            return "change stream lost"
        if self._regions.breaker.is_open:
            return "breaker open"
        if self._debts and not self._made_good(collection):
            return "failed invalidation"
        return self._incoherent()

    # Invalidating

    def invalidate(self, written: Written) -> None:
        """Give fresh tokens to what was written; what fails is made good later, and bypassed until then."""
        if not self._used or self._regions.is_off:
            return
        for collection in written:
            self.recorder.count(Counted(collection, "", "invalidation"))
        try:
            self._pay(name for one, ids in written.items() for name in self._names(one, ids))
        except CacheDown as error:
            self._fail(written, error)

    def repeat(self, collections: Collection[str]) -> None:
        """Invalidate collections once more, for a relay that makes good what a crash may have left out.

        Raises:
            Unavailable: if the cache does not answer; try again later.
        """
        try:
            self.tokens.replace(self._scope(collection).everything for collection in collections)
        except CacheDown as error:
            raise Unavailable(f"the cache at {self.location} does not answer: it is tried again") from error

    def suspect(self, written: Written) -> None:
        """Invalidate all of these collections now, and again when the commit can no longer be applied."""
        everything = dict.fromkeys(written)
        self.invalidate(everything)
        if not self._regions.is_off:  # whoever reads first does so before that moment, or after it
            timer = threading.Timer(SETTLED, self.invalidate, (everything,))
            timer.daemon = True
            with self._lock:
                self._timers = {one for one in self._timers if one.is_alive()} | {timer}
            timer.start()

    def close(self) -> None:
        """Let go of timers and threads, and log what was counted; nothing that is kept is lost."""
        self.log_stats()
        with self._lock:
            timers, self._timers = self._timers, set()
            watcher, self._watcher = self._watcher, None
        for timer in timers:
            timer.cancel()
        if watcher is not None:
            watcher.close()
        self._regions.close()

    def start(self) -> None:
        """Follow the change stream, where the settings ask for one.

        Raises:
            ConfigurationError: if the server has none.
        """
        if self._watch is not None and self._watcher is None:
            self._start_watching(self._watch)

    def _start_watching(self, watch: Callable[[], Watch]) -> None:
        with self._starting:
            if self._watcher is not None:
                return
            watcher = Watcher(watch, self._seen, lambda: self.invalidate(dict.fromkeys(self._collections)), self._store)
            watcher.start(_OPENING)
            self._watcher = watcher

    def _seen(self, seen: Seen) -> None:
        if seen.collection is None:
            self.invalidate(dict.fromkeys(self._collections))
        elif seen.collection in self._collections:
            self.invalidate({seen.collection: [seen.id] if seen.one else None})

    def _names(self, collection: str, ids: Collection[Any] | None) -> Iterable[str]:
        scope = self._scope(collection)
        if ids is None or len(ids) > MOST_IDS:
            return [scope.everything]
        return [scope.queries, *(scope.entity(name_of(id)) for id in ids)]

    def _scope(self, collection: str, schema: str = "") -> Scope:
        scope = self._scopes.get((collection, schema))
        if scope is None:
            scope = Scope(self.settings.prefix, self._store, self._place, collection, schema)
            self._scopes[collection, schema] = scope
        return scope

    def _fail(self, written: Written, error: CacheDown) -> None:
        """The commit stands: this process reads past the cache, others see it when their entries end."""
        is_first = self._debts.add(written)
        log.log(
            logging.ERROR if is_first else logging.DEBUG,
            "store %s: what was committed could not be invalidated in the cache at %s (%s); this process reads past "
            "it until that is made good, others may read what is old until its time to live is over",
            self._store,
            self.location,
            "left alone" if error.__cause__ is None else type(error.__cause__).__name__,
        )
        for collection in written:
            self.recorder.count(Counted(collection, "", "error"))

    def _made_good(self, collection: str) -> bool:
        """Try to make good what failed, now and then; tell whether the collection may be read through the cache."""
        if self._may_try():
            try:
                self._pay(())
            except CacheDown:
                log.debug("store %s: the invalidation failed again", self._store)
        return collection not in self._debts

    def _may_try(self) -> bool:
        """Let one thread try, so that no other waits for a cache that does not answer."""
        with self._lock:
            now = self._clock()
            if now - self._tried < _RETRY_AFTER:
                return False
            self._tried = now
            return True

    def _pay(self, names: Iterable[str]) -> None:
        """Replace tokens, and in the same round trip those of all collections of which an invalidation is owed.

        Raises:
            CacheDown: if the cache does not answer.
        """
        owed = self._debts.owed()
        self.tokens.replace([*names, *(self._scope(collection).everything for collection in owed)])
        if owed and self._debts.settle(owed):
            log.warning(
                "store %s: the cache at %s is up to date again, and used again: %s",
                self._store,
                self.location,
                ", ".join(sorted(owed)),
            )
