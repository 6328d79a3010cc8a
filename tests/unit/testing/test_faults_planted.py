"""Bugs that were planted on purpose, each found by the fault kit; the same code without the bug passes."""

from collections.abc import Callable
from typing import Any

import pytest
from contracts.billing import DOCUMENTS, BillingUnitOfWork, Customer, CustomerMoved, customer

from tristore import DocumentStore, UnitOfWork, open_store
from tristore.adapters.documents.unit_of_work.flushing.change_set import PlannedWrites
from tristore.errors import UnitOfWorkError
from tristore.operations import UnitOfWorkListener
from tristore.testing import InvariantBroken, crash_points, faults

BillingStore = DocumentStore[BillingUnitOfWork]


def open_billing() -> BillingStore:
    """A store on fresh data."""
    return open_store(BillingUnitOfWork, url="memory://", documents=DOCUMENTS)


def test_a_version_that_a_retry_forgets_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """U10: a store that sets versions at the flush, and forgets them at the rollback, fails with one lost commit."""
    monkeypatch.setattr(PlannedWrites, "settle", settle_too_early(PlannedWrites.settle))
    store, ada = open_billing(), customer()

    with faults.inject(store, faults.TransientError(on="commit")) as injection, pytest.raises(UnitOfWorkError):
        store.run(lambda uow: uow.customers.add(ada))

    assert ["commit"] == injection.struck


def test_a_version_that_a_retry_restores_passes() -> None:
    """U10: the same run without the bug stores the entity once, in version 1."""
    store, ada = open_billing(), customer()

    with faults.inject(store, faults.TransientError(on="commit", times=3)):
        store.run(lambda uow: uow.customers.add(ada))
    with store.reader() as billing:
        assert (1, 1, 1) == (ada.version, billing.customers.get(ada.id).version, billing.customers.count())


def settle_too_early(settle: Callable[..., None]) -> Callable[..., None]:
    """The bug: the entity learns its version before the commit."""

    def planted(self: PlannedWrites, *, final: bool) -> None:
        settle(self, final=final)
        for _, record in self._steps():
            object.__setattr__(record.entity, "version", record.version)

    return planted


class SendsBeforeTheCommit(UnitOfWorkListener):
    """The bug: what is sent cannot be taken back when the commit fails."""

    def __init__(self, sent: list[str]) -> None:
        self._sent = sent

    def before_commit(self, uow: UnitOfWork[Any]) -> None:
        self._sent.append("moved")


class Moving:
    """A service that moves a customer and tells the world; the world does not forget when a process dies.

    Attributes:
        sent: what the world was told.
    """

    def __init__(self, subscribe: Callable[[BillingStore, list[str]], None]) -> None:
        self.sent: list[str] = []
        self._subscribe = subscribe
        self._ada = customer()

    def open(self) -> BillingStore:
        """A store with the customer, and a world that knows nothing."""
        store, self._ada = open_billing(), customer()
        with store.unit_of_work() as uow:
            uow.customers.add(self._ada)
        self.sent.clear()
        self._subscribe(store, self.sent)
        return store

    def move(self, store: BillingStore) -> None:
        """The work."""
        store.run(lambda uow: uow.customers.get(self._ada.id).move("London"))

    def world_knows_no_more_than_the_store(self, store: BillingStore) -> None:
        """The invariant: what was told is stored, and was told once."""
        with store.reader() as billing:
            moved = billing.customers.get(self._ada.id).address is not None
        assert len(self.sent) <= int(moved), f"told {len(self.sent)} times, stored: {moved}"


def listen(store: BillingStore, sent: list[str]) -> None:
    """Send too early."""
    store.listen(SendsBeforeTheCommit(sent))


def subscribe(store: BillingStore, sent: list[str]) -> None:
    """Send after the commit."""
    store.subscribe(CustomerMoved, lambda event: sent.append("moved"))


