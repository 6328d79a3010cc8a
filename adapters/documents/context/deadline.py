"""How much time is left."""

import time

from ....domain.errors import DeadlineExceeded


class Deadline:
    """A moment after which no operation begins; each operation gets what is left, at most its own limit."""

    __slots__ = ("_end", "_limit")

    def __init__(self, limit: float, total: float | None = None) -> None:
        """Start the clock.

        Args:
            limit: the most seconds for one operation.
            total: seconds for all of them together; None for no bound.
        """
        self._limit = limit
        self._end = None if total is None else time.monotonic() + total

    @property
    def left(self) -> float | None:
        """Seconds left for all operations together, None without a bound."""
        return None if self._end is None else self._end - time.monotonic()

    def for_operation(self) -> float:
        """Return the seconds that the next operation may take.

        Raises:
            DeadlineExceeded: if none are left.
        """
        left = self.left
        if left is None:
            return self._limit
        if left <= 0:
            raise DeadlineExceeded("the deadline has passed; nothing was applied")
        return min(left, self._limit)
