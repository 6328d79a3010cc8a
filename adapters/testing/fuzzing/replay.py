"""Replaying one history on two stores, step by step, until their answers differ."""

from collections.abc import Iterator, Sequence
from contextvars import Context
from datetime import timedelta
from typing import Any

from attrs import frozen

from ....domain.entities.clock import FixedClock
from ....domain.errors import CommitUnknown, ConfigurationError, Unavailable
from ....domain.queries.query import FIND_BOUND, Query
from ....domain.rules.predicates import EVERYTHING
from ....domain.unit_of_work.store import Store
from ...backend import Backend, Cursor, Delete, Transaction, WritePlan
from ...documents.context.store_context import Environment
from ...documents.values.keys import ID_KEY
from ...operations.observed_backend import ObservedBackend, Operation, document_store
from ...operations.upkeep.candidates import START
from .answers import Answer, Order
from .steps import READER, SNAPSHOT, UNITS, Ask, End, History, RepositoryStep, Step, Stored

NO_ANSWER = (Unavailable, CommitUnknown)
"""What says something of the network and nothing of the store: it ends the comparison."""

_TIMEOUT = 10.0


class AskedBackend(ObservedBackend):
    """Hands everything on, and remembers the queries."""

    def __init__(self, inner: Backend) -> None:
        super().__init__(inner)
        self.queries: list[tuple[str, Query]] = []

    def _around(self, operation: Operation, call: Any) -> Any:
        return call()

    def find(self, collection: str, query: Query, *, transaction: Transaction | None, timeout: float) -> Cursor:
        """Return the documents that a query meets."""
        self.queries.append((collection, query))
        return self.inner.find(collection, query, transaction=transaction, timeout=timeout)


