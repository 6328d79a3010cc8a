"""Receivers that are down: one event finds out, and the others need not each wait for a time-out."""

import threading
from datetime import datetime

from ....domain.entities.clock import Clock
from ....domain.unit_of_work.outbox import wait_after


class Outages:
    """Which subscriptions met a receiver that is down, and until when they are left alone. Safe in threads."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._met: dict[str, tuple[int, datetime]] = {}
        self._changing = threading.Lock()

    def met(self, name: str) -> None:
        """A receiver did not answer: leave it alone, at each time in a row for twice as long."""
        with self._changing:
            times = self._met[name][0] + 1 if name in self._met else 1
            self._met[name] = (times, self._clock.now() + wait_after(times))

    def ended(self, name: str) -> None:
        """A receiver answered."""
        with self._changing:
            self._met.pop(name, None)

    def is_down(self, name: str) -> bool:
        """Tell whether a receiver is to be left alone now."""
        found = self._met.get(name)
        return found is not None and self._clock.now() < found[1]
