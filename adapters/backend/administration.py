"""The port that looks after a server: its indexes, validators, plans and slow operations.

A backend that has a server gives one (`Backend.administration`). Collections and keys are named as in
`adapters.backend`. What it shows of stored documents is their ids, never their values.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from enum import Enum
from typing import Any

from attrs import field, frozen

from ...domain.queries.query import Query
from .declarations import CollectionDeclaration, IndexDeclaration, ValidatorDeclaration


class StepKind(Enum):
    """What is done to bring the actual indexes to the declared ones."""

    COLLECTION = "create collection"
    CREATE = "create"
    MODIFY = "modify"
    HIDE = "hide"
    DROP = "drop"


@frozen
class IndexStep:
    """One change of one collection.

    Attributes:
        kind: what is done.
        collection: where.
        name: of the index; empty for a collection.
        reason: why, in a few words.
        index: the declaration that is to hold afterwards; None where there is none.
        changes: what is modified, by MongoDB's names.
    """

    kind: StepKind
    collection: str
    name: str
    reason: str
    index: IndexDeclaration | None = None
    changes: Mapping[str, Any] = field(factory=dict, hash=False)

    def __str__(self) -> str:
        place = f"{self.collection}.{self.name}" if self.name else self.collection
        return f"{self.kind.value} {place}"


@frozen
class ActualIndex:
    """An index that the server has.

    Attributes:
        collection: where.
        name: its name.
        keys: its keys with their directions or kinds.
        options: the others of its options, by MongoDB's names.
    """

    collection: str
    name: str
    keys: tuple[tuple[str, Any], ...]
    options: Mapping[str, Any] = field(factory=dict, hash=False)

    @property
    def hidden(self) -> bool:
        """Whether the planner leaves it out."""
        return bool(self.options.get("hidden"))

    @property
    def plain(self) -> bool:
        """Whether it does nothing but find: it refuses nothing, lets nothing expire, and holds every document."""
        return not self.options.keys() - {"hidden", "v"}

    def __str__(self) -> str:
        return f"{self.collection}.{self.name}"


@frozen
class IndexPlan:
    """What separates the actual indexes from the declared ones.

    Attributes:
        steps: what would bring them together, in order.
        undeclared: what the server has and nobody declared; no step touches it unless it was named.
        problems: what no step can mend, in words.
    """

    steps: tuple[IndexStep, ...] = ()
    undeclared: tuple[ActualIndex, ...] = ()
    problems: tuple[str, ...] = ()

    @property
    def drift(self) -> bool:
        """Whether anything declared is not as it was declared."""
        return bool(self.steps or self.problems)


@frozen
class Duplicates:
    """Documents that keep a unique index from being built.

    Attributes:
        collection: where.
        keys: the document keys of the index.
        groups: how many different values stand in more than one document.
        documents: how many documents have one of them.
        examples: the ids of documents that share one value, a tuple for each of some values.
    """

    collection: str
    keys: tuple[str, ...]
    groups: int
    documents: int
    examples: tuple[tuple[Any, ...], ...]


@frozen
class Violations:
    """Stored documents that a validator would refuse.

    Attributes:
        count: how many there are.
        examples: the ids of some.
    """

    count: int
    examples: tuple[Any, ...] = ()


@frozen
class IndexUsage:
    """How often an index was used since the server started, or since the index was made.

    Attributes:
        index: which one.
        uses: by how many operations on the server that was asked, and by no other member of its set.
        since: from when they are counted.
    """

    index: ActualIndex
    uses: int
    since: datetime


@frozen
class QueryPlan:
    """How a query is carried out.

    Attributes:
        summary: in a few words, as the server's log has it: ``IXSCAN email_1``, ``COLLSCAN``.
        scans: whether it looks at every document, or for a rule at every key of an index.
        sorts: whether what it finds must be sorted in memory.
    """

    summary: str
    scans: bool
    sorts: bool


@frozen
class Shape:
    """What is asked, without the values: operations of one shape want one index.

    Attributes:
        operation: ``find``, ``count``, ``aggregate``, ``update``, ...
        collection: where.
        text: the filter and the order, with ``?`` for each value.
        equal: the keys that are compared with one value.
        ranged: the keys that are compared otherwise.
        order: the keys of the order, with 1 or -1.
    """

    operation: str
    collection: str
    text: str
    equal: tuple[str, ...] = ()
    ranged: tuple[str, ...] = ()
    order: tuple[tuple[str, int], ...] = ()


@frozen
class SlowOperation:
    """An operation that took longer than the threshold of the profiler.

    Attributes:
        at: when it ended.
        milliseconds: how long it took.
        shape: what it asked.
        plan: the server's summary of its plan; empty where it had none.
        keys, examined, returned: how many index entries and documents it looked at, and how many it gave back or
            changed.
        client: the name of the program that sent it.
    """

    at: datetime
    milliseconds: int
    shape: Shape
    plan: str
    keys: int
    examined: int
    returned: int
    client: str = ""


@frozen
class Profiling:
    """What the profiler of a database notes.

    Attributes:
        on: whether it notes slow operations.
        everything: whether it notes all operations, slow or not.
        threshold: from how many milliseconds an operation is slow; one number for all databases of the server.
    """

    on: bool
    everything: bool
    threshold: int


LOOK_TIMEOUT = 60.0
"""Seconds for a command that only looks."""

Progress = Callable[[int, int], None]
"""Is told how far a build is: documents done, and documents in all."""


class Administration(ABC):
    """Looks after the server of one backend. All of it works outside transactions, and asks for rights of an owner."""

    @abstractmethod
    def plan(
        self, collections: Sequence[CollectionDeclaration], *, drop: Sequence[str] = (), timeout: float = LOOK_TIMEOUT
    ) -> IndexPlan:
        """Compare declared indexes with the actual ones.

        Args:
            collections: what is declared.
            drop: names of indexes that are to go although nobody declared them, alone or behind their collection and a
                dot. One that can be seen is hidden; one that is hidden already is dropped.
            timeout: seconds for each collection.

        Raises:
            ConfigurationError: if a name in `drop` is that of no undeclared index.
        """

    @abstractmethod
    def duplicates(self, step: IndexStep, *, examples: int = 3) -> Duplicates | None:
        """Look for documents that keep a step from being done; None if there are none."""

    @abstractmethod
    def apply(self, step: IndexStep, *, progress: Progress | None = None) -> None:
        """Carry out a step; one that was carried out already changes nothing.

        Raises:
            ConfigurationError: if the server refuses it, with the reason.
        """

    @abstractmethod
    def usage(self, collections: Sequence[str]) -> Sequence[IndexUsage]:
        """Return how often each index was used."""

    @abstractmethod
    def explain(self, collection: str, query: Query) -> QueryPlan:
        """Return how the server would carry out a query."""

    @abstractmethod
    def shape(self, operation: str, collection: str, query: Query) -> Shape:
        """Return the shape of a query."""

    @abstractmethod
    def validator(self, collection: str) -> ValidatorDeclaration | None:
        """Return the validator of a collection, None if it has none that does anything."""

    @abstractmethod
    def violations(self, collection: str, schema: Mapping[str, Any], *, examples: int = 3) -> Violations:
        """Count the stored documents that do not fit a schema."""

    @abstractmethod
    def set_validator(self, collection: str, validator: ValidatorDeclaration) -> None:
        """Give a collection a validator; one that is not there is created."""

    @abstractmethod
    def profiling(self) -> Profiling:
        """Return what the profiler notes."""

    @abstractmethod
    def profile(self, threshold: int | None) -> None:
        """Let the profiler note operations from so many milliseconds on; None switches it off."""

    @abstractmethod
    def slow_operations(self, *, threshold: int, limit: int) -> list[SlowOperation]:
        """Return the newest operations that the profiler noted and that took so many milliseconds, newest first."""
