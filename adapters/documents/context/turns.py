"""Turns: attempts of one process that conflict over a document come one after the other, instead of colliding."""

import threading
from collections import deque
from collections.abc import Hashable

Place = Hashable
"""What attempts wait for: a document of a collection of some data, or a whole collection."""


class _Line:
    """Those who wait for one place, the first in front; somebody has the turn while it exists."""

    __slots__ = ("kinds", "waiting")

    def __init__(self) -> None:
        self.kinds: set[Hashable] = set()
        self.waiting: deque[threading.Event] = deque()


class Turns:
    """Who has the turn at each place, and who waits for it, in the order of coming.

    A thread has one turn at the most, so that no two wait for each other.
    """

    def __init__(self) -> None:
        self._lines: dict[Place, _Line] = {}
        self._holders: dict[Place, int] = {}
        self._lock = threading.Lock()

    def take(self, place: Place, kind: Hashable, timeout: float) -> bool:
        """Wait for the turn; tell whether it came. Whoever has it must `leave`.

        Args:
            place: where.
            kind: what the caller does; others who do the same are told by `is_contended`.
            timeout: the most seconds to wait.
        """
        event = threading.Event()
        with self._lock:
            line = self._lines.get(place)
            if line is None:
                line = self._lines[place] = _Line()
                event.set()
            else:
                line.waiting.append(event)
            line.kinds.add(kind)
        try:
            event.wait(timeout)
        except BaseException:  # an interrupt: whoever stands behind must not wait for this one
            if self._has_come(line, event):
                self._pass_on(place)
            raise
        if not self._has_come(line, event):
            return False
        self._holders[place] = threading.get_ident()
        return True

    def _has_come(self, line: _Line, event: threading.Event) -> bool:
        """Tell whether the turn came; if not, stop waiting."""
        with self._lock:
            if not event.is_set():
                line.waiting.remove(event)
            return event.is_set()

    def leave(self, place: Place) -> None:
        """Give the turn to the next one."""
        self._holders.pop(place, None)
        self._pass_on(place)

    def _pass_on(self, place: Place) -> None:
        with self._lock:
            line = self._lines[place]
            if line.waiting:
                line.waiting.popleft().set()
            else:
                del self._lines[place]

    def is_contended(self, place: Place, kind: Hashable) -> bool:
        """Tell whether somebody who does the same has the turn at a place, or waits for it."""
        line = self._lines.get(place)
        return line is not None and kind in line.kinds

    @property
    def is_mine(self) -> bool:
        """Whether this thread has a turn already."""
        return threading.get_ident() in [*self._holders.values()]

    @property
    def are_taken(self) -> bool:
        """Whether there is any turn that somebody has."""
        return bool(self._lines)


TURNS = Turns()
"""Of this process: stores that share data share the turns at it."""
