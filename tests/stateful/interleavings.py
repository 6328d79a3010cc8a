"""One random schedule of transactions and plain writes on two backends: every answer and every error is compared.

A plain write that has to wait for a transaction does so in a thread; the schedule goes on meanwhile, and whether it is
through is compared after each step.
"""

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from typing import Any

from attrs import define, field
from hypothesis import strategies as st

from tristore import TristoreError
from tristore.adapters.backend import (
    EVERYTHING,
    All,
    Backend,
    CollectionDeclaration,
    Comparator,
    Compare,
    Contains,
    Delete,
    IndexDeclaration,
    KeyTaken,
    OneOf,
    Predicate,
    Query,
    SortKey,
    Transaction,
    Update,
    WritePlan,
)

PATIENCE = 10.0
"""Seconds that a plain write may wait for the transactions in its way."""

LOOK = 0.2
"""Seconds after which a plain write that is not through is taken for one that waits."""

COLLECTION = "seats"


def equal(name: str, value: object) -> Compare:
    """An equality."""
    return Compare((name,), Comparator.EQ, value)


def _unique(*keys: str, **options: Any) -> IndexDeclaration:
    return IndexDeclaration(tuple((key, 1) for key in keys), unique=True, **options)


DECLARED = (
    CollectionDeclaration(
        COLLECTION,
        (
            _unique("u"),
            _unique("s", sparse=True),
            _unique("team", "seat", sparse=True),
            _unique("tags", partial=equal("state", "open")),
            IndexDeclaration((("team", 1), ("n", -1))),
        ),
    ),
)

ids = st.integers(0, 3)
small = st.integers(0, 2)
contents = st.fixed_dictionaries(
    {},
    optional={
        "u": st.integers(0, 5),
        "s": small,
        "team": small,
        "seat": small,
        "tags": st.lists(small, min_size=1, max_size=2) | small,
        "state": st.sampled_from(["open", "shut"]),
        "n": small,
    },
)
documents = st.builds(lambda id_, values: {"_id": id_, "version": 1, "u": id_, **values}, ids, contents)
versions = st.sampled_from([1, 1, 1, 2])
updates = st.builds(
    lambda id_, version, values, step: Update(id_, version, {**values, "version": version + step}),
    ids,
    versions,
    contents,
    st.sampled_from([0, 0, 1]),
)
removals = st.builds(lambda id_, name: Update(id_, 1, {}, (name,)), ids, st.sampled_from(["s", "state", "tags"]))
operations = st.one_of(documents, documents, updates, updates, removals, st.builds(Delete, ids, versions))
predicates: st.SearchStrategy[Predicate] = st.one_of(
    st.just(EVERYTHING),
    st.builds(equal, st.sampled_from(["_id", "u", "s", "team", "state"]), small),
    st.builds(lambda value: Contains(("tags",), value), small),
    st.builds(lambda team, n: All((equal("team", team), Compare(("n",), Comparator.GE, n))), small, small),
    st.builds(lambda values: OneOf(("u",), tuple(values)), st.lists(small, max_size=2)),
)
orders = st.sampled_from([(), (SortKey(("n",), True),), (SortKey(("team",)), SortKey(("n",), True))])
queries = st.builds(
    lambda predicate, order, limit: Query(predicate, (*order, SortKey(("_id",))), limit=limit),
    predicates,
    orders,
    st.none() | st.just(2),
)
TRANSACTIONS = ("first", "second", "third")
actors = st.sampled_from(TRANSACTIONS)
steps = st.one_of(
    st.tuples(actors, st.lists(operations, min_size=1, max_size=2)),
    st.tuples(actors, st.lists(operations, min_size=1, max_size=2)),
    st.tuples(st.just("plain"), operations.map(lambda one: [one])),
    st.tuples(actors | st.just("plain"), queries),
    st.tuples(actors, st.sampled_from(["commit", "commit", "abort"])),
)
Step = tuple[str, Any]


