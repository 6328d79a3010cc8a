"""A process that calls services and delivers, and is killed at a given point: run by `test_deliveries_crashes`.

Usage: ``deliveries_process.py CORE_URL ANALYTICS_URL SYSTEMLOGS_URL SOURCE POINT``
"""

import os
import signal
import sys
from collections.abc import Callable
from contextlib import ExitStack
from typing import TypeVar

from attrs import frozen
from contracts.outbox.delivered_once import deliver, move_credits, play

from tristore import SystemClock, open_stores
from tristore.adapters.backend import Backend
from tristore.testing import ObservedBackend, Operation, document_store, plugged
from tristore.three_stores import Stores

T = TypeVar("T")

SOURCES: dict[str, tuple[Callable[[Stores], object], str]] = {
    "core": (move_credits, "systemlogs"),
    "analytics": (lambda stores: play(stores, SystemClock()), "analytics"),
}
"""What is done in each store, and in which one the delivery leaves its effect."""


@frozen
class Point:
    """When the process dies: at the first commit in a store behind the writing of a collection.

    Attributes:
        collection: the outbox or what the delivery writes.
        before: whether the commit is not sent any more.
        behind: how often the collection was written before.
    """

    collection: str
    before: bool
    behind: int = 1


EFFECTS = {"core": "audit", "analytics": "usage"}
"""The collection in which the delivery of each store's event leaves its effect."""

POINTS = ("before_commit", "after_commit", "after_delivery", "before_acknowledgement")


def point_of(source: str, name: str) -> Point:
    """Where the process of that point dies: publishing writes the outbox once, acknowledging a second time."""
    return {
        "before_commit": Point("tristore_outbox", before=True),
        "after_commit": Point("tristore_outbox", before=False),
        "after_delivery": Point(EFFECTS[source], before=False),
        "before_acknowledgement": Point("tristore_outbox", before=True, behind=2),
    }[name]


class DeadlyBackend(ObservedBackend):
    """Delegates to the store's backend until the process is killed, as ``kill -9`` does."""

    def __init__(self, inner: Backend, point: Point) -> None:
        super().__init__(inner)
        self._point = point
        self._written = 0

    def _around(self, operation: Operation, call: Callable[[], T]) -> T:
        armed = operation.name == "commit" and self._written == self._point.behind
        if armed and self._point.before:
            os.kill(os.getpid(), signal.SIGKILL)
        result = call()
        if armed:
            os.kill(os.getpid(), signal.SIGKILL)
        if operation.name == "write" and operation.collection == self._point.collection:
            self._written += 1
        return result


def main() -> None:
    """Work and deliver up to the point."""
    core, analytics, systemlogs, source, name = sys.argv[1:]
    stores = open_stores(core=core, analytics=analytics, systemlogs=systemlogs, prepare="off")
    act, receiver = SOURCES[source]
    where = getattr(stores, receiver if name == "after_delivery" else source)
    with ExitStack() as block:
        store = document_store(where)
        block.enter_context(plugged(store, DeadlyBackend(store.backend, point_of(source, name))))
        act(stores)
        deliver(stores, SystemClock())


if __name__ == "__main__":
    main()
