"""Two processes that share a cache which fails, and the law of what their cached reads may show.

The law: after a commit whose invalidation succeeded, no later read through the cache shows an older state. After one
whose invalidation failed, no read of the same process does, and none elsewhere once the time to live is over.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from contracts.caching_base import DOCUMENTS, Thing, ThingQueries, Things, ThingStore, misbehaving, read
from contracts.misbehaving import Misbehaving, planted
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from tristore import NotFound, open_store

T = TypeVar("T")
State = dict[int, int]
"""The numbers of the things that are there, by id."""

IDS = (0, 1, 2)
PROCESSES = (0, 1)
ids = st.sampled_from(IDS)
processes = st.sampled_from(PROCESSES)
FAULTS = ("get tokens", "set tokens", "get data", "set data")


class Process:
    """One process: its store, and how the shared cache treats it.

    Attributes:
        store: over the same data as the others.
        cache: its way to the shared memory, with faults of its own.
    """

    def __init__(self, url: str, shared: Misbehaving) -> None:
        self.cache = Misbehaving()
        self.cache.data, self.cache.tokens = shared.data, shared.tokens
        self.store: ThingStore = open_store(Things, url=url, documents=DOCUMENTS, cache=misbehaving(self.cache))

    def failed(self) -> int:
        """How many invalidations have failed so far."""
        return self.store.cache_stats().total("error", method="")

    def wait(self) -> None:
        """Let the time pass after which a cache that failed is tried again."""
        wait_for_cache(self.store)


def wait_for_cache(store: ThingStore) -> None:
    """Stand in for seconds that nobody wants to wait for in a test."""
    cache: Any = store.environment.cache
    cache._tried = float("-inf")
    cache._regions.breaker._closed_from = float("-inf")


class CachedReads(RuleBasedStateMachine):
    """Commits, cached reads and faults, in any order; a subclass says where the data is, empty and prepared."""

    url: str

    def __init__(self) -> None:
        super().__init__()
        self.shared = Misbehaving()
        self.processes = [Process(self.url, self.shared) for _ in PROCESSES]
        self.states: list[State] = [{}]
        self.least = [dict.fromkeys(IDS, 0) for _ in PROCESSES]
        """By process and id, the number of the oldest state that a read of one thing may show."""
        self.least_query = [0 for _ in PROCESSES]

    def teardown(self) -> None:
        """Close the stores, and leave nothing behind."""
        with self.processes[0].store.bulk() as bulk:
            bulk.things.remove_where(lambda t: t.number >= 0)
        for process in self.processes:
            process.store.close()

    # What is written

    def _commit(self, at: int, written: Iterable[int], change: Callable[[Things], None], after: State) -> None:
        """Commit in one process, and note who must see it from now on."""
        process = self.processes[at]
        failed = process.failed()
        with process.store.unit_of_work() as uow:
            change(uow)
        self.states.append(after)
        newest = len(self.states) - 1
        seen_by = [at] if process.failed() > failed else PROCESSES
        for one in seen_by:
            self.least[one].update(dict.fromkeys(written, newest))
            self.least_query[one] = newest

    @rule(at=processes, changed=st.sets(ids, min_size=1))
    def put(self, at: int, changed: set[int]) -> None:
        """Add or change some things in one unit."""
        number, before = len(self.states), self.states[-1]

        def change(uow: Things) -> None:
            for id_ in changed:
                if id_ in before:
                    uow.things.get(id_).number = number
                else:
                    uow.things.add(Thing(id=id_, number=number))

        self._commit(at, changed, change, {**before, **dict.fromkeys(changed, number)})

    @rule(at=processes, id_=ids)
    def remove(self, at: int, id_: int) -> None:
        """Remove a thing, if it is there."""
        before = self.states[-1]
        if id_ in before:
            after = {other: number for other, number in before.items() if other != id_}
            self._commit(at, [id_], lambda uow: uow.things.remove(uow.things.get(id_)), after)

    @rule(at=processes)
    def update_all(self, at: int) -> None:
        """Change every thing by rule."""
        number = len(self.states)

        def change(uow: Things) -> None:
            uow.things.update_where(lambda t: t.number >= 0, set={"number": number})

        self._commit(at, IDS, change, dict.fromkeys(self.states[-1], number))

    @rule(at=processes, id_=ids)
    def roll_back(self, at: int, id_: int) -> None:
        """Change a thing and think better of it."""
        uow = self.processes[at].store.unit_of_work()
        with uow:
            if id_ in self.states[-1]:
                uow.things.get(id_).number = -1
                uow.flush()
            uow.rollback()

    # What is read

    @rule(at=processes, id_=ids)
    def get(self, at: int, id_: int) -> None:
        """Read one thing."""
        allowed = [state.get(id_) for state in self.states[self.least[at][id_] :]]

        assert self._read(at, lambda things: _number(things, id_)) in allowed

    @rule(at=processes)
    def get_many(self, at: int) -> None:
        """Read several things, each of which is guarded for itself."""
        found = self._read(at, lambda things: {thing.id: thing.number for thing in _there(things)})
        for id_ in IDS:
            assert found.get(id_) in [state.get(id_) for state in self.states[self.least[at][id_] :]]

    @rule(at=processes)
    def find(self, at: int) -> None:
        """Read all things at once."""
        found = self._read(at, lambda things: {thing.id: thing.number for thing in things.find()})

        assert found in self.states[self.least_query[at] :]

    @rule(at=processes)
    def count(self, at: int) -> None:
        """Count."""
        assert self._read(at, lambda things: things.count()) in [
            len(state) for state in self.states[self.least_query[at] :]
        ]

    # What happens to the cache

    @rule(at=processes, fault=st.sampled_from(FAULTS))
    def break_(self, at: int, fault: str) -> None:
        """Let an operation of the cache fail from now on."""
        self.processes[at].cache.failing.add(fault)

    @rule(at=processes, reader=processes, id_=ids)
    def commit_between_finds(self, at: int, reader: int, id_: int) -> None:
        """Ask the same question before and behind a commit."""
        self.find(reader)
        self.put(at, {id_})
        self.find(reader)

    @rule(at=processes, id_=ids)
    def commit_unheard(self, at: int, id_: int) -> None:
        """Let the cache miss just the invalidation of one commit, and read again at once."""
        failing = self.processes[at].cache.failing
        self.get(at, id_)
        failing.add("set tokens")
        self.put(at, {id_})
        failing.discard("set tokens")
        self.get(at, id_)

    @rule(at=processes)
    def lose_answers(self, at: int) -> None:
        """Let tokens be written, and the answer get lost."""

        def lose(operation: str) -> None:
            if operation == "set tokens":
                raise ConnectionError("the answer is lost")

        self.processes[at].cache.after = lose

    @rule(at=processes)
    def mend(self, at: int) -> None:
        """Let everything work again, and time pass."""
        self.processes[at].cache.failing.clear()
        self.processes[at].cache.after = lambda _: None
        self.processes[at].wait()

    @rule(tokens=st.booleans(), position=st.integers(0, 20))
    def evict(self, tokens: bool, position: int) -> None:
        """Let the cache forget one token or entry."""
        memory = self.shared.tokens if tokens else self.shared.data
        keys = planted(memory)
        if keys:
            memory.drop(keys[position % len(keys)])

    @rule()
    def lose_tokens(self) -> None:
        """Let the cache forget every token, and keep the entries."""
        for key in planted(self.shared.tokens):
            self.shared.tokens.drop(key)

    @rule()
    def time_to_live_is_over(self) -> None:
        """Let everything that is kept come to its end: from now on nothing old may be seen anywhere."""
        memory = self.shared.data
        for key in planted(memory):
            memory.drop(key)
        newest = len(self.states) - 1
        self.least = [dict.fromkeys(IDS, newest) for _ in PROCESSES]
        self.least_query = [newest for _ in PROCESSES]

    def _read(self, at: int, ask: Callable[[ThingQueries], T]) -> T:
        return read(self.processes[at].store, ask)


def _number(things: ThingQueries, id_: int) -> int | None:
    try:
        return things.get(id_).number
    except NotFound:
        return None


def _there(things: ThingQueries) -> Sequence[Thing]:
    try:
        return things.get_many(IDS)
    except NotFound as error:
        return things.get_many([id_ for id_ in IDS if id_ not in error.ids])


__all__ = ["CachedReads"]
