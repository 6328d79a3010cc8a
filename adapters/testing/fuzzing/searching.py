"""Looking for a history on whose answers two stores differ, and making it shorter."""

import random
import time
from collections.abc import Callable
from contextlib import suppress
from itertools import count

from attrs import define, frozen
from hypothesis import HealthCheck, Phase, find, settings
from hypothesis.errors import NoSuchExample

from ....domain.errors import TristoreError
from ...operations.upkeep.candidates import Values
from .answers import plain
from .histories import histories
from .replay import NO_ANSWER, Played, Side, replay
from .shrinking import shortened
from .steps import History

SECONDS = 30.0
"""How long histories are tried unless it is said otherwise."""

SHRINKING_SECONDS = 5.0
"""How long Hypothesis makes a difference shorter, at most."""

SHORTENING_SECONDS = 10.0
"""How long steps and values are left out after that, at most."""

_BATCH = 100
_SEEDS = 2**31


@frozen(kw_only=True)
class Budget:
    """How much is tried; at least one history is.

    Attributes:
        seconds: for finding a difference; making it shorter takes a few more.
        examples: the most histories, None for as many as the time allows.
        seed: of the histories, None for a new one.
    """

    seconds: float = SECONDS
    examples: int | None = None
    seed: int | None = None


Progress = Callable[[int, int], None]
"""Called with the numbers of histories and steps so far."""


@define
class Counts:
    """How many histories were replayed, and how many steps they had."""

    histories: int = 0
    steps: int = 0


class _OverError(BaseException):
    """Ends a run of Hypothesis at once: it would go on with an Exception."""


class Search:
    """Looks for a difference in batches, and lets Hypothesis make the first one shorter.

    Attributes:
        seed: of the histories.
        counts: what was replayed.
        shortest: the shortest history with a difference, as it was played.
        repeats: whether it differed a second time.
    """

    def __init__(self, left: Side, right: Side, budget: Budget, progress: Progress | None) -> None:
        self._left, self._right = left, right
        self.shortest: Played | None = None
        self.repeats = False
        self._budget = budget
        self._progress = progress
        self.seed = random.randrange(_SEEDS) if budget.seed is None else budget.seed  # noqa: S311 - no secret
        self.counts = Counts()
        self._began = time.monotonic()
        self._until = self._began + budget.seconds
        self._found: Played | None = None
        self._seen: dict[str, bool] = {}
        self._stopped: TristoreError | None = None

    def run(self, values: Values | None) -> None:
        """Try histories until there is a difference, or the budget is used up.

        Raises:
            ConfigurationError: if a field's values cannot be guessed.
            Unavailable: if a side does not answer.
        """
        strategy = histories(self._left.store, values=values)
        for number in count():
            before = self.counts.histories
            numbers = random.Random(f"{self.seed} {number}")  # noqa: S311 - no secret
            with suppress(NoSuchExample, _OverError):
                find(strategy, self._differs, settings=self._settings(), random=numbers)
            if self._is_over() or self._found is not None or before == self.counts.histories:
                break
        if self._stopped is not None:
            raise self._stopped
        if self._found is not None:
            self._shorten(self._found)

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
        return _BATCH if examples is None else min(_BATCH, max(1, examples - self.counts.histories))

    def _is_over(self) -> bool:
        examples = self._budget.examples
        used_up = examples is not None and self.counts.histories >= examples and self._found is None
        late = self.counts.histories > 0 and time.monotonic() > self._until
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
        self.counts.histories += 1
        self.counts.steps += len(history)
        if self._progress is not None:
            self._progress(self.counts.histories, self.counts.steps)
        if played.differs:
            if self._found is None:
                self._until = time.monotonic() + SHRINKING_SECONDS
            self._seen[repr(plain(history))] = True
            self._found = played
        return played

    def _shorten(self, found: Played) -> None:
        """Leave out what Hypothesis had no time for, and see whether the difference shows once more."""
        self._until = time.monotonic() + SHORTENING_SECONDS
        history = shortened(list(found.steps[: found.own]), self._still_differs)
        again = replay(history, self._left, self._right)
        self.repeats = again.differs
        self.shortest = again if again.differs else self._found
