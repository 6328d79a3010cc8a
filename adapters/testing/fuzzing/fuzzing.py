"""The fuzzer: random histories over a user's own repositories, on two stores, until an answer differs.

In a test::

    def test_my_stores_agree(tristore_mongod):
        fuzz(open_billing, "memory://", tristore_mongod.url_for("billing"), seconds=20)
"""

import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from typing import Any
from uuid import uuid4

from attrs import evolve, frozen
from pymongo import MongoClient
from pymongo.errors import PyMongoError

from ...backend.urls import without_password
from ...operations.openings import Opening, OpenStore, opening_of
from ...operations.upkeep.candidates import Values
from ..servers.server import MongoServer
from .answers import Answer
from .histories import untried
from .replay import Side
from .script import Script
from .searching import SECONDS, Budget, Progress, Search

_DROP_MS = 5_000


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
        began = time.monotonic()
        search = Search(sides[0], sides[1], budget, progress)
        search.run(values)
        report = FuzzReport(
            search.counts.histories,
            search.counts.steps,
            time.monotonic() - began,
            search.seed,
            None,
            tuple(untried(sides[0].store, values=values)),
        )
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
    with MongoServer(expiring=False) as server:
        try:
            yield server.url_for(name)
        finally:
            # a server that is gone meanwhile was ours, and took the database with it
            with suppress(PyMongoError), MongoClient[dict[str, Any]](server.url, timeoutMS=_DROP_MS) as client:
                client.drop_database(name)


def _side(opening: Opening, url: str) -> Side:
    side = Side(opening.open(url))
    side.refuse_documents()
    return side
