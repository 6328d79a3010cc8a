"""The fuzzer: random histories over a user's own repositories, on two stores, until an answer differs.

In a test::

    def test_my_stores_agree(tristore_mongod):
        fuzz(open_billing, "memory://", tristore_mongod.url_for("billing"), seconds=20)
"""

import os
import random
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from itertools import count
from typing import Any
from uuid import uuid4

from attrs import define, evolve, frozen
from hypothesis import HealthCheck, Phase, find, settings
from hypothesis.errors import NoSuchExample
from pymongo import MongoClient

from ...domain.errors import TristoreError
from ..urls import without_password
from .answers import Answer, plain
from .generated import Values
from .histories import histories, untried
from .openings import Opening, OpenStore, opening_of
from .replay import NO_ANSWER, Played, Side, replay
from .script import Script
from .server import MongoServer
from .shortening import shortened
from .steps import History

SECONDS = 30.0
"""How long histories are tried unless it is said otherwise."""

SHRINKING_SECONDS = 10.0
"""How long Hypothesis makes a difference shorter, at most; then steps are left out for as long again, at most."""

_BATCH = 100
_SEEDS = 2**31


@frozen
class Difference:
    """A history to whose last step two stores gave different answers.

    Attributes:
        script: it as a program that can be pasted, with both answers.
        steps: how many steps it takes.
        left: the answer of the left side.
        right: the answer of the right side.
        repeats: whether the same history differed a second time; what depends on time may not.
    """

    script: str
    steps: int
    left: Answer
    right: Answer
    repeats: bool


@frozen
class FuzzReport:
    """What fuzzing found.

    Attributes:
        histories: how many were replayed.
        steps: how many steps they had.
        seconds: how long it took.
        seed: gives the same histories again.
        difference: the first one, made as short as it goes; None if there was none.
        untried: the named queries that no history calls, because no value is known of the type of a parameter.
    """

    histories: int
    steps: int
    seconds: float
    seed: int
    difference: Difference | None
    untried: tuple[str, ...] = ()

    def __str__(self) -> str:
        counted = f"{self.histories:,} histories, {self.steps:,} steps, {self.seconds:.1f} s, seed {self.seed}"
        if self.difference is None:
            return f"{counted}: no difference"
        doubt = "" if self.difference.repeats else "; a second replay did not differ: it may depend on time"
        return f"{counted}: a difference in {self.difference.steps} steps{doubt}"


class StoresDiffer(AssertionError):
    """Two stores gave different answers.

    Attributes:
        report: what was found.
    """

    def __init__(self, report: FuzzReport) -> None:
        self.report = report
        script = report.difference.script if report.difference else ""
        super().__init__(f"{report}\n\n{script}")


@frozen(kw_only=True)
class Budget:
    """How much is tried; at least one history is.

    Attributes:
        seconds: for finding a difference; making it shorter may take `SHRINKING_SECONDS` more.
        examples: the most histories, None for as many as the time allows.
        seed: of the histories, None for a new one.
    """

    seconds: float = SECONDS
    examples: int | None = None
    seed: int | None = None


Progress = Callable[[int, int], None]
"""Called with the numbers of histories and steps so far."""


def fuzz(
    open_store: OpenStore,
    left: str = "memory://",
    right: str | None = None,
    *,
    seconds: float = SECONDS,
    examples: int | None = None,
    seed: int | None = None,
    values: Values | None = None,
) -> FuzzReport:
    """Compare two stores by random histories; for a test function, which fails where they differ.

    Args:
        open_store: opens a store at a URL; it is called once for each side.
        left: the URL of one side.
        right: the URL of the other one; by default a database on a `MongoServer`, dropped afterwards. Both must be
            empty, and are emptied again and again.
        seconds: how long differences are looked for.
        examples: the most histories.
        seed: gives the same histories again.
        values: values of fields that cannot be guessed, by class and field.

    Raises:
        StoresDiffer: with the shortest history that was found, as Python.
        ConfigurationError: if a side holds documents, or a field's values cannot be guessed.
        Unavailable: if a side does not answer.
    """
    budget = Budget(seconds=seconds, examples=examples, seed=seed)
    report = compare(opening_of(open_store), left, right, budget, values=values)
    if report.difference is not None:
        raise StoresDiffer(report)
    return report


def compare(
    opening: Opening,
    left: str,
    right: str | None,
    budget: Budget,
    *,
    values: Values | None = None,
    progress: Progress | None = None,
) -> FuzzReport:
    """Compare two stores by random histories, and report the first difference.

    Raises:
        ConfigurationError: if a side holds documents, or a field's values cannot be guessed.
        Unavailable: if a side does not answer.
    """
    with ExitStack() as stack:
        right = right or stack.enter_context(throw_away_database())
        sides = [stack.enter_context(closing(_side(opening, url))) for url in (left, right)]
        search = _Search(sides[0], sides[1], budget, progress)
        report = search.run(values)
        if search.shortest is None:
            return report
        script = Script(search.shortest, opening)
        text = script.text(without_password(left), without_password(right))
        first, second = search.shortest.answers[-1]
        return evolve(report, difference=Difference(text, script.length, first, second, search.repeats))


