"""The law of cached reads, stated exactly.

After a commit whose invalidation succeeded, no later read through the cache returns an older state. After one whose
invalidation failed, none in the same process does, and none elsewhere once the time to live of the read is over, or
once the process has made good what it owed: with its next invalidation that succeeds, or before it uses the cache
again.

A read that has begun before a commit returned may return either state.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Any

from attrs import define, field, frozen

State = Mapping[str, Mapping[Any, tuple[Any, ...]]]
"""Everything that is stored: by collection and id, the fields that are asked for."""

Guard = tuple[str, Any]
"""What a read depends on: an entity, by collection and id, or all queries of a collection, by None for the id."""


@frozen
class Applied:
    """A change of the stored state.

    Attributes:
        index: of the state that it led to.
        guards: of the reads that see a difference.
    """

    index: int
    guards: frozenset[Guard]


@frozen
class Failure:
    """An invalidation that failed.

    Attributes:
        index: of the state that the change led to.
        guards: those that could not be invalidated.
        process: whose invalidation it was, one life of it.
        at: when.
    """

    index: int
    guards: frozenset[Guard]
    process: int
    at: float


class Stale(AssertionError):
    """A read returned what the law forbids."""


@define
class Law:
    """What has happened, and what reads may return after it.

    Attributes:
        clock: tells the time.
        states: all that there were, the oldest first.
        old: how many reads returned an older state than the last, as the law allows.
    """

    clock: Callable[[], float]
    states: list[State]
    old: int = 0
    _least: dict[Guard, int] = field(factory=dict)
    _failures: list[Failure] = field(factory=list)

    def note(self, state: State) -> Applied | None:
        """Note what is stored now; None if it is what was stored before."""
        before = self.states[-1]
        guards: set[Guard] = set()
        for collection in state:
            old, new = before[collection], state[collection]
            changed = {id for id in {*old, *new} if old.get(id) != new.get(id)}
            guards |= {(collection, id) for id in changed} | ({(collection, None)} if changed else set())
        if not guards:
            return None
        self.states.append(state)
        return Applied(len(self.states) - 1, frozenset(guards))

    def returned(self, process: int, changes: Collection[Applied], failed: Collection[str]) -> None:
        """A call returned that made these changes; the invalidation of some collections failed."""
        for change in changes:
            lost = frozenset(guard for guard in change.guards if guard[0] in failed)
            for guard in change.guards - lost:
                self._settle(guard, change.index)
            if lost:
                self._failures.append(Failure(change.index, lost, process, self.clock()))
        if changes and not failed:
            self.made_good(process, [guard[0] for one in self._failures for guard in one.guards])

    def made_good(self, process: int, collections: Collection[str]) -> None:
        """A process has made good what it owed of some collections."""
        left = []
        for failure in self._failures:
            guards = failure.guards
            if failure.process == process:
                for guard in guards:
                    if guard[0] in collections:
                        self._settle(guard, failure.index)
                guards = frozenset(guard for guard in guards if guard[0] not in collections)
            if guards:
                left.append(Failure(failure.index, guards, failure.process, failure.at))
        self._failures = left

    def owed_by(self, process: int) -> set[str]:
        """Name the collections of which a process owes an invalidation."""
        return {guard[0] for one in self._failures if one.process == process for guard in one.guards}

    def least(self, guard: Guard, process: int, ttl: float) -> int:
        """Return the index of the oldest state that a read which begins now may return."""
        seen = [
            one.index
            for one in self._failures
            if guard in one.guards and (one.process == process or self.clock() >= one.at + ttl)
        ]
        return max([self._least.get(guard, 0), *seen])

    def check(self, asked: object, least: int, answer: Any, expected: Callable[[State], Any]) -> None:
        """Hold an answer against the states that may have been read.

        Raises:
            Stale: if it is the answer of none of them.
        """
        allowed = [expected(state) for state in self.states[least:]]
        if answer not in allowed:
            raise Stale(f"{asked} returned {answer!r}; allowed, the oldest first: {allowed!r}")
        self.old += answer != allowed[-1]

    def _settle(self, guard: Guard, index: int) -> None:
        self._least[guard] = max(index, self._least.get(guard, 0))


__all__ = ["Applied", "Guard", "Law", "Stale", "State"]
