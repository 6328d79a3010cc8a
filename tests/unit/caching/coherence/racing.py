"""What races for one key of a cache: readers whose loads take their time, and a writer; ours beside the plain way.

Also a program, for readers and writers in processes of their own: ``racing.py MONGO_URL CACHE_URL PREFIX``. It reads
lines, ``scheme action round pause``, and answers each with the number that it saw or wrote.
"""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import Any, Literal, Protocol, TypeVar

from contracts.caching.caching_base import DOCUMENTS, Thing, Things, ThingStore, save
from dogpile.cache import CacheRegion
from dogpile.cache.api import NO_VALUE

from tristore import CacheSettings, open_store
from tristore.adapters.caching.regions.regions import Regions
from tristore.testing import ObservedBackend, Operation

T = TypeVar("T")


SCHEMES = ("deletion", "tristore")


def hot(scheme: str, round_: int) -> str:
    """The thing that everybody reads and writes in a round: nobody has read or written it before."""
    return f"{scheme} {round_}"


class Racer(Protocol):
    """One way to read and write through a cache."""

    def read(self, round_: int, pause: float) -> int:
        """Return the number of the round's thing; a load stops for so many seconds before its result is kept."""

    def write(self, round_: int) -> None:
        """Commit the number of the round; before it is 0."""


class SlowLoads(ObservedBackend):
    """A backend whose answers arrive late: others act between the moment of a read and its end."""

    pause = 0.0

    def _around(self, operation: Operation, call: Callable[[], T]) -> T:
        answer = call()
        if operation.name == "find" and operation.transaction is None:
            time.sleep(self.pause)
        return answer


class ByTristore:
    """Reads with ``cached()``, writes in units of work."""

    def __init__(self, store: ThingStore) -> None:
        self._store = store
        self._slow = SlowLoads(store.backend)
        store.environment.backend = self._slow

    def read(self, round_: int, pause: float) -> int:
        """Read through the cache."""
        self._slow.pause = pause
        with self._store.reader() as reader:
            return reader.things.cached(ttl=60).get(hot("tristore", round_)).number

    def write(self, round_: int) -> None:
        """Commit."""
        with self._store.unit_of_work() as uow:
            uow.things.get(hot("tristore", round_)).number = round_


class ByDeletion:
    """The plain way: look, load, keep; delete the key after a write."""

    def __init__(self, store: ThingStore, region: CacheRegion, prefix: str) -> None:
        self._store = store
        self._region = region
        self._prefix = prefix

    def read(self, round_: int, pause: float) -> int:
        """Read through the cache."""
        kept: Any = self._region.get(self._key(round_))
        if kept is not NO_VALUE:
            return int(kept)
        with self._store.reader() as reader:
            number = reader.things.get(hot("deletion", round_)).number
        time.sleep(pause)
        self._region.set(self._key(round_), str(number).encode())
        return number

    def write(self, round_: int) -> None:
        """Commit, then delete."""
        with self._store.unit_of_work() as uow:
            uow.things.get(hot("deletion", round_)).number = round_
        self._region.delete(self._key(round_))

    def _key(self, round_: int) -> str:
        return f"{self._prefix} by deletion {round_}"


@contextmanager
def racers(mongo_url: str, settings: CacheSettings, *, rounds: int = 0) -> Iterator[dict[str, Racer]]:
    """Both ways over one store."""
    with ExitStack() as stack:

        def opened(cache: CacheSettings | None, prepare: Literal["create", "off"]) -> ThingStore:
            return stack.enter_context(
                closing(open_store(Things, url=mongo_url, documents=DOCUMENTS, cache=cache, prepare=prepare))
            )

        store = opened(settings, "create" if rounds else "off")
        plain = opened(None, "off")
        if store.backend.is_private:
            plain.environment.backend = store.backend
        save(store, *(Thing(id=hot(scheme, round_)) for scheme in SCHEMES for round_ in range(1, rounds + 1)))
        region = Regions(settings).for_ttl(60)
        yield {
            "deletion": ByDeletion(plain, region, settings.prefix),
            "tristore": ByTristore(store),
        }


def main() -> None:
    """Do what the lines of the standard input say."""
    mongo_url, cache_url, prefix = sys.argv[1:]
    with racers(mongo_url, CacheSettings(url=cache_url, prefix=prefix)) as ways:
        print("ready", flush=True)
        for line in sys.stdin:
            scheme, action, round_, pause = line.split()
            if action == "write":
                time.sleep(float(pause))
                ways[scheme].write(int(round_))
                print(round_, flush=True)
            else:
                print(ways[scheme].read(int(round_), float(pause)), flush=True)


if __name__ == "__main__":
    main()
