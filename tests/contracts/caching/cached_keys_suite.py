"""Which questions share a result, and how long: keys and lives of entries, on every backend and in every cache."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest
from bson import Int64
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tristore import InvalidQuery, NotFound, not_, one_of
from tristore.adapters.backend import Update, WritePlan

from .cached_reads_suite import plain
from .caching_base import (
    Brief,
    OpenThings,
    Part,
    Thing,
    ThingQueries,
    ThingsContract,
    ThingStore,
    behind,
    change,
    evolved,
    number_of,
    observed,
    outcomes,
    read,
    save,
)

Ask = Callable[[ThingQueries], Any]

ALIKE: list[Any] = [1, 1.0, True, "1", Decimal(1), Decimal("1.0"), 0, 0.0, -0.0, False, "", b"1", 2, "2"]
"""Values that Python or a careless key takes for each other."""

RULES: list[Callable[[Any], Callable[[Thing], Any]]] = [
    lambda v: lambda t: t.data["v"] == v,
    lambda v: lambda t: t.data["v"] != v,
    lambda v: lambda t: not_(t.data["v"] == v),
    lambda v: lambda t: one_of(t.data["v"], [v]),
    lambda v: lambda t: one_of(t.data["v"], [v, 5]),
    lambda v: lambda t: t.data["w"] == v,
    lambda v: lambda t: (t.data["v"] == v) & (t.data["w"] == v),
    lambda v: lambda t: (t.data["v"] == v) | (t.data["w"] == v),
]

questions = st.builds(
    lambda rule, value, kind, bounds: (rule, value, kind, bounds),
    st.sampled_from(RULES),
    st.sampled_from(ALIKE),
    st.sampled_from(["find", "brief", "count", "exists", "distinct"]),
    st.sampled_from([("number", 0, None), ("-number", 0, None), ("number", 1, None), ("number", 0, 1), ("id", 0, 3)]),
)


def ask(things: ThingQueries, question: Any) -> Any:
    """Put a question."""
    rule, value, kind, (sort, skip, limit) = question
    match kind:
        case "find":
            return plain(things.find(rule(value), sort=sort, skip=skip, limit=limit))
        case "brief":
            return plain(things.find(rule(value), sort=sort, skip=skip, limit=limit, select=Brief))
        case "count":
            return things.count(rule(value))
        case "exists":
            return things.exists(rule(value))
        case _:
            return plain(things.distinct(lambda t: t.number, rule(value)))


class CachedKeysContract(ThingsContract):
    """C1, C5 and C13."""

    def test_ids_of_different_types_are_different(self, store: ThingStore) -> None:
        """C1: get(1), get("1") and get(True) are three questions, one by one and all together."""
        for number, id in enumerate((1, "1", True), start=1):
            save(store, Thing(id=id, number=number))
        for _ in range(2):
            assert [1, 2, 3] == [number_of(store, id) for id in (1, "1", True)]
            with store.reader() as reader:
                found = [reader.things.cached().get_many([id]) for id in (1, "1", True)]
            assert [[1], [2], [3]] == [[one.number for one in several] for several in found]
        assert [3, 3, 9] == outcomes(store, "miss", "load", "hit")

    def test_numbers_of_one_value_are_one_id(self, store: ThingStore) -> None:
        """C10: what another program stored under a 64-bit 7 is the thing 7, however it is asked for and written."""
        behind(store, {"_id": Int64(7), "number": 7, "version": 1}, {"_id": 8.0, "number": 8, "version": 1})
        for expected in (7, 70, 71):
            if expected > 7:
                change(store, 7, number=expected)
                change(store, 8, number=expected + 1)
            for id in (7, 7.0):
                assert expected == number_of(store, id)
                assert expected + 1 == number_of(store, id + 1)
            found = read(store, lambda t: t.get_many([7, 8]))
            assert [expected, expected + 1] == [one.number for one in found]

    def test_stores_share_nothing(self, open_things: OpenThings) -> None:
        """C1: two stores with names of their own have keys of their own, in one database or two."""
        one, other = open_things(name="one"), open_things(name="other")
        save(one, Thing(id=1, number=1))
        number_of(one, 1)
        with observed(other) as asked, suppress(NotFound):  # in memory each store has its own data
            number_of(other, 1)

        assert 1 == asked["find things"]

    def test_applications_share_nothing(self, open_things: OpenThings) -> None:
        """C5: caches with different prefixes share nothing."""
        one, other = open_things(), open_things(cache=evolved(prefix="x" * 100))
        save(one, Thing(id=1, number=1))
        number_of(one, 1)
        with observed(other) as asked:
            read(other, lambda t: t.count())

        assert 1 == asked["count things"]

    def test_a_name_of_the_readers_own_is_guarded(self, store: ThingStore) -> None:
        """C5: under one explicit key different questions have different results, and writes end them all."""
        save(store, Thing(id=1, number=1), Thing(id=2, number=2))
        for key in ("mine", "ключ |\n", "k" * 200):
            for _ in range(2):
                assert [1, 2] == [number_of(store, id, key=key) for id in (1, 2)]
                assert 2 == read(store, lambda t: t.count(), key=key)
                assert 1 == read(store, lambda t: t.count(lambda t: t.number == 1), key=key)
        assert [4 * 3, 4 * 3] == outcomes(store, "hit", "miss")
        change(store, 1, number=3)

        assert [3, 2] == [number_of(store, id, key="mine") for id in (1, 2)]
        assert 0 == read(store, lambda t: t.count(lambda t: t.number == 1), key="mine")

    @pytest.mark.parametrize(
        "options",
        [
            {"ttl": 0},
            {"ttl": -1},
            {"ttl": float("nan")},
            {"ttl": True},
            {"ttl": 86_401},
            {"key": ""},
            {"key": "x" * 201},
        ],
        ids=str,
    )
    def test_wrong_options_are_refused(self, store: ThingStore, options: dict[str, Any]) -> None:
        """Times and keys that are none are refused where they are written."""
        with store.reader() as reader, pytest.raises(InvalidQuery):
            reader.things.cached(**options)

    def test_questions_that_share_a_key_have_one_answer(self, store: ThingStore) -> None:
        """C5: whatever was asked before, the cached answer to a question is the answer to this question."""
        save(
            store,
            *(
                Thing(id=position, number=position, data={"v": value, "w": ALIKE[-position]}, part=Part("p"))
                for position, value in enumerate(ALIKE)
            ),
        )

        @settings(max_examples=60, suppress_health_check=list(HealthCheck))
        @given(st.lists(questions, min_size=2, max_size=6))
        def law(asked: list[Any]) -> None:
            with store.reader() as reader:
                for question in asked:
                    assert ask(reader.things, question) == ask(reader.things.cached(), question), question[1:]

        law()
        assert [0, 0] == outcomes(store, "bypass", "error")

    def test_an_entry_ends_in_time(self, store: ThingStore) -> None:
        """C13: when its time is over, readers who come at once all get what another program has written since."""
        save(store, Thing(id=1, number=1))
        asks: list[Ask] = [lambda t: t.get(1).number, lambda t: t.get_many([1])[0].number, lambda t: t.find()[0].number]
        assert [1, 1, 1] == [read(store, question, ttl=0.4) for question in asks]
        plan = WritePlan("things", "version", updates=[Update(1, 1, {"number": 2, "version": 2})])
        assert 1 == store.backend.write(plan, transaction=None, timeout=5.0).matched
        time.sleep(0.45)
        together = threading.Barrier(12)

        def look(position: int) -> Any:
            together.wait()
            return read(store, asks[position % 3], ttl=0.4)

        with ThreadPoolExecutor(12) as pool:
            assert [2] * 12 == list(pool.map(look, range(12)))

    def test_times_to_live_are_apart(self, store: ThingStore) -> None:
        """C13: what another reader keeps for longer is not shown to one who wants it younger."""
        save(store, Thing(id=1, number=1))
        number_of(store, 1, ttl=300)
        plan = WritePlan("things", "version", updates=[Update(1, 1, {"number": 2, "version": 2})])
        store.backend.write(plan, transaction=None, timeout=5.0)
        time.sleep(0.3)

        assert [2, 1] == [number_of(store, 1, ttl=0.2), number_of(store, 1, ttl=300)]
