"""The relay itself: handlers, the pass over the lanes, and what becomes of a delivery."""

import logging
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import timedelta
from enum import Enum, auto
from typing import Any, TypeVar

from ....domain.entities.clock import Clock
from ....domain.entities.events import Event, event_name
from ....domain.entities.ids import Id
from ....domain.errors import ConfigurationError, DeadlineExceeded, TristoreError, Unavailable
from ....domain.plain_functions import call_plain, check_plain
from ....domain.repository.caching import CacheInvalidated
from ....domain.unit_of_work.outbox import (
    MOST_ATTEMPTS,
    Backlog,
    Delivery,
    EventHandler,
    Parked,
    Pass,
    attempts_after,
    wait_after,
)
from ....domain.unit_of_work.store import Store
from ....domain.unit_of_work.unit_of_work import UnitOfWork
from ...backend import Document
from ...documents.context.outbox import NEW, PARKED, Outbox
from ...documents.store import DocumentStore
from ...documents.values.codecs import dump_datetime, load_datetime
from ...documents.values.keys import ID_KEY
from .lanes import Lanes, Lease, LeaseLost
from .outages import Outages
from .records import Aggregate, Records, Types, aggregate_of
from .store_access import Access

log = logging.getLogger("tristore.relay")

LEASE = timedelta(seconds=30)
"""How long a lane belongs to a relay that does not renew its lease; it does so at a third of it."""

_ERROR_LENGTH = 500

EventT = TypeVar("EventT", bound=Event)
UnitT = TypeVar("UnitT", bound=UnitOfWork[Any])


class Outcome(Enum):
    """What became of a delivery: LEFT is for a later pass, because its receiver is down."""

    DELIVERED = auto()
    FAILED = auto()
    LEFT = auto()


