"""What a cache did, counted by collection and method of the repository."""

import logging
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal, Protocol, get_args

from attrs import frozen

from ...domain.plain_functions import check_plain

Outcome = Literal["hit", "miss", "load", "load error", "bypass", "error", "invalidation"]
"""Each read is a hit, a miss, a bypass, a load error or an error, which is the cache's own; of `get_many` each entity
is a hit or a miss.

A miss comes with a load, one for all that `get_many` misses; whoever waits for another caller's load has a hit.
"""

log = logging.getLogger("tristore.cache")


@frozen(order=True, cache_hash=True)
class Counted:
    """What is counted.

    Attributes:
        collection: the name of the collection.
        method: of the repository, such as ``find``; empty for invalidations.
        outcome: what became of it.
        reason: why a read was not cached; empty for everything else.
    """

    collection: str
    method: str
    outcome: Outcome
    reason: str = ""


@frozen
class CacheStats:
    """The counters of one cache at one moment."""

    counts: Mapping[Counted, int]

    def total(self, outcome: Outcome, *, collection: str | None = None, method: str | None = None) -> int:
        """Add up one outcome, of all collections and methods unless they are named."""
        return sum(
            number
            for counted, number in self.counts.items()
            if counted.outcome == outcome
            and collection in {None, counted.collection}
            and method in {None, counted.method}
        )

    @property
    def hit_rate(self) -> float:
        """The part of the reads that the cache answered, from 0 to 1; 0 without reads."""
        hits, misses = self.total("hit"), self.total("miss")
        return hits / (hits + misses) if hits + misses else 0.0

    def __str__(self) -> str:
        """One line for a log, with the reasons why reads went past the cache."""
        totals = ", ".join(f"{outcome} {self.total(outcome):,}{self._why(outcome)}" for outcome in get_args(Outcome))
        return f"{totals}, hit rate {self.hit_rate:.0%}"

    def _why(self, outcome: Outcome) -> str:
        reasons: Counter[str] = Counter()
        for counted, number in self.counts.items():
            if counted.outcome == outcome and counted.reason:
                reasons[counted.reason] += number
        return f" ({', '.join(f'{reason} {number:,}' for reason, number in reasons.most_common())})" if reasons else ""

    def __iter__(self) -> Iterator[tuple[Counted, int]]:
        """Iterate over what was counted, in order."""
        return iter(sorted(self.counts.items()))


class CacheObserver(Protocol):
    """Hears of everything that is counted, for a metrics library. It is called in the thread of the caller."""

    def counted(self, store: str, counted: Counted, seconds: float) -> None:
        """Something was counted; it took so many seconds, 0 where nothing is timed."""


class Recorder:
    """Counts, and tells the observers; their errors are logged and stop nothing."""

    def __init__(self, store: str, observers: Sequence[CacheObserver] = ()) -> None:
        self._store = store
        self._observers = [*observers]
        self._counts: Counter[Counted] = Counter()
        self._lock = threading.Lock()

    def observe(self, observer: CacheObserver) -> None:
        """Tell one more observer."""
        check_plain(getattr(observer, "counted", None), "counted of a cache observer", takes=3)
        self._observers.append(observer)

    def count(self, counted: Counted, seconds: float = 0.0, number: int = 1) -> None:
        """Count."""
        with self._lock:
            self._counts[counted] += number
        for observer in self._observers:
            try:
                observer.counted(self._store, counted, seconds)
            except Exception:
                log.exception("an observer of the cache of store %s failed", self._store)

    def stats(self) -> CacheStats:
        """Return the counters as they are now."""
        with self._lock:
            return CacheStats(dict(self._counts))
