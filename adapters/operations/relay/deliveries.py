"""One record on its way: it is handed to each subscription that it is due for, and what became of it is kept."""

import logging
from collections.abc import Sequence

from attrs import field, frozen

from ....domain.entities.clock import Clock
from ....domain.entities.ids import Id
from ....domain.errors import DeadlineExceeded, Unavailable
from ....domain.plain_functions import call_plain
from ....domain.unit_of_work.outbox import MOST_ATTEMPTS, Delivery, Pass, attempts_after, wait_after
from ...backend import Document
from ...documents.context.outbox import DONE, PARKED, Outbox
from ...documents.values.codecs import dump_datetime, load_datetime
from ...documents.values.keys import ID_KEY
from .lanes import Lease
from .outages import Outages
from .progress import Progress, all_progress
from .records import Line, Records, aggregate_of
from .subscriptions import Subscriptions

log = logging.getLogger("tristore.relay")

_ERROR_LENGTH = 500


@frozen
class Deliveries:
    """The deliveries out of one lane, in one pass.

    Attributes:
        records, outbox, outages, subscriptions, clock: of the relay.
        lease: of the lane.
        stopped: the lines in which a delivery failed: what follows there waits.
        down: the subscriptions whose receiver was found to be down in this pass: they are left alone to its end.
    """

    records: Records
    outbox: Outbox
    outages: Outages
    subscriptions: Subscriptions
    clock: Clock
    lease: Lease
    stopped: set[Line] = field(factory=set)
    down: set[str] = field(factory=set)

    def deliver(self, record: Document, names: Sequence[str]) -> Pass | None:
        """Hand a record to the subscriptions of these names; return what became of it, None if nothing was tried.

        Raises:
            LeaseLost: if another relay has the lane; then nothing is written down.
        """
        names = [name for name in names if name not in self.down]
        if not names:
            return None
        self.lease.check()
        found = all_progress(record)
        before = {name: found.get(name) or Progress(name) for name in names}
        after = self._handed_over(record, before)
        failed = [one for one in after.values() if one.status != DONE]
        self.stopped.update((aggregate_of(record), one.name) for one in failed)
        is_done = self.records.settle(self.lease, record, after, self.subscriptions.of(record["type"]))
        return Pass(delivered=int(is_done), failed=len(failed))

    def _handed_over(self, record: Document, before: dict[str, Progress]) -> dict[str, Progress]:
        try:
            event = self.outbox.load(record)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with one record, the relay and the others go on
            return {name: self._failed(record, one, error) for name, one in before.items()}
        after: dict[str, Progress] = {}
        for name, one in before.items():
            handler = self.subscriptions.handler(name, record["type"])
            try:
                call_plain(f"the subscription {name}", handler, event, _delivery(record, one))
            except Exception as error:  # noqa: BLE001 - whatever a handler raises, the relay and the others go on
                after[name] = self._failed(record, one, error)
            else:
                self.outages.ended(name)
                after[name] = one.ended(DONE)
        return after

    def _failed(self, record: Document, one: Progress, error: Exception) -> Progress:
        unavailable = isinstance(error, Unavailable | DeadlineExceeded)
        if unavailable:
            self.outages.met(one.name)
            self.down.add(one.name)
        attempts = attempts_after(one.attempts, unavailable=unavailable)
        words = f"{type(error).__name__}: {error}"[:_ERROR_LENGTH]
        where = (record["type"], record[ID_KEY], self.outbox.store, one.name)
        if attempts >= MOST_ATTEMPTS:
            log.error("%s %s of store %s is parked for %s", *where, exc_info=error)
            return Progress(one.name, PARKED, attempts, error=words)
        wait = wait_after(attempts)
        log.warning("%s %s of store %s failed for %s, and is tried again in %s", *where, wait, exc_info=error)
        due = dump_datetime(self.clock.now() + wait)
        return Progress(one.name, attempts=attempts, next_at=due, error=words)


def _delivery(record: Document, one: Progress) -> Delivery:
    return Delivery(
        event_id=Id(str(record[ID_KEY])),
        subscription=one.name,
        aggregate_type=record["aggregateType"],
        aggregate_id=str(record["aggregateId"]) if record["aggregateType"] else "",
        version=record["version"],
        attempt=one.attempts + 1,
        created_at=load_datetime(record["createdAt"]),
    )