@contextmanager
def throw_away_database() -> Iterator[str]:
    """The URL of a database on a `MongoServer` that nobody else uses, dropped afterwards.

    Raises:
        ConfigurationError: if there is no server, with what to do.
    """
    name = f"tristore_fuzz_{os.getpid()}_{uuid4().hex[:8]}"
    with MongoServer() as server:
        yield server.url_for(name)
        with MongoClient[dict[str, Any]](server.url) as client:
            client.drop_database(name)


def _side(opening: Opening, url: str) -> Side:
    side = Side(opening.open(url))
    side.refuse_documents()
    return side


@define
class _Counts:
    histories: int = 0
    steps: int = 0


class _OverError(BaseException):
    """Ends a run of Hypothesis at once: it would go on with an Exception."""


class _Search:
    """Looks for a difference in batches, and lets Hypothesis make the first one shorter.

    Attributes:
        shortest: the shortest history with a difference, as it was played.
        repeats: whether it differed a second time.
    """

    def __init__(self, left: Side, right: Side, budget: Budget, progress: Progress | None) -> None:
        self._left, self._right = left, right
        self.shortest: Played | None = None
        self.repeats = False
        self._budget = budget
        self._progress = progress
        self._seed = random.randrange(_SEEDS) if budget.seed is None else budget.seed  # noqa: S311 - no secret
        self._counts = _Counts()
        self._began = time.monotonic()
        self._until = self._began + budget.seconds
        self._found: Played | None = None
        self._seen: dict[str, bool] = {}
        self._stopped: TristoreError | None = None

    def run(self, values: Values | None) -> FuzzReport:
        """Try histories until there is a difference, or the budget is used up."""
        strategy = histories(self._left.store, values=values)
        for number in count():
            before = self._counts.histories
            numbers = random.Random(f"{self._seed} {number}")  # noqa: S311 - no secret
            with suppress(NoSuchExample, _OverError):
                find(strategy, self._differs, settings=self._settings(), random=numbers)
            if self._is_over() or self._found is not None or before == self._counts.histories:
                break
        if self._stopped is not None:
            raise self._stopped
        if self._found is not None:
            self._shorten(self._found)
        seconds = time.monotonic() - self._began
        untold = tuple(untried(self._left.store, values=values))
        return FuzzReport(self._counts.histories, self._counts.steps, seconds, self._seed, None, untold)

    def _settings(self) -> settings:
        return settings(
            max_examples=self._most(),
            database=None,
            deadline=None,
            phases=[Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
        )

    def _most(self) -> int:
        """How many histories the next batch has."""
        examples = self._budget.examples
        return _BATCH if examples is None else min(_BATCH, max(1, examples - self._counts.histories))

    def _is_over(self) -> bool:
        examples = self._budget.examples
        used_up = examples is not None and self._counts.histories >= examples and self._found is None
        late = self._counts.histories > 0 and time.monotonic() > self._until
        return self._stopped is not None or used_up or late

    def _differs(self, history: History) -> bool:
        """Replay a history; while a difference is made shorter, look up what was replayed before."""
        if self._is_over():
            raise _OverError
        if self._found is None:
            return self._played(history).differs
        key = repr(plain(history))
        if key not in self._seen:
            self._seen[key] = self._played(history).differs
        return self._seen[key]

    def _still_differs(self, history: History) -> bool:
        return not self._is_over() and self._differs(history)

    def _played(self, history: History) -> Played:
        try:
            played = replay(history, self._left, self._right)
        except NO_ANSWER as error:
            self._stopped = error
            return Played((), (), 0)
        self._counts.histories += 1
        self._counts.steps += len(history)
        if self._progress is not None:
            self._progress(self._counts.histories, self._counts.steps)
        if played.differs:
            if self._found is None:
                self._until = time.monotonic() + SHRINKING_SECONDS
            self._seen[repr(plain(history))] = True
            self._found = played
        return played

    def _shorten(self, found: Played) -> None:
        """Leave out what Hypothesis had no time for, and see whether the difference shows once more."""
        self._until = time.monotonic() + SHRINKING_SECONDS
        history = shortened(list(found.steps[: found.own]), self._still_differs)
        again = replay(history, self._left, self._right)
        self.repeats = again.differs
        self.shortest = again if again.differs else self._found


__all__ = ["Budget", "Difference", "FuzzReport", "StoresDiffer", "compare", "fuzz", "throw_away_database"]
