"""Guard rails: a unit of work that changes much, or stays open for long, holds others up."""

import math
import warnings

from attrs import frozen

from ....domain.errors import ConfigurationError, LargeUnitWarning, TooLarge, UnitTooLong

WARNING_CHANGES = 1_000
"""Changed entities above which a unit is warned of (https://www.mongodb.com/docs/manual/core/transactions-production-consideration)."""

WARNING_SECONDS = 30.0
"""Seconds after which an open unit is warned of; the server ends a transaction after 60 by default."""


def is_positive(value: object) -> bool:
    """Tell whether a value is a number above 0; NaN is none."""
    return isinstance(value, int | float) and not isinstance(value, bool) and not math.isnan(value) and value > 0


@frozen
class Limits:
    """What a unit of work is refused for; None refuses nothing.

    Attributes:
        changes: the most entities that one unit may write.
        seconds: how long a unit may have been open when it writes or commits.
    """

    changes: int | None = None
    seconds: float | None = None

    def __attrs_post_init__(self) -> None:
        for name, limit in (("max_changes", self.changes), ("max_seconds", self.seconds)):
            if limit is not None and not is_positive(limit):
                raise ConfigurationError(f"{name} must be more than 0, not {limit!r}")

    def check(self, unit_id: str, changes: int, seconds: float) -> None:
        """Warn of a large unit, refuse one above the limits.

        Raises:
            TooLarge: for too many changed entities.
            UnitTooLong: for too long a time.
        """
        if self.changes is not None and changes > self.changes:
            raise TooLarge(
                f"unit of work {unit_id} changes {changes:,} entities and may change {self.changes:,}: "
                "use several units",
                size=changes,
                limit=self.changes,
            )
        if self.seconds is not None and seconds > self.seconds:
            raise UnitTooLong(
                f"unit of work {unit_id} has been open for {seconds:.1f} s and may be for {self.seconds:g}; "
                "nothing was applied"
            )
        if changes > WARNING_CHANGES:
            warnings.warn(f"unit of work {unit_id} changes {changes:,} entities", LargeUnitWarning, stacklevel=2)
        if seconds > WARNING_SECONDS:
            warnings.warn(f"unit of work {unit_id} has been open for {seconds:.1f} s", LargeUnitWarning, stacklevel=2)
