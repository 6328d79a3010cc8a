"""A process that commits and is killed before it tells the cache, or that delivers: run by `test_cache_crashes`.

Usage: ``cache_process.py MONGO_URL CACHE_URL PREFIX KIND WORK``; the kind is ``strict`` or ``plain``. It says ``ready``
and begins when it gets a line. The work ``relay`` delivers what there is; every other one is a way to write.
"""

import os
import signal
import sys
from collections.abc import Callable
from contextlib import closing
from typing import TypeVar

from contracts.caching.caching_base import DOCUMENTS, Things, ThingStore

from tristore import CacheSettings, open_store
from tristore.operations import OutboxRelay
from tristore.testing import ObservedBackend, Operation, plugged

T = TypeVar("T")


def in_a_unit(store: ThingStore) -> None:
    """Change the thing."""
    with store.unit_of_work() as uow:
        uow.things.get(1).number = 1


def by_run(store: ThingStore) -> None:
    """Change the thing by `Store.run`."""
    store.run(lambda uow: setattr(uow.things.get(1), "number", 1))


def by_rule(store: ThingStore) -> None:
    """Change the thing by a rule, in a unit."""
    with store.unit_of_work() as uow:
        uow.things.update_where(lambda t: t.number == 0, set={"number": 1})


def in_a_bulk(store: ThingStore) -> None:
    """Change the thing outside of transactions."""
    with store.bulk() as bulk:
        bulk.things.update_where(lambda t: t.number == 0, set={"number": 1})


WORK: dict[str, Callable[[ThingStore], None]] = {
    work.__name__: work for work in (in_a_unit, by_run, by_rule, in_a_bulk)
}


class Deadly(ObservedBackend):
    """Kills the process, as ``kill -9`` does, when what it wrote is applied and nobody has been told."""

    def _around(self, operation: Operation, call: Callable[[], T]) -> T:
        result = call()
        if operation.name == "commit" or (operation.name == "write" and operation.transaction is None):
            os.kill(os.getpid(), signal.SIGKILL)
        return result


def main() -> None:
    """Write and die, or deliver and end."""
    url, cache_url, prefix, kind, work = sys.argv[1:]
    cache = CacheSettings(url=cache_url, prefix=prefix, strict=kind == "strict")
    with closing(open_store(Things, url=url, documents=DOCUMENTS, cache=cache, prepare="off")) as store:
        store.open()
        print("ready", flush=True)
        sys.stdin.readline()
        if work == "relay":
            print(OutboxRelay(store).run_once().delivered, flush=True)
            return
        with plugged(store, Deadly(store.backend)):
            WORK[work](store)


__all__ = ["WORK"]

if __name__ == "__main__":
    main()
