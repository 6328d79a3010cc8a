"""The relay itself: who subscribes, the pass over the lanes, and what somebody on call may do about an event."""

import logging
import threading
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, TypeVar

from ....domain.entities.clock import Clock
from ....domain.entities.events import Event, event_name
from ....domain.entities.ids import Id
from ....domain.errors import ConfigurationError, TristoreError
from ....domain.plain_functions import call_plain, check_plain
from ....domain.repository.caching import CacheInvalidated
from ....domain.unit_of_work.outbox import Backlog, Delivery, Parked, Pass
from ....domain.unit_of_work.store import Store
from ....domain.unit_of_work.unit_of_work import UnitOfWork
from ...documents.context.outbox import Outbox
from ...documents.store import DocumentStore
from .deliveries import Deliveries
from .lanes import Lanes, LeaseLost
from .mending import Mending
from .outages import Outages
from .records import Records
from .store_access import Access
from .subscriptions import Subscriptions

log = logging.getLogger("tristore.relay")

LEASE = timedelta(seconds=30)
"""How long a lane belongs to a relay that does not renew its lease; it does so at a third of it."""

EventT = TypeVar("EventT", bound=Event)
UnitT = TypeVar("UnitT", bound=UnitOfWork[Any])


class OutboxRelay:
    """Delivers the published events of a store, at least once, those about one entity in their order.

    Any number of relays may work on one store, in threads, processes and machines. Each event goes to every
    subscription to its class, and each of these has its own progress: one whose handler raises is tried again after
    1 s, 2 s, 4 s and so on up to 5 minutes, and after 20 attempts the event is parked for it. Later events of the same
    entity wait that long for this subscription; others do not, and no other subscription does.

    A plain handler may get an event twice: when the process dies between its work and the acknowledgement. What is
    registered by `into`, or runs under `Delivery.key`, has its effect once.
    """

    def __init__(self, store: Store[Any], *, clock: Clock | None = None, lease: timedelta = LEASE) -> None:
        """Make a relay; nothing is read before it runs.

        Args:
            store: whose outbox is delivered.
            clock: tells what is due and when leases end; the store's by default.
            lease: how long a lane belongs to this relay if it stops in the midst of its work.

        Raises:
            ConfigurationError: if the store publishes no events.
        """
        environment = store.environment if isinstance(store, DocumentStore) else None
        if environment is None or environment.outbox is None:
            raise ConfigurationError(f"store {store.name} publishes no events: name their classes in publishes")
        self._outbox: Outbox = environment.outbox
        self._clock = clock or environment.clock
        self._access = Access(environment)
        self._records = Records(self._access, self._clock)
        self._lanes = Lanes(self._access, self._clock, lease)
        self._outages = Outages(self._clock)
        self._subscriptions = Subscriptions()
        self._mending = Mending(self._access, self._subscriptions)
        if environment.records_invalidations and (cache := environment.cache) is not None:
            self.on(CacheInvalidated, "tristore-cache", lambda event, _: cache.repeat(event.collections))

    def on(self, event: type[EventT], name: str, handler: Callable[[EventT, Delivery], None]) -> None:
        """Let a handler take every event of a class.

        A new subscription begins with the events that no relay is done with: those that wait for delivery, also to
        another subscription. It does not get what was delivered or parked before.

        Args:
            event: a class that the store publishes.
            name: names the subscription, for good: it is part of the inbox key, and of what is known to be done. Under
                one name, classes may have handlers of their own; events of an entity keep their order over all of them.
            handler: takes the event; raising means that it is to be tried again.

        Raises:
            ConfigurationError: if the store does not publish the class, or the name is empty or taken.
        """
        if not self._outbox.holds(event):
            raise ConfigurationError(f"store {self._access.name} does not publish {event.__name__}")
        type = event_name(event)
        if not name or (name, type) in self._subscriptions:
            raise ConfigurationError(f"{event.__name__}: the name {name!r} of a subscription is empty or taken")
        check_plain(handler, f"the subscription {name}", takes=2)
        self._subscriptions.add(name, type, handler)

    def into(self, event: type[EventT], name: str, store: Store[UnitT], fn: Callable[[UnitT, EventT], object]) -> None:
        """Let a function take every event of a class in a unit of work of another store: its effect happens once.

        It runs under the inbox key of the delivery, which is recorded in the same transaction as its effect, and kept
        for 7 days.

        Args:
            event: a class that the store publishes.
            name: names the subscription, for good.
            store: where the effect is; it needs transactions.
            fn: does it; it may be called several times, and is applied once.

        Raises:
            ConfigurationError: as `on` does, and for a store without transactions: there, use `on`, and let the effect
                bear the event's id.
        """
        if isinstance(store, DocumentStore) and not store.environment.transactional:
            raise ConfigurationError(
                f"store {store.name} has no transactions, so that an effect could happen twice: use on(), "
                "and store the effect under delivery.event_id"
            )

        check_plain(fn, f"the subscription {name}", takes=2)

        def handler(event: EventT, delivery: Delivery) -> None:
            def effect(uow: UnitT) -> None:
                call_plain(f"the subscription {name}", fn, uow, event)

            store.run(effect, key=delivery.key)

        self.on(event, name, handler)

    def run_once(self) -> Pass:
        """Deliver all that is due and not in another relay's hands.

        Raises:
            Unavailable: if the store cannot be reached; other errors of the store likewise.
        """
        return self._drain(threading.Event())

    def run(self, stop: threading.Event, *, poll: float = 1.0) -> Pass:
        """Deliver until `stop` is set; errors of the store are logged, and it goes on.

        Args:
            stop: ends it after the delivery that is under way.
            poll: seconds between two looks at an outbox without work.

        Returns:
            What it did in all that time, passes that an error ended left out.
        """
        done = Pass()
        while not stop.is_set():
            try:
                done += self._drain(stop)
            except TristoreError as error:
                log.warning("relay of store %s: %s; it goes on", self._access.name, error)
            stop.wait(poll)
        return done

    def backlog(self) -> Backlog:
        """Count what is left to deliver."""
        return self._records.backlog(self._subscriptions, self._subscriptions.types)

    def parked(self, limit: int = 100) -> Sequence[Parked]:
        """Return what was given up, for each subscription, the oldest first."""
        return self._records.parked(limit)

    def replay(self, event_id: Id, subscription: str | None = None) -> None:
        """Make an event due now: a parked one, one that waits, or one that was delivered.

        Args:
            event_id: which.
            subscription: for whom, whatever it has got of it. Without, for each that has not got it; what was delivered
                to all goes to all of them again.

        Raises:
            NotFound: if there is none with that id; delivered ones are kept for 7 days. Also if the subscription is not
                known here and has not met the event.
        """
        self._mending.replay(event_id, subscription)

    def discard(self, event_id: Id, subscription: str | None = None) -> None:
        """Give up an event that was not delivered; what it held back goes on.

        Args:
            event_id: which.
            subscription: for whom; without, for all that have not got it.

        Raises:
            NotFound: if there is none with that id that is not delivered, or the subscription has it, or is not known
                here and has not met the event.
        """
        self._mending.discard(event_id, subscription)
        log.warning("event %s of store %s was given up for %s", event_id, self._access.name, subscription or "all")

    def _drain(self, stop: threading.Event) -> Pass:
        total = Pass()
        while True:
            tried = self._pass(stop)
            total = sum(tried, total)
            if not tried or stop.is_set():
                return total

    def _pass(self, stop: threading.Event) -> list[Pass]:
        """Work once on every lane in which something is due; return what became of each record that was tried."""
        tried: list[Pass] = []
        for lane in self._records.busy_lanes(self._awake()):
            if stop.is_set():
                break
            tried += self._work_on(lane, stop)
        return tried

    def _awake(self) -> Subscriptions:
        """The subscriptions without those whose receiver is down."""
        return self._subscriptions.without({name for name in self._subscriptions.names if self._outages.is_down(name)})

    def _work_on(self, lane: int, stop: threading.Event) -> list[Pass]:
        """Deliver what is due in a lane, if nobody else does."""
        awake, tried = self._awake(), list[Pass]()
        lease = self._lanes.claim(lane)
        if lease is None:
            return tried
        deliveries = Deliveries(self._records, self._outbox, self._outages, self._subscriptions, self._clock, lease)
        with lease:
            try:
                for record, names in self._records.due(lane, awake, deliveries.stopped):
                    if (done := deliveries.deliver(record, names)) is not None:
                        tried.append(done)
                    if stop.is_set():
                        break
            except LeaseLost:
                log.info("lane %d of store %s: another relay has it now", lane, self._access.name)
        return tried
