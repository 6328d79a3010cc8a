"""Random histories with random faults: the same fault at the same operation, simulated and in a real server."""

from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

from contracts.billing import BillingUnitOfWork
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tristore.testing import faults

from .histories import SLOTS, Histories, entities

AT = st.sampled_from([1, 1, 2, 3])
POINTS = st.sampled_from(["any", "find", "count", "write", "commit"])

quick = st.one_of(
    st.builds(faults.TransientError, at=AT, on=POINTS, times=st.integers(1, 2)),
    st.builds(faults.TransientError, on=st.just("commit")),
    st.builds(faults.CommitAppliedAnswerLost),
    st.builds(faults.CommitNotApplied, times=st.integers(1, 2)),
    st.builds(faults.WriteConcernTimeout),
    st.builds(faults.SlowCommand, st.just(0.01), on=POINTS),
)
slow = st.one_of(
    st.builds(faults.ConnectionClosed, at=AT, on=POINTS),
    st.builds(faults.StepDown, at=AT, on=POINTS),
    st.builds(faults.CommitAppliedAnswerLost, reachable=st.just(False)),
    st.builds(faults.CommitNotApplied, reachable=st.just(False)),
)
"""Those that cost a server's client half a second: it looks for its server again."""

chosen = st.integers(0, 9).flatmap(lambda number: slow if number == 0 else quick)


class FaultyHistories(Histories):
    """Histories in which operations meet faults; every answer, error class and document is compared.

    Attributes:
        struck: how often faults of each class hit something, over all histories.
    """

    struck: Counter[str]

    def __init__(self) -> None:
        super().__init__()
        self._fault: faults.Fault | None = None
        self._injected = ExitStack()
        self._injections: list[faults.Injection] = []
        self._keys = 0

    @rule(fault=chosen)
    @precondition(lambda self: self.twins)
    def inject(self, fault: faults.Fault) -> None:
        """From now on both backends meet this fault, and no other."""
        self._heal()
        self._fault = fault
        self._injections = [self._injected.enter_context(faults.inject(twin.store, fault)) for twin in self.twins]

    @rule()
    def heal(self) -> None:
        """From now on nothing goes wrong."""
        self._heal()

    @rule(fault=chosen, slot=st.sampled_from(SLOTS), fields=entities)
    @precondition(lambda self: self.twins)
    def commit_under_a_fault(self, fault: faults.Fault, slot: int, fields: dict[str, Any]) -> None:
        """One unit adds a customer to what it did before, and ends, while a fault waits for it."""
        self.inject(fault)
        self.add(slot, fields)
        self.commit(slot, 0)
        self._heal()

    @rule(fault=chosen, credits=st.integers(1, 5), keyed=st.booleans())
    @precondition(lambda self: self.ids and not any(self.open))
    def run_under_a_fault(self, fault: faults.Fault, credits: int, keyed: bool) -> None:
        """One run changes every customer, attempt after attempt, while a fault waits for it."""
        self.inject(fault)
        self._keys += 1

        def work(uow: BillingUnitOfWork) -> int:
            found = uow.customers.find(sort="id")
            for one in found:
                one.credits = one.credits % 100 + credits
            return len(found)

        key = f"key {self._keys}" if keyed else None
        self.both(lambda twin: twin.store.run(work, key=key))
        self._heal()

    def _heal(self) -> None:
        """Stop the fault; both backends must have met it at the same operations."""
        struck: list[Sequence[str]] = [injection.struck for injection in self._injections]
        self._injected.close()
        self._injections = []
        if struck and self._fault is not None:
            assert struck[0] == struck[1], f"{self._fault}: {struck}"
            if struck[0]:
                type(self).struck[type(self._fault).__name__] += 1

    def teardown(self) -> None:
        """At the end nothing is wrong any more, and the stored documents are the same."""
        self._heal()
        super().teardown()


__all__ = ["FaultyHistories"]