@define
class Side:
    """One backend with its open transactions, and the plain write that waits, if one does."""

    backend: Backend
    open: dict[str, Transaction] = field(factory=dict)
    waiting: "Future[object] | None" = None
    _threads: ThreadPoolExecutor = field(factory=lambda: ThreadPoolExecutor(1))

    def start(self, actor: str, what: Any) -> "Future[object]":
        """Carry out one step; a plain write in a thread, for it may have to wait."""
        if actor == "plain" and not isinstance(what, Query):
            self.waiting = self._threads.submit(self._outcome, what, None)
            return self.waiting
        done: Future[object] = Future()
        done.set_result(self._outcome(what, actor))
        return done

    def end(self) -> None:
        """Abort what is open, and let a write that waits for it go on."""
        while self.open:
            self.backend.abort(self.open.popitem()[1])

    def close(self) -> None:
        """End the threads."""
        self.end()
        self._threads.shutdown()

    def contents(self) -> str:
        """All that is stored, the order and types of the keys included."""
        return repr(self._found(Query(sort=(SortKey(("_id",)),)), None))

    def _outcome(self, what: Any, actor: str | None) -> object:
        transaction = None
        if actor in TRANSACTIONS:
            transaction = self.open.get(actor) or self.open.setdefault(actor, self.backend.begin())
        try:
            return self._step(what, actor, transaction)
        except KeyTaken as taken:
            return "taken", taken.keys, taken.position, taken.done
        except TristoreError as error:
            return type(error).__name__

    def _step(self, what: Any, actor: str | None, transaction: Transaction | None) -> object:
        if isinstance(what, Query):
            count = self.backend.count(COLLECTION, what.predicate, limit=None, transaction=transaction, timeout=5.0)
            return repr(self._found(what, transaction)), count
        if isinstance(what, str):
            assert transaction is not None
            del self.open[str(actor)]
            if what == "abort":
                return self.backend.abort(transaction)
            return self.backend.commit(transaction, timeout=5.0)
        return repr(self.backend.write(_plan(what), transaction=transaction, timeout=PATIENCE))

    def _found(self, query: Query, transaction: Transaction | None) -> list[Any]:
        return self.backend.find(COLLECTION, query, transaction=transaction, timeout=5.0).to_list()


def _plan(what: Sequence[Any]) -> WritePlan:
    return WritePlan(
        COLLECTION,
        "version",
        [one for one in what if isinstance(one, Delete)],
        [one for one in what if isinstance(one, Update)],
        [one for one in what if isinstance(one, dict)],
    )


@define
class Schedule:
    """Both sides, step by step.

    Attributes:
        met: the kinds of outcomes so far, to show that a test met them.
    """

    sides: tuple[Side, Side]
    met: set[str]
    _is_waiting: bool = False

    def run(self, schedule: Sequence[Step]) -> None:
        """Carry out the steps on both sides; while a plain write waits, no second one begins."""
        for actor, what in schedule:
            is_write = actor == "plain" and not isinstance(what, Query)
            if self._is_waiting and is_write:
                continue
            outcomes = [side.start(actor, what) for side in self.sides]
            if is_write:
                self._is_waiting = True
            else:
                self._compare(outcomes, (actor, what))
            if self._is_waiting:
                self._look_after_the_writer((actor, what), LOOK)
        for side in self.sides:
            side.end()
        if self._is_waiting:
            self._look_after_the_writer("the end", PATIENCE)

        assert not self._is_waiting
        assert self.sides[0].contents() == self.sides[1].contents()

    def _look_after_the_writer(self, step: object, patience: float) -> None:
        """If one side is through, the other must be soon; if neither is in time, both wait."""
        outcomes = [side.waiting for side in self.sides if side.waiting is not None]
        if any(_is_through(one, patience) for one in outcomes):
            self._is_waiting = False
            self._compare(outcomes, step)
        else:
            self.met.add("waits")

    def _compare(self, outcomes: "Sequence[Future[object]]", step: object) -> None:
        one, other = (found.result(PATIENCE) for found in outcomes)

        assert one == other, step
        self.met.add(str(one[0]) if isinstance(one, tuple) else str(one))


def _is_through(outcome: "Future[object]", patience: float) -> bool:
    try:
        outcome.result(patience)
    except NotYet:
        return False
    return True
