"""Timing two ways of doing one thing side by side: interleaved, the best call of each."""

import gc
import time
from collections.abc import Callable

from attrs import define, field, frozen

Step = Callable[[], None]
Prepare = Callable[[], Step]


@frozen
class Case:
    """One comparison.

    Attributes:
        name: what is done.
        ours: makes one call of tristore's way ready, and returns it; only the call is timed.
        bare: the same for the plain way.
        target: the largest ratio that is good enough.
        by_cpu: whether the target is for the client's CPU time instead of the whole time.
        rounds: how often each is called.
        more: how often ours is called for each call of the plain way, where that takes a thousand times as long.
    """

    name: str
    ours: Prepare
    bare: Prepare
    target: float
    by_cpu: bool = False
    rounds: int = 60
    more: int = 1


@define
class Best:
    """The best call so far, in seconds."""

    wall: float = field(default=float("inf"))
    cpu: float = field(default=float("inf"))

    def time(self, prepare: Prepare) -> None:
        """Time one call; CPU is that of the calling thread."""
        call = prepare()
        wall, cpu = time.perf_counter(), time.thread_time()
        call()
        self.cpu = min(self.cpu, time.thread_time() - cpu)
        self.wall = min(self.wall, time.perf_counter() - wall)


@frozen
class Result:
    """What was measured."""

    case: Case
    ours: Best
    bare: Best

    @property
    def wall_ratio(self) -> float:
        """Whole time, ours to bare."""
        return self.ours.wall / self.bare.wall

    @property
    def cpu_ratio(self) -> float:
        """CPU time of the client, ours to bare."""
        return self.ours.cpu / self.bare.cpu

    @property
    def ratio(self) -> float:
        """The ratio that the target is for."""
        return self.cpu_ratio if self.case.by_cpu else self.wall_ratio


def measure(case: Case) -> Result:
    """Call both ways in turn, so that a machine that slows down slows both."""
    ours, bare = Best(), Best()
    for warm_up in (case.ours, case.bare):
        warm_up()()
    gc.collect()
    gc.disable()
    try:
        for _ in range(case.rounds):
            for _ in range(case.more):
                ours.time(case.ours)
            bare.time(case.bare)
            gc.collect(0)
    finally:
        gc.enable()
    return Result(case, ours, bare)
