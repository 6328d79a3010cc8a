"""Random histories of two processes that share a cache: reads, writes, faults, and others who act in their midst."""

from collections import Counter, deque
from collections.abc import Callable

from attrs import frozen
from contracts.caching.caching_base import bypasses
from dogpile.cache import register_backend
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from tristore import CacheSettings
from tristore.adapters.caching.store_cache import StoreCache

from .cache_law import Law
from .cached_processes import Data, Process, stored
from .cached_questions import Question, Write, puts, questions, writes
from .shared_cache import Clock, Fault, Line, Memory, Moment, SharedBackend, faults, token_faults

PROCESSES = (0, 1)
PASSING = (1, 5, 60, 90_000)
"""Seconds that pass at a time: until a failed cache is tried again, until entries end, and at last tokens."""

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
in_writes: st.SearchStrategy[Moment] = st.sampled_from(["after commit", "before set tokens", "after set tokens"])
in_failures: st.SearchStrategy[Moment] = st.sampled_from(["after commit", "answer lost", "answer lost"])
actions = st.lists(questions | writes, min_size=1, max_size=3) | st.tuples(questions, writes).map(list)


@frozen
class Midst:
    """What happens in the midst of a call.

    Attributes:
        moment: when.
        acts: what the other process does then.
        fault: what goes wrong with the cache in this call.
    """

    moment: Moment
    acts: list[Question | Write]
    fault: Fault | None = None


midst_of_reads = st.builds(Midst, in_reads, actions)
midst_of_writes = st.one_of(
    st.builds(Midst, in_writes, actions),
    st.builds(Midst, in_failures, actions, token_faults),
    # who reads what a lost answer has left behind, and writes then, sees whether it ever comes back
    st.builds(Midst, in_failures, st.tuples(questions, puts).map(list), st.just(Fault("set tokens", "answer lost", 1))),
)
readers = st.sampled_from([[], [0, 1], [1, 0], [0], [1]])
"""Who reads again afterwards."""


class CachedReads(RuleBasedStateMachine):
    """Any history; `data` says where, and `cache` is what the processes look through.

    Attributes:
        ends_entries: whether what is behind the cache ends the life of entries itself.
        met: what happened how often, over all histories.
    """

    data: Data
    cache: Callable[..., StoreCache] = StoreCache
    ends_entries = False
    met: Counter[str]

    def __init__(self) -> None:
        super().__init__()
        register_backend("tests.shared", SharedBackend.__module__, SharedBackend.__name__)  # type: ignore[no-untyped-call]
        self.processes = self.data.processes
        self.clock = Clock()
        self.memory = Memory(self.clock, self.ends_entries)
        self.lives = 0
        self.number = 0
        self.asked: deque[Question] = deque(maxlen=6)

    @initialize(asked=st.lists(questions, min_size=2, max_size=4))
    def begin(self, asked: list[Question]) -> None:
        """Two things are stored, and some questions were asked."""
        self.data.empty()
        self.law = Law(self.clock, [stored(self.processes[0].inner)])
        for number in PROCESSES:
            self.restart(number)
        self._write(self.processes[0], Write("put", (1, 2), "a"))
        for question in asked:
            self._read(self.processes[0], question)

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

    @rule(number=processes)
    def read_again(self, number: int) -> None:
        """One process reads what was read before, by whomever."""
        self._all_read_again([number])

    @rule(number=processes, question=questions, midst=midst_of_reads, then=readers)
    def read_while_others_act(self, number: int, question: Question, midst: Midst, then: list[int]) -> None:
        """One process reads, and in the midst of it the other one acts."""
        process = self._arm(number, midst)
        self._read(process, question)
        process.line.moments.disarm()
        self._all_read_again(then)

    @rule(number=processes, write=writes, then=readers)
    def write(self, number: int, write: Write, then: list[int]) -> None:
        """One process writes."""
        self._write(self.processes[number], write)
        self._all_read_again(then)

    @rule(number=processes, write=writes, fault=token_faults, seconds=st.sampled_from([0, 0, 5, 60]), then=readers)
    def write_in_vain(self, number: int, write: Write, fault: Fault, seconds: int, then: list[int]) -> None:
        """One process writes, something goes wrong with what it tells the cache, and time passes."""
        self.processes[number].line.faults.insert(0, fault)
        self._write(self.processes[number], write)
        self.clock.now += seconds
        self._all_read_again(then)

    @rule(number=processes, write=writes, midst=midst_of_writes, then=readers)
    def write_while_others_act(self, number: int, write: Write, midst: Midst, then: list[int]) -> None:
        """One process writes, and in the midst of it the other one acts, perhaps when something goes wrong."""
        process = self._arm(number, midst)
        self._write(process, write)
        process.line.moments.disarm()
        self._all_read_again(then)

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

    def _all_read_again(self, numbers: list[int]) -> None:
        for number in numbers:
            for question in [*self.asked]:
                self._read(self.processes[number], question)

    def _arm(self, number: int, midst: Midst) -> Process:
        process, other = self.processes[number], self.processes[1 - number]

        def act() -> None:
            for one in midst.acts:
                if isinstance(one, Question):
                    self._read(other, one)
                else:
                    self._write(other, one)

        process.line.moments.arm(midst.moment, act)
        if midst.fault is not None:
            process.line.faults.insert(0, midst.fault)
        return process

    def _read(self, process: Process, question: Question) -> None:
        """Ask, and hold each part of the answer against what was so when the read began, and what came since."""
        if question not in self.asked:
            self.asked.append(question)
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


__all__ = ["CachedReads"]
