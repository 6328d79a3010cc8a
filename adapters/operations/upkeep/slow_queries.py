"""Slow operations of a server, grouped by what they ask."""

from collections.abc import Mapping, Sequence
from typing import Any

from attrs import field, frozen

from ....domain.errors import ConfigurationError
from ....domain.unit_of_work.store import Store
from ...backend.administration import Profiling, Shape, SlowOperation
from ..access import administration_of
from .suggestions import Keys, suggested

THRESHOLD = 100
"""Milliseconds from which an operation is slow unless told otherwise: the server's own default."""

MOST_OPERATIONS = 1_000
"""How many operations are read unless told otherwise. The profiler itself keeps the newest MiB of them."""

_WASTEFUL = 10
"""From so many documents looked at for each one returned an index is missing, whatever the plan is called."""

MOST_MILLISECONDS = 2**31 - 1
"""The largest threshold that a server takes as it is given."""


@frozen
class SlowShape:
    """The slow operations of one shape.

    Attributes:
        shape: what they ask.
        count: how many there were.
        worst, total: how long the slowest and all of them took, in milliseconds.
        plans: the plans that they had.
        examined, returned: how many documents they looked at, and gave back or changed, together.
        suggestion: the keys of an index that would serve them; empty where they use one, or none would help.
    """

    shape: Shape
    count: int
    worst: int
    total: int
    plans: tuple[str, ...]
    examined: int
    returned: int
    suggestion: Keys = field(default=())

    @property
    def ratio(self) -> float:
        """How many documents were looked at for each one that was returned; of none, all of them."""
        return self.examined / max(1, self.returned)


def profile_operations(store: Store[Any], threshold: int | None = THRESHOLD) -> Profiling:
    """Let the profiler of a store's database note operations from so many milliseconds on; None switches it off.

    The threshold is one number for all databases of a server.

    Raises:
        ConfigurationError: if the store has no server, the threshold is below 0 or beyond 32 bits, or the server
            refuses.
    """
    if threshold is not None and not 0 <= threshold <= MOST_MILLISECONDS:
        raise ConfigurationError(f"a threshold is from 0 to {MOST_MILLISECONDS:,} ms, not {threshold}")
    administration = administration_of(store)
    administration.profile(threshold)
    return administration.profiling()


def slow_operations(store: Store[Any], *, threshold: int = 0, limit: int = MOST_OPERATIONS) -> Sequence[SlowOperation]:
    """Return what the profiler of a store's database noted, newest first.

    Args:
        store: one that `open_store` or `open_stores` made, on a server.
        threshold: only operations of so many milliseconds.
        limit: the most operations.

    Raises:
        ConfigurationError: if the store has no server, or it refuses.
    """
    return administration_of(store).slow_operations(threshold=threshold, limit=limit)


def slow_shapes(operations: Sequence[SlowOperation]) -> Sequence[SlowShape]:
    """Group operations by their shapes, those that took longest in all first."""
    groups: dict[Shape, list[SlowOperation]] = {}
    for one in operations:
        groups.setdefault(one.shape, []).append(one)
    shapes = [_summed(shape, found) for shape, found in groups.items()]
    return sorted(shapes, key=lambda one: (-one.total, one.shape.text))


def _summed(shape: Shape, found: Sequence[SlowOperation]) -> SlowShape:
    plans: Mapping[str, None] = dict.fromkeys(one.plan for one in found if one.plan)
    examined, returned = sum(one.examined for one in found), sum(one.returned for one in found)
    # a rollup gives back far less than it needs to look at
    wasteful = shape.operation != "aggregate" and examined > _WASTEFUL * max(1, returned)
    wanting = any("COLLSCAN" in plan for plan in plans) or wasteful
    return SlowShape(
        shape=shape,
        count=len(found),
        worst=max(one.milliseconds for one in found),
        total=sum(one.milliseconds for one in found),
        plans=tuple(plans),
        examined=examined,
        returned=returned,
        suggestion=suggested(shape) if wanting else (),
    )