def test_an_event_that_is_sent_before_the_commit_is_found_by_a_crash() -> None:
    """U17: a process that has sent, and dies before the commit, breaks the invariant at exactly this point."""
    service = Moving(listen)

    with pytest.raises(InvariantBroken) as caught:
        crash_points(service.open, service.move, service.world_knows_no_more_than_the_store)

    assert [("before", "commit")] == [(point.moment, point.operation) for point, _ in caught.value.broken]


def test_an_event_that_is_sent_before_the_commit_is_found_by_a_fault() -> None:
    """U17: one commit that is lost and repeated sends it twice."""
    service = Moving(listen)
    store = service.open()

    with faults.inject(store, faults.TransientError(on="commit")):
        service.move(store)

    assert 2 == len(service.sent)


def test_an_event_that_is_sent_after_the_commit_passes() -> None:
    """U17: with a subscriber the invariant holds at every point, and a repeated commit sends once."""
    service = Moving(subscribe)
    report = crash_points(service.open, service.move, service.world_knows_no_more_than_the_store)
    store = service.open()
    with faults.inject(store, faults.TransientError(on="commit")):
        service.move(store)

    assert 1 == len(service.sent)
    assert ["before begin", "after begin", "before find customers", "before write customers"] == [
        f"{point.moment} {point.operation}" for point in report.points[:4]
    ]
    assert 7 == len(report.points)


class Relay:
    """A relay over a queue that is a customer's metadata: a position, an owner, and a fence that each owner raises."""

    def __init__(self, store: BillingStore, queue: Customer, name: str, delivered: list[str], *, fenced: bool) -> None:
        self._store = store
        self._queue = queue
        self._name = name
        self._delivered = delivered
        self._fenced = fenced
        self._fence = 0

    def claim(self) -> None:
        """Take the queue over; the lease of whoever had it counts as over."""

        def work(uow: BillingUnitOfWork) -> int:
            queue = uow.customers.get(self._queue.id)
            queue.metadata["fence"] = queue.metadata.get("fence", 0) + 1
            fence: int = queue.metadata["fence"]
            return fence

        self._fence = self._store.run(work)

    def step(self) -> None:
        """Deliver the next event, then acknowledge it."""
        with self._store.reader() as billing:
            position = billing.customers.get(self._queue.id).metadata.get("position", 0)
        if position < len(self._queue.tags):
            self._delivered.append(self._queue.tags[position])
            self._store.run(lambda uow: self._acknowledge(uow, position + 1))

    def _acknowledge(self, uow: BillingUnitOfWork, position: int) -> None:
        queue = uow.customers.get(self._queue.id)
        if self._fenced and queue.metadata["fence"] != self._fence:
            return  # the lease was lost: just stop
        queue.metadata["position"] = position


@pytest.mark.parametrize(("fenced", "expected"), [(False, "a a b c b"), (True, "a a b c")])
def test_a_relay_without_a_fence_is_found(fenced: bool, expected: str) -> None:
    """X4: a relay paused beyond its lease before it acknowledges sets the queue back, unless it is fenced.

    The event on the way when the lease ended may come twice, which the inbox catches; a queue set back repeats more.
    """
    store, delivered = open_billing(), list[str]()
    queue = customer(tags=["a", "b", "c"])
    with store.unit_of_work() as uow:
        uow.customers.add(queue)
    slow, quick = (Relay(store, queue, name, delivered, fenced=fenced) for name in ("slow", "quick"))
    slow.claim()

    def take_over() -> None:
        quick.claim()
        for _ in queue.tags:
            quick.step()

    with faults.inject(store, faults.Paused(in_another_process(take_over), at=2)) as injection:
        slow.step()
    quick.step()

    assert ["find customers"] == injection.struck
    assert expected == " ".join(delivered)


def in_another_process(work: Callable[[], None]) -> Callable[[], None]:
    """Run it in a thread, outside every unit of work of this one."""
    from contracts.stores import elsewhere

    return lambda: elsewhere(work)
