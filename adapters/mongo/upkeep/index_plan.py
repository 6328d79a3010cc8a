"""What separates actual indexes from declared ones, decided without I/O.

- An index that does what was declared is left alone, whatever its name.
- What can be modified in place is: when documents expire, and whether the index is hidden.
- Anything else is built anew: beside the old one where a server lets two stand, in its place where it does not.
- Nothing is dropped that was not named: no index tells who made it, its name least of all. One that is named is hidden
  first, and dropped by the next plan; only where another is to be built in its place, the same plan does both.
- What stands where a declared index would stand and is another one is a problem, until it is named: it may be left from
  an earlier declaration, or do what somebody relies on.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ....domain.errors import ConfigurationError
from ...backend import CollectionDeclaration, IndexDeclaration, TimeSeriesDeclaration
from ...backend.administration import ActualIndex, IndexPlan, IndexStep, StepKind
from .index_specs import SIGNATURE, Spec, actual_index, differences, has_keys_of
from .indexes import creation_options

Options = Mapping[str, Any]

_IN_PLACE = frozenset({"expireAfterSeconds", "hidden"})


class CollectionPlan:
    """The plan for one collection.

    Attributes:
        steps, undeclared, problems: as in `IndexPlan`.
        used: the names in `drop` that meant an index.
    """

    def __init__(
        self, declared: CollectionDeclaration, actual: Sequence[Spec], options: Options | None, drop: Sequence[str]
    ) -> None:
        """Plan.

        Args:
            declared: what should be.
            actual: the indexes that there are.
            options: those of the collection, None if there is none.
            drop: the names of undeclared indexes that are to go.
        """
        self._declared = declared
        self._actual = [have for have in actual if have["name"] != "_id_"]
        self._drop = frozenset(drop)
        self._claimed: set[str] = set()
        self._in_the_way: set[str] = set()
        self._names = {have["name"] for have in actual}
        self.problems: list[str] = []
        self.used: set[str] = set()
        self.steps = [*self._collection(options), *self._indexes()]
        self.undeclared: list[ActualIndex] = []
        self._rest()

    def _collection(self, options: Options | None) -> Iterator[IndexStep]:
        name, series = self._declared.name, self._declared.time_series
        if options is None:
            yield IndexStep(StepKind.COLLECTION, name, "", "there is none", changes=creation_options(self._declared))
            return
        actual = options.get("timeseries")
        if (actual is None) != (series is None):
            self.problems.append(
                f"{name} is {'an ordinary collection' if actual is None else 'a time series'}, and was declared "
                "otherwise: that cannot be changed; copy its documents into a new collection"
            )
        elif series is not None and actual is not None:
            yield from self._time_series(series, actual, options)

    def _time_series(self, series: TimeSeriesDeclaration, actual: Options, options: Options) -> Iterator[IndexStep]:
        name = self._declared.name
        has, wants = (
            (actual.get("timeField"), actual.get("metaField"), actual.get("granularity")),
            (series.time, series.meta, series.granularity),
        )
        if has != wants:
            self.problems.append(f"{name} is a time series of {has}, not of {wants}: copy it into a new collection")
        if options.get("expireAfterSeconds") != series.expire_after:
            after = "off" if series.expire_after is None else series.expire_after
            changes = {"expireAfterSeconds": after}
            yield IndexStep(StepKind.MODIFY, name, "", f"documents expire after {after} s", changes=changes)

    def _indexes(self) -> Iterator[IndexStep]:
        waiting = []
        for index in self._declared.indexes:
            over = [have for have in self._actual if has_keys_of(have, index)]
            fitting = [have for have in over if differences(have, index).keys() <= _IN_PLACE]
            best = min(fitting, key=lambda have: len(differences(have, index)), default=None)
            if best is not None and self._can_be_modified(best, index):
                self._claimed.add(best["name"])
                yield from self._modified(best, index)
            else:
                waiting.append((index, over))
        for index, over in waiting:
            yield from self._built(index, [have for have in over if have["name"] not in self._claimed])
        for index in self._declared.indexes:
            self._left_over(index)

    def _can_be_modified(self, have: Spec, index: IndexDeclaration) -> bool:
        """No command takes the expiry away from an index."""
        return index.expire_after is not None or "expireAfterSeconds" not in have

    def _modified(self, have: Spec, index: IndexDeclaration) -> Iterator[IndexStep]:
        found = differences(have, index)
        if not found:
            return
        reason = _told(found)
        changes = {name: wants for name, (_, wants) in found.items()}
        yield IndexStep(StepKind.MODIFY, self._declared.name, have["name"], reason, index, changes)

    def _built(self, index: IndexDeclaration, over: Sequence[Spec]) -> Iterator[IndexStep]:
        """Create an index, after those that a server would not let it stand beside."""
        collection = self._declared.name
        for have in over:
            found = differences(have, index)
            if found.keys() & SIGNATURE:
                continue
            if not self._meant(have["name"]):
                self._in_the_way.add(have["name"])
                self.problems.append(
                    f"{collection}: {index.name} cannot be built beside {have['name']}, {_told(found)}: "
                    f"{_what_to_do(have['name'])}"
                )
                return
            yield from self._replaced(have, f"named; {', '.join(sorted(found))} cannot be changed in place")
        name = self._free_name(index)
        self._names.add(name)
        yield IndexStep(StepKind.CREATE, collection, name, "declared, not there", index)

    def _left_over(self, index: IndexDeclaration) -> None:
        """Tell of what has the keys and the name of a declared index, and is another one."""
        for have in self._actual:
            name = have["name"]
            if name in self._claimed | self._in_the_way or self._meant(name):
                continue
            if has_keys_of(have, index) and _is_called_like(name, index):
                self._in_the_way.add(name)
                self.problems.append(
                    f"{self._declared.name}: {name} stands where {index.name} was declared, "
                    f"{_told(differences(have, index))}: {_what_to_do(name)}"
                )

    def _replaced(self, have: Spec, reason: str) -> Iterator[IndexStep]:
        """Hide, then drop: what was broken off between the two can still be undone."""
        self._claimed.add(have["name"])
        self._names.discard(have["name"])
        if not have.get("hidden"):
            yield IndexStep(StepKind.HIDE, self._declared.name, have["name"], reason)
        yield IndexStep(StepKind.DROP, self._declared.name, have["name"], reason)

    def _free_name(self, index: IndexDeclaration) -> str:
        name, number = index.name, 1
        taken = self._names
        while name in taken:
            number += 1
            name = f"{index.name}_v{number}"
        return name

    def _meant(self, name: str) -> bool:
        """Tell whether an index was named, and note that it was."""
        meant = {name, f"{self._declared.name}.{name}"} & self._drop
        self.used |= meant
        return bool(meant)

    def _rest(self) -> None:
        collection = self._declared.name
        for have in self._actual:
            if have["name"] in self._claimed or self._is_of_the_series(have):
                continue
            found = actual_index(collection, have)
            self.undeclared.append(found)
            if self._meant(found.name):
                if found.hidden:
                    self.steps.append(IndexStep(StepKind.DROP, collection, found.name, "named, and hidden before"))
                else:
                    reason = "named; the next sync drops it"
                    self.steps.append(IndexStep(StepKind.HIDE, collection, found.name, reason))

    def _is_of_the_series(self, have: Spec) -> bool:
        """Newer servers make an index of their own for a time series."""
        series = self._declared.time_series
        return series is not None and list(have["key"]) == [series.meta, series.time]


def plan_of(plans: Sequence[CollectionPlan], drop: Sequence[str]) -> IndexPlan:
    """Put the plans of collections together.

    Raises:
        ConfigurationError: if a name in `drop` meant no index.
    """
    unknown = sorted(set(drop) - {name for plan in plans for name in plan.used})
    if unknown:
        undeclared = [str(index) for plan in plans for index in plan.undeclared]
        raise ConfigurationError(
            f"there is no undeclared index {', '.join(unknown)}: "
            + (f"those are {', '.join(undeclared)}" if undeclared else "every index was declared")
        )
    return IndexPlan(
        tuple(step for plan in plans for step in plan.steps),
        tuple(index for plan in plans for index in plan.undeclared),
        tuple(problem for plan in plans for problem in plan.problems),
    )


def _is_called_like(name: str, index: IndexDeclaration) -> bool:
    return re.fullmatch(rf"{re.escape(index.name)}(_v\d+)?", name) is not None


def _told(found: Mapping[str, tuple[Any, Any]]) -> str:
    """Differences in words: what there is, and what was declared."""
    return ", ".join(f"{name} is {_shown(has)}, not {_shown(wants)}" for name, (has, wants) in found.items())


def _what_to_do(name: str) -> str:
    return f"let it go with --drop {name}, or declare it as it is"


def _shown(value: Any) -> str:
    return "unset" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
