"""Crash points over the built-in deliveries: wherever the process dies, audit and usage are right in the end."""

from abc import abstractmethod

from tristore import Clock, FixedClock
from tristore.testing import crash_points
from tristore.three_stores import Stores

from ..services.services_base import NOON
from .delivered_once import (
    Books,
    check_books,
    deliver,
    deliver_all,
    move_credits,
    play,
    settle_in,
)


class DeliveredOnceContract:
    """A subclass says where, with `open_empty`."""

    @abstractmethod
    def open_empty(self, clock: Clock) -> Stores:
        """Open the three stores without data."""

    def test_whatever_the_step_each_event_is_audited_and_counted_once(self) -> None:
        """X1, X5: a process that calls services and delivers may die at any step: what was committed is audited once
        and counted once when another process has delivered, and nothing else is."""
        clock = FixedClock(NOON)
        seen: list[Books] = []

        def open_it() -> Stores:
            stores = self.open_empty(clock)
            settle_in(stores)
            return stores

        def work(stores: Stores) -> None:
            move_credits(stores)
            play(stores, clock)
            deliver(stores, clock)

        def invariant(stores: Stores) -> None:
            left = deliver_all(stores, clock)
            seen.append(check_books(stores))

            assert 0 == left

        report = crash_points(open_it, work, invariant)

        writes = {str(point).partition(" ")[2] for point in report.points}
        assert len(report.points) + 1 == len(seen)
        assert {(0, 0), (1, 0), (1, 1)} == set(seen)
        assert {f"{moment} commit" for moment in ("before", "after")} < writes
        assert {"after write audit", "after write usage", "after write tristore_outbox"} < writes