class Side:
    """One of the two stores, with the units of work and readers that a history has open on it.

    The clock of its units stands still but for what the history says.
    """

    def __init__(self, store: Store[Any]) -> None:
        self.store = document_store(store)
        self.store.prepare()
        self.environment: Environment = self.store.environment
        self._asked = AskedBackend(self.environment.backend)
        self.environment.backend = self._asked
        self._clock = FixedClock(START)
        self._open: dict[str, Any] = {}

    @property
    def location(self) -> str:
        """Where the store is, without a password."""
        return self._asked.location

    def begin(self) -> None:
        """Begin a history on an empty store.

        Raises:
            ConfigurationError: if the store cannot be emptied.
        """
        for slot in (*UNITS, SNAPSHOT):
            self._end(End(slot, "rollback"))
        if self._empty():
            self.refuse_documents()
        self._clock = FixedClock(START)
        self.environment.clock = self._clock

    def refuse_documents(self) -> None:
        """Make sure that nothing is stored: histories begin with removing everything.

        Raises:
            ConfigurationError: if there is something.
        """
        for binding in self.environment.by_collection.values():
            stored = self._asked.count(binding.collection, EVERYTHING, limit=1, transaction=None, timeout=_TIMEOUT)
            if stored:
                raise ConfigurationError(
                    f"the collection {binding.collection} at {self.location} is not empty, and fuzzing removes "
                    "everything: give it a database of its own"
                )

    def close(self) -> None:
        """Leave the store empty and closed."""
        self.begin()
        self.store.close()

    def do(self, step: Step) -> Answer:
        """Carry out one step; every error is an answer, but for those that say nothing of the store."""
        self._asked.queries.clear()
        try:
            value = self._carry_out(step)
            return Answer.returned(value, self._order(step))
        except NO_ANSWER:
            raise
        except Exception as error:  # noqa: BLE001 - whatever the user's code raises, both must raise
            return Answer.raised(error)

    def _carry_out(self, step: Step) -> Any:
        if isinstance(step, End):
            return self._end(step)
        if isinstance(step, Stored):
            documents = self._asked.find(step.collection, Query(), transaction=None, timeout=_TIMEOUT).to_list()
            return sorted(documents, key=lambda document: repr(document[ID_KEY]))
        assert isinstance(step, RepositoryStep)  # noqa: S101 - there are no others
        if step.slot == READER:
            with self.store.reader() as reader:
                return step.act(getattr(reader, step.repository))
        return step.act(getattr(self._in(step.slot), step.repository))

    def _in(self, slot: str) -> Any:
        """What is open in a slot, opened first if need be; in a context of its own, as if in a thread of its own."""
        if slot not in self._open:
            made = self.store.reader(snapshot=True) if slot == SNAPSHOT else self.store.unit_of_work()
            Context().run(made.__enter__)
            self._open[slot] = made
        return self._open[slot]

    def _end(self, step: End) -> None:
        if step.slot not in self._open:
            return
        self._clock.advance(timedelta(milliseconds=step.milliseconds))
        if step.how == "flush":
            self._open[step.slot].flush()
            return
        ended = self._open.pop(step.slot)
        if step.how == "rollback" and step.slot in UNITS:
            ended.rollback()
        else:
            ended.__exit__(None, None, None)

    def _order(self, step: Step) -> Order:
        """Tell what the order of an answer means: of a query that leaves it to the store, not much."""
        if not isinstance(step, Ask):
            return Order.FIXED
        order = Order.FIXED
        for collection, query in self._asked.queries:
            if not self._is_total(collection, query):
                if query.skip or (query.limit is not None and query.limit <= FIND_BOUND):
                    return Order.CUT
                order = Order.OPEN
        return order

    def _is_total(self, collection: str, query: Query) -> bool:
        unique = {
            index.keys[0][0]
            for declared in self.environment.collections
            if declared.name == collection
            for index in declared.indexes
            if index.unique and len(index.keys) == 1
        }
        return any(".".join(key.path) in {ID_KEY, *unique} for key in query.sort)

    def _empty(self) -> bool:
        """Remove what is stored; tell whether there was anything."""
        found = False
        for binding in self.environment.by_collection.values():
            key = binding.mapping.version_key
            documents = self._asked.find(binding.collection, Query(), transaction=None, timeout=_TIMEOUT).to_list()
            deletes = [Delete(document[ID_KEY], document.get(key)) for document in documents]
            if deletes:
                self._asked.write(WritePlan(binding.collection, key, deletes), transaction=None, timeout=_TIMEOUT)
                found = True
        return found


@frozen
class Played:
    """What became of a history on two stores.

    Attributes:
        steps: those that were carried out; the last one is the difference, if there is one.
        answers: the answers of both sides to each step.
        own: how many steps the history itself has; those behind them compare what it left.
    """

    steps: Sequence[Step]
    answers: Sequence[tuple[Answer, Answer]]
    own: int

    @property
    def differs(self) -> bool:
        """Whether the last answers differ."""
        return bool(self.answers) and self.answers[-1][0] != self.answers[-1][1]


def replay(history: History, left: Side, right: Side) -> Played:
    """Carry a history out on two stores, step by step, until an answer differs; at its end compare all that is stored.

    Raises:
        Unavailable: if a store does not answer.
        CommitUnknown: if the outcome of a commit cannot be learnt.
    """
    left.begin()
    right.begin()
    steps: list[Step] = []
    answers: list[tuple[Answer, Answer]] = []
    for step in (*history, *_final(left.environment)):
        steps.append(step)
        answers.append((left.do(step), right.do(step)))
        if answers[-1][0] != answers[-1][1]:
            break
    return Played(steps, answers, len(history))


def _final(environment: Environment) -> Iterator[Step]:
    """After a history everything is ended, and all that is stored is read."""
    yield from (End(slot, "rollback") for slot in (*UNITS, SNAPSHOT))
    yield from (Ask(READER, name, "find", (), {"sort": "id"}) for name in environment.bindings)
    yield from (Stored(READER, binding.collection) for binding in environment.by_collection.values())
