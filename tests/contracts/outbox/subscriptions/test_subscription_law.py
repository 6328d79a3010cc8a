"""The law of subscriptions: whoever fails, however often, each gets every event, and those of an entity in order."""

from collections import Counter
from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.billing import DOCUMENTS, BillingUnitOfWork, CustomerMoved
from tristore import FixedClock, Unavailable, open_store
from tristore.operations import Delivery, OutboxRelay

from ..outbox_base import MINUTES, add_mover, move

NAMES = ("one", "two", "three")
MOVERS = ("ada", "bob")
_failures = st.dictionaries(
    st.tuples(st.sampled_from(NAMES), st.sampled_from(MOVERS), st.integers(0, 3)),
    st.tuples(st.integers(1, 3), st.sampled_from((RuntimeError, Unavailable))),
    max_size=6,
)


class Failing:
    """A handler that fails so often at some events, and lists what it has taken."""

    def __init__(self, name: str, failures: dict[tuple[str, str, int], tuple[int, type[Exception]]]) -> None:
        self.name = name
        self.left = {key[1:]: failure for key, failure in failures.items() if key[0] == name}
        self.tried: Counter[tuple[str, int]] = Counter()
        self.taken: dict[str, list[int]] = {mover: [] for mover in MOVERS}

    def __call__(self, event: CustomerMoved, delivery: Delivery) -> None:
        """Take an event, or fail."""
        mover, _, number = event.city.partition("/")
        key = mover, int(number)
        self.tried[key] += 1
        times, error = self.left.get(key, (0, RuntimeError))
        if self.tried[key] <= times:
            raise error("not yet")
        self.taken[mover].append(int(number))


@settings(max_examples=10, deadline=None)
@given(failures=_failures, order=st.permutations(NAMES), relays=st.integers(1, 2))
def test_each_gets_everything_in_order(
    failures: dict[tuple[str, str, int], tuple[int, type[Exception]]], order: list[str], relays: int
) -> None:
    """X4, X6: in whichever order they were registered, and by whichever relay the events are delivered."""
    clock = FixedClock(datetime(2026, 1, 31, tzinfo=UTC))
    handlers = {name: Failing(name, failures) for name in NAMES}
    with open_store(
        BillingUnitOfWork, url="memory://", documents=DOCUMENTS, clock=clock, publishes=(CustomerMoved,)
    ) as store:
        working = [OutboxRelay(store) for _ in range(relays)]
        for relay in working:
            for name in order:
                relay.on(CustomerMoved, name, handlers[name])
        movers = [add_mover(store, name, f"{name}/0", f"{name}/1") for name in MOVERS]
        for number in range(2, 4):
            for name, mover in zip(MOVERS, movers, strict=True):
                move(store, mover, f"{name}/{number}")
            working[0].run_once()
        for turn in range(20):
            if all(len(taken) == 4 for handler in handlers.values() for taken in handler.taken.values()):
                break
            working[turn % relays].run_once()
            clock.advance(MINUTES)

        assert 0 == working[0].backlog().waiting
    for handler in handlers.values():
        assert {mover: [0, 1, 2, 3] for mover in MOVERS} == handler.taken
