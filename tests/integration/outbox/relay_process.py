"""A process that publishes or delivers, and dies at a given point: run by `test_relay_crashes`.

Usage: ``relay_process.py SOURCE_URL RECEIVER_URL POINT``; the point ``never`` delivers until it is killed.
"""

import os
import sys
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from contracts.billing import DOCUMENTS, BillingUnitOfWork, CustomerMoved
from contracts.outbox.outbox_base import BillingStore, add_mover, record_in

from tristore import open_store
from tristore.operations import OutboxRelay

DIED = 17
"""The exit code of a process that died where it should."""

Point = Callable[[BillingStore, BillingStore], None]


def die_before(store: BillingStore) -> None:
    """End the process where the next commit of a store would be sent."""

    def commit(*arguments: Any, **options: Any) -> None:
        os._exit(DIED)

    store.backend.commit = commit  # type: ignore[method-assign]


def die_after(store: BillingStore) -> None:
    """End the process after the next commit of a store."""
    really = store.backend.commit

    def commit(*arguments: Any, **options: Any) -> None:
        really(*arguments, **options)
        os._exit(DIED)

    store.backend.commit = commit  # type: ignore[method-assign]


def publish(store: BillingStore) -> None:
    """Store a customer with an event."""
    add_mover(store, "ada", "ada/1")


def deliver(store: BillingStore, receiver: BillingStore) -> None:
    """Deliver what is there."""
    relay = OutboxRelay(store)
    relay.into(CustomerMoved, "effect", receiver, record_in)
    relay.run_once()


def never(store: BillingStore, receiver: BillingStore) -> None:
    """Deliver until the process is killed, with a short lease, so that others soon go on."""
    relay = OutboxRelay(store, lease=timedelta(seconds=0.5))
    relay.into(CustomerMoved, "effect", receiver, record_in)
    print("ready", flush=True)
    relay.run(threading.Event(), poll=0.01)


def before_commit(store: BillingStore, receiver: BillingStore) -> None:
    """Die when the change and its record were written, not committed."""
    die_before(store)
    publish(store)


def after_commit(store: BillingStore, receiver: BillingStore) -> None:
    """Die when the change was committed, before anybody was told."""
    die_after(store)
    publish(store)


def before_effect(store: BillingStore, receiver: BillingStore) -> None:
    """Die when the effect was written, not committed."""
    publish(store)
    die_before(receiver)
    deliver(store, receiver)


def after_effect(store: BillingStore, receiver: BillingStore) -> None:
    """Die when the effect was committed, before the acknowledgement."""
    publish(store)
    die_after(receiver)
    deliver(store, receiver)


def before_acknowledgement(store: BillingStore, receiver: BillingStore) -> None:
    """Die when the acknowledgement was written, not committed."""
    publish(store)
    die_before(store)
    deliver(store, receiver)


def after_acknowledgement(store: BillingStore, receiver: BillingStore) -> None:
    """Die when the acknowledgement was committed, with the lane in hand."""
    publish(store)
    die_after(store)
    deliver(store, receiver)


POINTS: dict[str, Point] = {
    point.__name__: point
    for point in (
        before_commit,
        after_commit,
        before_effect,
        after_effect,
        before_acknowledgement,
        after_acknowledgement,
    )
}


def main() -> None:
    """Run up to the point."""
    source_url, receiver_url, point = sys.argv[1:]
    store = open_store(
        BillingUnitOfWork, url=source_url, documents=DOCUMENTS, publishes=(CustomerMoved,), prepare="create"
    )
    receiver = open_store(BillingUnitOfWork, url=receiver_url, documents=DOCUMENTS, prepare="create")
    receiver.open()
    {**POINTS, "never": never}[point](store, receiver)


if __name__ == "__main__":
    main()