class OutboxRelay:
    """Delivers the published events of a store, at least once, those about one entity in their order.

    Any number of relays may work on one store, in threads, processes and machines. Each event goes to every handler
    of its class; a handler that raises is tried again after 1 s, 2 s, 4 s and so on up to 5 minutes, and
    after 20 attempts the record is parked. Later events of the same entity wait that long, others do not.

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
        self._handlers: dict[str, dict[str, EventHandler]] = {}
        if environment.records_invalidations and (cache := environment.cache) is not None:
            self.on(CacheInvalidated, "tristore-cache", lambda event, _: cache.repeat(event.collections))

    def on(self, event: type[EventT], name: str, handler: Callable[[EventT, Delivery], None]) -> None:
        """Let a handler take every event of a class.

        Args:
            event: a class that the store publishes.
            name: names the subscription, for good: it is part of the inbox key, and of what is known to be done.
            handler: takes the event; raising means that it is to be tried again.

        Raises:
            ConfigurationError: if the store does not publish the class, or the name is empty or taken.
        """
        if not self._outbox.holds(event):
            raise ConfigurationError(f"store {self._access.name} does not publish {event.__name__}")
        subscriptions = self._handlers.setdefault(event_name(event), {})
        if not name or name in subscriptions:
            raise ConfigurationError(f"{event.__name__}: the name {name!r} of a subscription is empty or taken")
        check_plain(handler, f"the subscription {name}", takes=2)
        subscriptions[name] = handler

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
        return self._records.backlog(tuple(self._handlers))

    def parked(self, limit: int = 100) -> Sequence[Parked]:
        """Return the records that were given up, the oldest first."""
        return self._records.parked(limit)

    def replay(self, event_id: Id) -> None:
        """Make a record due now: a parked one, one that waits, or one that was delivered.

        Handlers that are done with a parked or waiting record do not get it again; of a delivered one all do.

        Raises:
            NotFound: if there is none with that id; delivered ones are kept for 7 days.
        """
        self._records.replay(event_id)

    def _drain(self, stop: threading.Event) -> Pass:
        total = Pass()
        while True:
            done = self._pass(stop)
            total += done
            if done == Pass() or stop.is_set():
                return total

    def _pass(self, stop: threading.Event) -> Pass:
        """Work once on every lane in which something is due."""
        done = Pass()
        for lane in self._records.busy_lanes(self._types()):
            if stop.is_set():
                break
            done += self._work_on(lane, stop)
        return done

    def _types(self) -> Types:
        """The classes of events that are handled here, those apart whose receiver is down."""
        down = {name for name, handlers in self._handlers.items() if any(map(self._outages.is_down, handlers))}
        return Types(tuple(name for name in self._handlers if name not in down), tuple(down))

    def _work_on(self, lane: int, stop: threading.Event) -> Pass:
        """Deliver what is due in a lane, if nobody else does; what failed holds its aggregate back."""
        types = self._types()
        lease = self._lanes.claim(lane)
        if lease is None:
            return Pass()
        outcomes: Counter[Outcome] = Counter()
        failed: set[Aggregate] = set()
        with lease:
            try:
                for record in self._records.due(lane, types, failed):
                    lease.check()
                    outcome = self._deliver(lease, record)
                    outcomes[outcome] += 1
                    if outcome is not Outcome.DELIVERED:
                        failed.add(aggregate_of(record))
                    # an outage that began here: the next pass leaves what it blocks out
                    if stop.is_set() or outcome is Outcome.LEFT:
                        break
            except LeaseLost:
                log.info("lane %d of store %s: another relay has it now", lane, self._access.name)
        return Pass(delivered=outcomes[Outcome.DELIVERED], failed=outcomes[Outcome.FAILED])

    def _deliver(self, lease: Lease, record: Document) -> Outcome:
        """Hand a record to its handlers, and write down what became of it."""
        handlers = self._handlers[record["type"]]
        delivered: list[str] = list(record.get("delivered", ()))
        left = [name for name in handlers if name not in delivered]
        if any(map(self._outages.is_down, left)):
            return Outcome.LEFT
        name = ""
        try:
            event = self._outbox.load(record["type"], record["payload"])
            for name in left:
                call_plain(f"the subscription {name}", handlers[name], event, _delivery(record, name))
                self._outages.ended(name)
                delivered.append(name)
        except Exception as error:  # noqa: BLE001 - whatever a handler raises, the relay and the other events go on
            self._postpone(lease, record, delivered, name, error)
            return Outcome.FAILED
        self._records.acknowledge(lease, record)
        return Outcome.DELIVERED

    def _postpone(self, lease: Lease, record: Document, delivered: list[str], name: str, error: Exception) -> None:
        unavailable = isinstance(error, Unavailable | DeadlineExceeded)
        if unavailable:
            self._outages.met(name)
        attempts = attempts_after(record["attempts"], unavailable=unavailable)
        words = f"{type(error).__name__}: {error}"[:_ERROR_LENGTH]
        changed: Document = {"attempts": attempts, "delivered": delivered, "error": words}
        where = (record["type"], record[ID_KEY], self._access.name)
        if attempts >= MOST_ATTEMPTS:
            log.error("%s %s of store %s is parked", *where, exc_info=error)
            self._records.change(lease, record, {**changed, "status": PARKED}, ("nextAt",))
            return
        wait = wait_after(attempts)
        log.warning("%s %s of store %s failed, and is tried again in %s", *where, wait, exc_info=error)
        due = dump_datetime(self._clock.now() + wait)
        self._records.change(lease, record, {**changed, "status": NEW, "nextAt": due})


def _delivery(record: Document, name: str) -> Delivery:
    return Delivery(
        event_id=Id(str(record[ID_KEY])),
        subscription=name,
        aggregate_type=record["aggregateType"],
        aggregate_id=str(record["aggregateId"]) if record["aggregateType"] else "",
        version=record["version"],
        attempt=record["attempts"] + 1,
        created_at=load_datetime(record["createdAt"]),
    )


__all__ = ["OutboxRelay"]
