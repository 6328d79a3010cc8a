"""Random histories of two processes that share a cache: reads, writes, faults, and others who act in their midst."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from attrs import frozen
from contracts.caching_base import DOCUMENTS, Things, ThingStore, bypasses
from dogpile.cache import register_backend
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from tristore import open_store
from tristore.adapters.backend import Backend
from tristore.adapters.caching.regions import CacheSettings
from tristore.adapters.caching.store_cache import StoreCache
from tristore.adapters.testing.observed_backend import ObservedBackend, Operation
from tristore.domain.predicates import EVERYTHING
from tristore.domain.queries import Query

from .cache_law import Applied, Law, State
from .cached_questions import Question, Write, questions, writes
from .shared_cache import Clock, Fault, Line, Memory, Moment, SharedBackend, faults

T = TypeVar("T")

PROCESSES = (0, 1)
TIMEOUT = 5.0
PASSING = (1, 5, 60, 90_000)
"""Seconds that pass at a time: until a failed cache is tried again, until entries and at last tokens come to their end."""

processes = st.sampled_from(PROCESSES)
in_reads: st.SearchStrategy[Moment] = st.sampled_from(
    [
        "before get tokens",
        "before set tokens",
        "after set tokens",
        "before get data",
        "before load",
        "after load",
        "before set data",
        "after set data",
    ]
)
in_writes: st.SearchStrategy[Moment] = st.sampled_from(
    ["after commit", "before set tokens", "after set tokens", "answer lost"]
)
actions = st.lists(questions | writes, min_size=1, max_size=3)


class Watched(ObservedBackend):
    """The backend as one process sees it: the law notes what it changes, and others act in its midst."""

    def __init__(self, inner: Backend, process: "Process") -> None:
        super().__init__(inner)
        self.answers_at_once = True  # type: ignore[misc] # pages are read one after the other: one moment at a time
        self._process = process

    def _around(self, operation: Operation, call: Callable[[], T]) -> T:
        process = self._process
        if operation.name in {"find", "count", "distinct", "rollup"}:
            if operation.transaction is not None or not process.is_reading:
                return call()
            process.line.moments.come("before load")
            answer = call()
            process.line.moments.come("after load")
            return answer
        try:
            return call()
        finally:
            if operation.transaction is None or operation.name == "commit":
                process.note()


class Process:
    """One process: its store, its line to the cache, and how often it was started.

    Attributes:
        store: over the same data as that of the other.
        line: to the shared memory.
        life: tells one run of it from all others.
        is_reading: whether it is in the midst of a read.
    """

    def __init__(self, url: str, inner: Backend | None) -> None:
        self.store: ThingStore = open_store(Things, url=url, documents=DOCUMENTS, cache=None, prepare="create")
        if inner is not None:
            self.store.backend.close()
        self.inner = self.store.backend if inner is None else inner
        self.store.environment.backend = Watched(self.inner, self)
        self.life = 0
        self.is_reading = False
        self.changes: list[Applied] = []

    def begin(self, law: Law, line: Line, cache: StoreCache, life: int) -> None:
        """Start, with a cache of its own over the line."""
        self.end()
        self._law, self.line, self.life = law, line, life
        self.store.environment.cache = cache

    def end(self) -> None:
        """Stop: what it has in its own memory is gone."""
        cache, self.store.environment.cache = self.store.environment.cache, None
        if cache is not None:
            cache.close()

    def note(self) -> None:
        """Note what this process may have changed."""
        change = self._law.note(stored(self.inner))
        if change is not None:
            self.changes.append(change)
            self.line.moments.come("after commit")

    def failed(self) -> Counter[str]:
        """How many invalidations of each collection failed so far."""
        counted = self.store.cache_stats()
        return Counter({one.collection: n for one, n in counted if one.outcome == "error" and not one.method})

    def used(self) -> int:
        """How many reads went through the cache so far."""
        stats = self.store.cache_stats()
        return stats.total("hit") + stats.total("miss")


def stored(backend: Backend) -> State:
    """Everything that is stored."""

    def of(collection: str) -> list[Any]:
        return backend.find(collection, Query(), transaction=None, timeout=TIMEOUT).to_list()

    things = {one["_id"]: (one.get("group", ""), one.get("number", 0)) for one in of("things")}
    return {"things": things, "notes": {one["_id"]: () for one in of("notes")}}


@frozen
class Data:
    """Where the processes of a machine have their data."""

    processes: Sequence[Process]

    def empty(self) -> None:
        """Remove everything."""
        for collection in ("things", "notes"):
            self.processes[0].inner.remove_where(collection, EVERYTHING, transaction=None, timeout=TIMEOUT)

    def close(self) -> None:
        """Close the stores."""
        for process in self.processes:
            process.end()
            process.store.close()


def processes_at(url: str) -> Data:
    """Open the stores of two processes on one database; in memory they share the backend."""
    first = Process(url, None)
    return Data([first, Process(url, first.inner if first.inner.is_private else None)])


class CachedReads(RuleBasedStateMachine):
    """Any history; `data` says where, and `cache` is what the processes look through.

    Attributes:
        met: what happened how often, over all histories.
    """

    data: Data
    cache: Callable[..., StoreCache] = StoreCache
    met: Counter[str]

    def __init__(self) -> None:
        super().__init__()
        register_backend("tests.shared", SharedBackend.__module__, SharedBackend.__name__)  # type: ignore[no-untyped-call]
        self.processes = self.data.processes
        self.clock = Clock()
        self.memory = Memory(self.clock)
        self.lives = 0
        self.number = 0

    @initialize()
    def begin(self) -> None:
        """Nothing is stored, and nothing cached."""
        self.data.empty()
        self.law = Law(self.clock, [stored(self.processes[0].inner)])
        for number in PROCESSES:
            self.restart(number)

    @rule(number=processes)
    def restart(self, number: int) -> None:
        """One process ends and begins again: what it owed is forgotten."""
        self.lives += 1
        line = Line(self.memory)
        settings = CacheSettings(url="tests.shared://", arguments={"line": line})
        cache = type(self).cache(
            settings, store="things", place="shared", collections=("things", "notes"), clock=self.clock
        )
        self._count(self.processes[number])
        self.processes[number].begin(self.law, line, cache, self.lives)

    @rule(number=processes, question=questions)
    def read(self, number: int, question: Question) -> None:
        """One process reads."""
        self._read(self.processes[number], question)

    @rule(number=processes, asked=st.lists(questions, min_size=3, max_size=6))
    def read_much(self, number: int, asked: list[Question]) -> None:
        """One process reads again and again."""
        for question in asked:
            self._read(self.processes[number], question)

    @rule(number=processes, question=questions, moment=in_reads, acts=actions)
    def read_while_others_act(
        self, number: int, question: Question, moment: Moment, acts: list[Question | Write]
    ) -> None:
        """One process reads, and in the midst of it the other one acts."""
        with_others = self._arm(number, moment, acts)
        self._read(with_others, question)
        with_others.line.moments.disarm()

    @rule(number=processes, write=writes)
    def write(self, number: int, write: Write) -> None:
        """One process writes."""
        self._write(self.processes[number], write)

    @rule(number=processes, write=writes, fault=faults, moment=in_writes, acts=actions)
    def write_while_others_act(
        self, number: int, write: Write, fault: Fault, moment: Moment, acts: list[Question | Write]
    ) -> None:
        """One process writes, something may go wrong, and in the midst of it the other one acts."""
        with_others = self._arm(number, moment, acts)
        with_others.line.faults.insert(0, fault)
        self._write(with_others, write)
        with_others.line.moments.disarm()

    @rule(number=processes, fault=faults)
    def go_wrong(self, number: int, fault: Fault) -> None:
        """From now on something goes wrong with one process."""
        self.processes[number].line.faults.append(fault)

    @rule(number=processes)
    def heal(self, number: int) -> None:
        """From now on nothing goes wrong with one process."""
        self.processes[number].line.faults.clear()

    @rule()
    def late_writes_arrive(self) -> None:
        """What was on its way to the cache arrives."""
        self.memory.arrive()

    @rule(tokens=st.booleans(), each=st.sampled_from([1, 2]), from_=st.integers(0, 1))
    def forget(self, tokens: bool, each: int, from_: int) -> None:
        """The cache loses tokens, or entries."""
        self.memory.forget(tokens=tokens, each=each, from_=from_)

    @rule(seconds=st.sampled_from(PASSING))
    def pass_time(self, seconds: int) -> None:
        """Time passes."""
        self.clock.now += seconds

    def teardown(self) -> None:
        """Add up what happened."""
        for process in self.processes:
            self._count(process)
            process.end()

    def _arm(self, number: int, moment: Moment, acts: list[Question | Write]) -> Process:
        process, other = self.processes[number], self.processes[1 - number]

        def act() -> None:
            for one in acts:
                if isinstance(one, Question):
                    self._read(other, one)
                else:
                    self._write(other, one)

        process.line.moments.arm(moment, act)
        return process

    def _read(self, process: Process, question: Question) -> None:
        """Ask, and hold each part of the answer against what was so when the read began, and what came since."""
        least = {guard: self.law.least(guard, process.life, question.ttl) for guard in question.guards}
        owed, used = self.law.owed_by(process.life), process.used()
        process.is_reading = True
        try:
            with process.store.reader() as reader:
                parts = question.ask(reader)
        finally:
            process.is_reading = False
        for guard, answer, expected in parts:
            self.law.check(question, least[guard], answer, expected)
        if process.used() > used:
            self.law.made_good(process.life, owed & {guard[0] for guard in question.guards})

    def _write(self, process: Process, write: Write) -> None:
        """Write, and note what the law says of it once the call has returned."""
        self.number += 1
        process.changes = []
        before = process.failed()
        write.carry_out(process.store, self.number)
        changes, process.changes = process.changes, []
        self.law.returned(process.life, changes, set(process.failed() - before))

    def _count(self, process: Process) -> None:
        if process.store.environment.cache is None:
            return
        for (_, reason), times in bypasses(process.store.cache_stats()).items():
            self.met[reason] += times
        stats = process.store.cache_stats()
        self.met["hit"] += stats.total("hit")
        self.met["failed invalidations"] += stats.total("error", method="")
        self.met["old elsewhere"] += self.law.old
        self.law.old = 0
        self.met.update(process.line.moments.acted)
        self.met.update(f"{operation} {kind}" for operation, kind in process.line.struck)


__all__ = ["CachedReads", "Data", "processes_at"]
