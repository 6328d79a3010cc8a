"""Events that travel: what a receiver learns of a delivery, and how often and when it is tried again.

An event of a class that the store publishes becomes a record in the same transaction as the change that it tells of.
A relay delivers it later, at least once, in the order of its aggregate; the receiver's inbox key makes the
effect happen once.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Self
from zlib import crc32

from attrs import frozen

from ..entities.ids import Id

LANES = 16
"""How many relays can work at the same time: each aggregate belongs to one lane, each lane to one relay."""

MOST_ATTEMPTS = 20
"""How often a delivery is tried before its record is parked."""

_FIRST_WAIT = timedelta(seconds=1)
_LONGEST_WAIT = timedelta(minutes=5)
_DOUBLINGS = 9
"""So many doublings of the first wait are longer than the longest."""


@frozen(kw_only=True)
class Delivery:
    """What a handler learns beside the event.

    Attributes:
        event_id: the id of the event; the same at every attempt, so that an effect which bears it happens once.
        subscription: the name under which the handler was registered.
        aggregate_type: the name of the entity that the event is about; empty if it is about none.
        aggregate_id: its id as text; empty if the event is about none.
        version: the version that the entity got with the event; 0 if the event is about none.
        attempt: which attempt this is, from 1.
        created_at: when the unit of work published it.
    """

    event_id: Id
    subscription: str
    aggregate_type: str
    aggregate_id: str
    version: int
    attempt: int
    created_at: datetime

    @property
    def key(self) -> str:
        """The inbox key: what runs under it in a store, ``store.run(fn, key=delivery.key)``, has its effect once."""
        return f"{self.subscription}:{self.event_id}"


EventHandler = Callable[[Any, Delivery], None]
"""Takes a delivered event; raising means that it is to be delivered again."""


@frozen(kw_only=True)
class SubscriptionBacklog:
    """What one subscription is still to get.

    Attributes:
        name: its name.
        waiting: records that it has not got; of a subscription that the asker does not have, those that it has met.
        failing: those among them whose delivery to it failed before and will be tried again.
        parked: records that were given up for it; somebody has to look at them.
    """

    name: str
    waiting: int
    failing: int
    parked: int


@frozen(kw_only=True)
class Backlog:
    """What an outbox still has to deliver.

    Attributes:
        waiting: records that are to be delivered, to one subscription at least.
        failing: those among them whose delivery failed before and will be tried again.
        unhandled: those among them for whose class the relay has no handler; they stay until one has.
        parked: records that were given up for a subscription; somebody has to look at them.
        oldest: when the oldest waiting record was published, None without one.
        subscriptions: the same for each subscription that is known, or has something that fails or is parked, by name.
    """

    waiting: int
    failing: int
    unhandled: int
    parked: int
    oldest: datetime | None = None
    subscriptions: tuple[SubscriptionBacklog, ...] = ()


@frozen(kw_only=True)
class Parked:
    """A record that was given up for a subscription; there it holds back the later events of its aggregate, no others.

    Attributes:
        event_id: names it for a replay, or to be discarded.
        subscription: which one; empty for a record that was parked before each subscription had its own.
        type: the name of the event's class.
        aggregate_type: the name of the entity that the event is about.
        aggregate_id: its id, as text.
        attempts: how often a delivery was tried.
        error: what the last attempt met: the class of the error and its message.
        created_at: when it was published.
    """

    event_id: Id
    subscription: str
    type: str
    aggregate_type: str
    aggregate_id: str
    attempts: int
    error: str
    created_at: datetime


@frozen(kw_only=True)
class Pass:
    """What a relay did in one pass over its outbox, or in several.

    Attributes:
        delivered: how many records it acknowledged: those that all of its subscriptions are done with.
        failed: how many deliveries failed; they are tried again, or parked.
    """

    delivered: int = 0
    failed: int = 0

    def __add__(self, other: Self) -> Self:
        """Add up two passes."""
        return type(self)(delivered=self.delivered + other.delivered, failed=self.failed + other.failed)


def lane_of(aggregate: str) -> int:
    """Return the lane of an aggregate: the same in every process and for ever."""
    return crc32(aggregate.encode()) % LANES


def wait_after(attempts: int) -> timedelta:
    """Return how long a record waits after so many failed attempts: 1 s, doubled by each, at most 5 minutes."""
    return min(_FIRST_WAIT * (1 << min(attempts - 1, _DOUBLINGS)), _LONGEST_WAIT)


def attempts_after(attempts: int, *, unavailable: bool) -> int:
    """Return the number of attempts after another failed one.

    A receiver that is down is no fault of the event: such attempts lengthen the wait, and never park the record.
    """
    if unavailable:
        return max(attempts, min(attempts + 1, _DOUBLINGS))
    return attempts + 1
