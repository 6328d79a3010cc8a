"""Units of work and the cache, on every backend: what they see, and commits whose outcome nobody knows."""

from collections.abc import Callable
from typing import Any

import pytest
from attrs import frozen

from tristore import Event
from tristore.adapters.backend import Update, WritePlan
from tristore.errors import CommitUnknown
from tristore.operations import OutboxRelay
from tristore.testing import Operation, faults

from .cached_writes_suite import all_of, fill, warm
from .caching_base import (
    OpenThings,
    Things,
    ThingsContract,
    ThingStore,
    bypasses,
    number_of,
    observed,
    read,
)


@frozen(kw_only=True)
class Wanted(Event):
    """A thing is to have a number."""

    id: int
    number: int


class CachedCommitsContract(ThingsContract):
    """C9, C10 and C11."""

    @pytest.fixture(autouse=True)
    def things(self, store: ThingStore) -> None:
        """Five things of two groups, and a note."""
        fill(store)

    def test_units_neither_look_nor_keep(self, store: ThingStore) -> None:
        """C9: a unit of work sees the truth where the cache is wrong, and leaves the cache alone."""
        warm(store)
        poison(store)
        with store.unit_of_work() as uow:
            seen = [uow.things.get(2).number, uow.things.cached().get(2).number, uow.things.cached().count()]
            seen += [uow.things.in_group("a")[-1].number, uow.things.cached().get_many([2])[0].number]
            uow.things.cached().page()
            uow.things.cached().distinct(lambda t: t.group)

        assert [77, 77, 5, 77, 77] == seen
        assert {
            ("get", "unit of work"): 1,
            ("count", "unit of work"): 1,
            ("find", "unit of work"): 1,
            ("get_many", "unit of work"): 1,
            ("page", "unit of work"): 1,
            ("distinct", "unit of work"): 1,
        } == bypasses(store.cache_stats())
        with observed(store) as asked:
            assert 2 == number_of(store, 2)
        assert {} == asked

    def test_what_is_changed_was_never_old(self, store: ThingStore) -> None:
        """C9: a change builds on the database, not on what is cached, and the commit ends the poison."""
        warm(store)
        poison(store)
        with store.unit_of_work() as uow:
            uow.things.get(2).number += 1

        assert 78 == number_of(store, 2)

    @pytest.mark.parametrize("applied", [True, False])
    def test_an_unknown_commit_counts_as_committed(self, open_things: OpenThings, applied: bool) -> None:
        """C11: while nobody knows the outcome, and after it is known, reads through the cache are right."""
        store = open_things(name="faulty", settings={"heartbeatFrequencyMS": 500}, operation_timeout=0.6)
        fill(store)
        read(store, all_of)
        silent = faults.CommitAppliedAnswerLost if applied else faults.CommitNotApplied
        with (
            faults.inject(store, silent(reachable=False)),
            pytest.raises(CommitUnknown) as caught,
            store.unit_of_work() as uow,
        ):
            uow.things.get(2).number = 100
        expected = 100 if applied else 2

        assert expected == number_of(store, 2)
        assert applied is store.resolve(caught.value.unit_id)
        assert expected == number_of(store, 2)

    def test_a_commit_that_is_applied_late(self, store: ThingStore) -> None:
        """C11: what was kept between an unknown commit and its outcome is old if it was applied in between."""
        late: list[Callable[[], Any]] = []

        def around(operation: Operation, call: Callable[[], Any]) -> Any:
            if operation.name == "commit":
                late.append(call)
            if operation.name in {"commit", "settle"} and len(settling) < 2:
                settling.append(operation.name)
                raise CommitUnknown("nobody knows")
            return late[0]() if operation.name == "settle" else call()

        settling: list[str] = []
        with observed(store, around):
            with pytest.raises(CommitUnknown) as caught, store.unit_of_work() as uow:
                uow.things.get(2).number = 100
            assert [2, 5] == [number_of(store, 2), read(store, lambda t: t.find(sort="number")[-1].number)]
            assert store.resolve(caught.value.unit_id)

        assert [100, 100] == [number_of(store, 2), read(store, lambda t: t.find(sort="number")[-1].number)]

    def test_what_a_relay_writes(self, open_things: OpenThings) -> None:
        """C10: the effect of a delivered event is a commit like any other."""
        store = open_things(name="events", publishes=(Wanted,))
        fill(store)
        read(store, all_of)
        relay = OutboxRelay(store)

        def effect(uow: Things, event: Wanted) -> None:
            uow.things.get(event.id).number = event.number

        relay.into(Wanted, "effect", store, effect)
        with store.unit_of_work() as uow:
            uow.publish(Wanted(id=2, number=100))
        with observed(store) as asked:
            assert 2 == number_of(store, 2)
        assert {} == asked
        assert 1 == relay.run_once().delivered

        assert 100 == number_of(store, 2)
        with store.reader() as reader:
            assert all_of(reader.things) == all_of(reader.things.cached())


def poison(store: ThingStore) -> None:
    """Change the second thing behind the back of the cache."""
    plan = WritePlan("things", "version", updates=[Update(2, 1, {"number": 77})])
    assert 1 == store.backend.write(plan, transaction=None, timeout=5.0).matched
