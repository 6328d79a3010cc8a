"""What the record of an event says of each subscription: whether it is done, waits for its next attempt, or was parked.

Each subscription has a part of its own, so that one that fails holds back no other one. A record from before there were
such parts lists the subscriptions that are done with it, and nothing else.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from hashlib import blake2b
from typing import Any

from attrs import evolve, frozen

from ...backend import Document
from ...documents.context.outbox import CLOSED, DISCARDED, DONE, FAILING, NEW, PARKED, PARKED_FOR, PROGRESS
from ...documents.values.codecs import real_time

_BEFORE = ("delivered", "nextAt", "error")
"""Keys of records from before each subscription had its part."""


@frozen
class Progress:
    """How far one subscription is with one event.

    Attributes:
        name: of the subscription.
        status: new, done, parked or discarded.
        attempts: how many have failed.
        next_at: when the next attempt is due, as it is stored; None for now.
        error: what the last one met.
    """

    name: str
    status: str = NEW
    attempts: int = 0
    next_at: datetime | None = None
    error: str = ""

    @property
    def is_settled(self) -> bool:
        """Whether nothing is to come."""
        return self.status in {DONE, DISCARDED}

    def replayed(self) -> "Progress":
        """The same as if no attempt had been made."""
        return Progress(self.name)

    def ended(self, status: str) -> "Progress":
        """The same without a next attempt."""
        return evolve(self, status=status, next_at=None)


def key_of(name: str) -> str:
    """Return the key of a subscription's part: a name may have dots in it, and a digest has none."""
    return f"s{blake2b(name.encode(), digest_size=8).hexdigest()}"


def all_progress(record: Document) -> dict[str, Progress]:
    """Return what a record says of the subscriptions that have met it, by their names."""
    found = {name: Progress(name, DONE) for name in record.get("delivered", ())}
    for part in record.get(PROGRESS, {}).values():
        name = part["name"]
        found[name] = Progress(name, part["status"], part.get("attempts", 0), part.get("nextAt"), part.get("error", ""))
    return found


def is_expected(record: Document, name: str) -> bool:
    """Tell whether a subscription that has not met a record is still to get it."""
    return key_of(name) not in record.get(PROGRESS, {}) and not record.get(CLOSED)


def with_progress(
    record: Document, changed: Mapping[str, Progress], expected: Collection[str]
) -> tuple[Document, tuple[str, ...]]:
    """Return the fields of a record, and the keys that are to go, with what has changed of some subscriptions.

    The record itself is done with the last of them, and then closed: a subscription that begins later does not get it.

    Args:
        record: as it is stored.
        changed: by name.
        expected: the names of all subscriptions to its class that are known here.
    """
    found = {**all_progress(record), **changed}
    missing = [name for name in expected if name not in found and not record.get(CLOSED)]
    waiting = [one for one in found.values() if one.status == NEW]
    parked = sorted(one.name for one in found.values() if one.status == PARKED)
    fields: Document = {
        "status": NEW if waiting or missing else PARKED if parked else DONE,
        "attempts": max((one.attempts for one in waiting), default=0),
        PROGRESS: {key_of(one.name): _stored(one) for one in found.values()},
        FAILING: sorted(one.name for one in waiting if one.attempts),
    }
    gone: tuple[str, ...] = _BEFORE
    if parked:
        fields[PARKED_FOR] = parked
    else:
        gone = (*gone, PARKED_FOR)
    if fields["status"] != NEW:
        fields[CLOSED] = True
    if fields["status"] == DONE:
        fields["doneAt"] = real_time()
        return fields, gone
    return fields, (*gone, "doneAt")


def _stored(one: Progress) -> dict[str, Any]:
    part: dict[str, Any] = {"name": one.name, "status": one.status, "attempts": one.attempts}
    if one.next_at is not None:
        part["nextAt"] = one.next_at
    if one.error:
        part["error"] = one.error
    return part
