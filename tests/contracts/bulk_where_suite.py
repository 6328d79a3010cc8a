"""Changing and removing all that obey a rule, on every backend, in `Store.bulk` and in a unit of work alike."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from typing import Any

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tristore import BulkResult, DuplicateKey, FixedClock, InvalidQuery, ValidationError, contains
from tristore.adapters.backend import EVERYTHING, Modify
from tristore.fields import at_least

from .billing import Status, customer
from .counters import Counter, Numbers, NumbersContract, NumberStore, Point, Stats, add, counter
from .repository_suite import BillingStore, save

INT64_MAX = 2**63 - 1

REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "nothing": ({}, "nothing is to change"),
    "an unknown name": ({"set": {"plian": 1}}, "Counter has no field 'plian'; did you mean 'plain'"),
    "an unknown part": ({"set": {"stats.vews": 1}}, "Stats has no field 'vews'; did you mean 'views'"),
    "no name": ({"set": {5: 1}}, "names of attributes, not int"),
    "an empty name": ({"set": {"": 1}}, "Counter has no field ''"),
    "a list of changes": ({"set": [("plain", 1)]}, "set takes a dictionary"),
    "the id": ({"set": {"id": "0" * 24}}, "id of Counter is set by tristore alone"),
    "the version": ({"increment": {"version": 1}}, "version of Counter is set by tristore alone"),
    "the creation": ({"set": {"created_at": None}}, "created_at of Counter is set by tristore alone"),
    "the change": ({"set": {"updated_at": None}}, "updated_at of Counter is set by tristore alone"),
    "a key": ({"set": {"data.x": 1}}, "data.x cannot be changed by itself: data is dict"),
    "an item": ({"set": {"tags.0": "x"}}, "tags.0 cannot be changed by itself: tags is list"),
    "a part of a whole": ({"set": {"point.x": 1}}, "a Point is checked as a whole when it is made"),
    "a field twice": (
        {"set": {"plain": 1}, "increment": {"plain": 1}},
        "plain of Counter cannot be both set and incremented",
    ),
    "a part and the whole": (
        {"set": {"stats": None, "stats.views": 1}},
        "stats.views of Counter cannot be changed together with stats, of",
    ),
    "what never changes": ({"set": {"fixed": "x"}}, "fixed of Counter is frozen"),
    "text to be incremented": ({"increment": {"name": 1}}, "name is str: only a number can be incremented"),
    "a float for an int": ({"increment": {"plain": 1.0}}, "plain is int, and cannot be incremented by a float"),
    "a bool": ({"increment": {"plain": True}}, "plain is int, and cannot be incremented by a bool"),
    "text for a number": ({"increment": {"plain": "1"}}, "plain is int, and cannot be incremented by a str"),
    "beyond 64 bits": ({"increment": {"plain": 2**63}}, "a finite number of at most 64 bits"),
    "no number": ({"increment": {"rate": float("nan")}}, "a finite number of at most 64 bits"),
    "a rule of one's own": (
        {"increment": {"even": 2}},
        "even has the validator _even, which an increment",
    ),
    "a rule on two fields": ({"increment": {"relative": 1}}, "relative has the validator _below_ceiling"),
    "a value beside another": ({"set": {"relative": 1}}, "the rules of relative look at 'high' of the entity"),
    "a converter": ({"increment": {"rounded": 1.0}}, "rounded has a converter, which an increment would bypass"),
    "a hook of a field": ({"increment": {"hooked": 1}}, "hooked has an on_setattr hook"),
}

WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "type": ({"plain": "x"}, "Counter is not valid: plain: must be a whole number"),
    "validator": ({"low": -1}, "Counter is not valid: low: 'low' must be >= 0"),
    "part": ({"stats.label": "longer"}, r"Counter is not valid: stats\.label: must have 0 to 5 characters"),
    "nothing in a field that needs something": ({"plain": None}, "plain: cannot be None"),
    "converted": ({"name": "   "}, "name: must have 1 to 20 characters"),
    "item": ({"tags": ["x", 5]}, "tags"),
    "key": ({"data": {"$set": 1}}, "data"),
    "several": ({"low": -1, "name": ""}, "low: .*; name: "),
}

LOW = {"low": 4, "high": 9, "both": 3, "some": -1, "within": 4, "amount": Decimal("-1.40"), "score": 0.5, "rate": 0.2}
HIGH = {"low": 5, "high": 8, "both": 8, "some": -2, "within": 3, "amount": Decimal("-1.39"), "score": 0.4, "rate": 0.1}

Open = Callable[[NumberStore], Any]
BOTH: dict[str, Open] = {"bulk": lambda store: store.bulk(), "unit of work": lambda store: store.unit_of_work()}


@contextmanager
def opened(store: NumberStore, how: str) -> Iterator[Numbers]:
    """The repositories, outside a transaction or inside."""
    with BOTH[how](store) as numbers:
        yield numbers


def stored(store: NumberStore) -> dict[str, Any]:
    """The counters by name."""
    with store.reader() as numbers:
        return {one.name: one for one in numbers.counters.find()}


@pytest.mark.filterwarnings("ignore::tristore.errors.LargeUnitWarning")
class BulkWhereContract(NumbersContract):
    """`update_where` and `remove_where`."""

    @pytest.mark.parametrize("how", BOTH)
    def test_all_that_obey_the_rule_change(self, numbers: NumberStore, clock: FixedClock, how: str) -> None:
        """Values are set, taken away and added to; who was met takes a version step and a new time, nobody else."""
        add(numbers, counter("a", some=1, tags=["x"]), counter("b", some=2, tags=["x"]), counter("c", some=3))
        before = stored(numbers)["c"]
        clock.advance(timedelta(seconds=1))
        with opened(numbers, how) as uow:
            result = uow.counters.update_where(
                lambda c: contains(c.tags, "x"),
                set={"some": None, "data": {"k": [1]}, "point": Point(1, 2)},
                increment={"plain": 5, "rate": 1, "amount": Decimal("0.10")},
            )
        after = stored(numbers)

        assert BulkResult(matched=2, modified=2) == result
        for name in "ab":
            found = after[name]
            assert (None, {"k": [1]}, Point(1, 2), 5, 1.0, Decimal("0.10")) == (
                found.some,
                found.data,
                found.point,
                found.plain,
                found.rate,
                found.amount,
            )
            assert (2, clock.now()) == (found.version, found.updated_at)
        assert (1, before.updated_at, 3) == (after["c"].version, after["c"].updated_at, after["c"].some)

    @pytest.mark.parametrize("how", BOTH)
    def test_values_go_through_converters_and_enums(self, store: BillingStore, how: str) -> None:
        """A value is stored in the form that its field gives it: converted, an enum by its value."""
        save(store, customer())
        with store.bulk() if how == "bulk" else store.unit_of_work() as uow:
            uow.customers.update_where(
                lambda c: c.is_active, set={"email": " Bob@Example.ORG ", "status": Status.BLOCKED, "score": 1}
            )
        with store.reader() as billing:
            (found,) = billing.customers.find(lambda c: c.status == Status.BLOCKED)

        assert ("bob@example.org", 1.0, float) == (found.email, found.score, type(found.score))

    @pytest.mark.parametrize("how", BOTH)
    def test_parts_of_nested_values(self, numbers: NumberStore, how: str) -> None:
        """A dotted name changes a part; an entity that has no such value is not met, for a part alone is no value."""
        add(numbers, counter("with", stats=Stats(3, "x")), counter("without"))
        with opened(numbers, how) as uow:
            result = uow.counters.update_where(None, set={"stats.label": " new "}, increment={"stats.views": 2})
        after = stored(numbers)

        assert (1, Stats(5, "new"), None) == (result.matched, after["with"].stats, after["without"].stats)

    @pytest.mark.parametrize("name", REFUSED)
    def test_what_cannot_be_changed(self, numbers: NumberStore, name: str) -> None:
        """It is refused before any I/O with what is wrong and what to do, and the block goes on."""
        changes, words = REFUSED[name]
        add(numbers, counter())
        for how in BOTH:
            with opened(numbers, how) as uow:
                with pytest.raises(InvalidQuery, match=words):
                    uow.counters.update_where(None, **changes)
                assert 1 == uow.counters.count()

        assert 1 == stored(numbers)["one"].version

    @pytest.mark.parametrize("name", WRONG)
    def test_wrong_values(self, numbers: NumberStore, name: str) -> None:
        """A value that its field refuses on an entity is refused here, with every field that is wrong."""
        values, words = WRONG[name]
        add(numbers, counter(stats=Stats()))
        for how in BOTH:
            with opened(numbers, how) as uow, pytest.raises(ValidationError, match=words):
                uow.counters.update_where(None, set=values)

        assert 1 == stored(numbers)["one"].version

    def test_hooks_are_not_bypassed(self, numbers: NumberStore, store: BillingStore) -> None:
        """A repository with a hook that would need each entity refuses the call and names the hook."""
        for how in BOTH:
            with opened(numbers, how) as uow:
                with pytest.raises(InvalidQuery, match=r"update_where would bypass OrderRepository\.before_save"):
                    uow.orders.update_where(None, set={"note": "x"})
                with pytest.raises(InvalidQuery, match=r"remove_where would bypass OrderRepository\.before_remove"):
                    uow.orders.remove_where(None)
        with store.bulk() as bulk:
            assert 0 == bulk.customers.update_where(None, set={"name": "x"}).matched
            assert 0 == bulk.invoices.remove_where(None).removed

    @pytest.mark.parametrize("how", BOTH)
    def test_bounds_of_numbers(self, numbers: NumberStore, how: str) -> None:
        """An increment that would push a number out of its bounds does not meet the entity."""
        cases: list[tuple[dict[str, Any], set[str]]] = [
            ({"low": -5}, {"b"}),
            ({"high": 2}, {"b"}),
            ({"both": -3}, {"b"}),
            ({"both": 2}, {"a"}),
            ({"some": -2}, {"a"}),
            ({"within": 2}, {"b"}),
            ({"amount": Decimal("-0.11")}, {"b"}),
            ({"score": -0.15}, {"a"}),
            ({"score": 0.45}, {"b"}),
            ({"rate": -0.2}, {"a"}),
            ({"low": -5, "high": 2}, {"b"}),
            ({"low": -5, "both": 2}, set()),
        ]
        for increment, expected in cases:
            with numbers.bulk() as bulk:
                bulk.counters.remove_where(None)
                bulk.counters.add_many([counter("a", **LOW), counter("b", **HIGH)])
            with opened(numbers, how) as uow:
                matched = uow.counters.update_where(None, increment=increment).matched
            changed = {name for name, one in stored(numbers).items() if one.version == 2}

            assert (len(expected), expected) == (matched, changed), increment

    @pytest.mark.parametrize("how", BOTH)
    def test_missing_numbers(self, numbers: NumberStore, how: str) -> None:
        """None and a missing number count as 0 within the bounds; where a default stands in, it is not met."""
        add(numbers, counter("one", some=None))
        gone = Modify({}, ("plain", "both", "low"))
        numbers.backend.update_where("counters", EVERYTHING, gone, transaction=None, timeout=5.0)
        with opened(numbers, how) as uow:
            found = [
                uow.counters.update_where(None, increment=increment).matched
                for increment in ({"some": -4}, {"some": 4}, {"plain": 3}, {"low": -1}, {"low": 1}, {"both": 1})
            ]
        after = stored(numbers)["one"]

        assert [0, 1, 1, 0, 1, 0] == found
        assert (4, 3, 1, 5) == (after.some, after.plain, after.low, after.both)

    @pytest.mark.parametrize("how", BOTH)
    def test_numbers_that_do_not_fit(self, numbers: NumberStore, how: str) -> None:
        """A result beyond 64 bits, and a stored null, are refused with what is wrong."""
        add(numbers, counter("one", plain=INT64_MAX))
        with pytest.raises(ValidationError, match=r"64 bits"), opened(numbers, how) as uow:
            uow.counters.update_where(None, increment={"plain": 1})
        null = Modify({"plain": None})
        numbers.backend.update_where("counters", EVERYTHING, null, transaction=None, timeout=5.0)
        with pytest.raises(ValidationError, match="number"), opened(numbers, how) as uow:
            uow.counters.update_where(None, increment={"plain": 1})

        assert 1 == stored(numbers)["one"].version

    @pytest.mark.parametrize("how", BOTH)
    def test_a_unique_value_that_is_taken(self, numbers: NumberStore, how: str) -> None:
        """DuplicateKey names the field; in a unit nothing stays, outside one the error says that some may."""
        add(numbers, counter("a"), counter("b"))
        with pytest.raises(DuplicateKey) as error, opened(numbers, how) as uow:
            uow.counters.update_where(None, set={"name": "a", "plain": 1})

        assert ("name",) == error.value.fields
        notes = getattr(error.value, "__notes__", [])
        assert (how == "bulk") == any("outside a transaction" in note for note in notes)
        if how == "unit of work":
            assert {"a": 1, "b": 1} == {name: one.version for name, one in stored(numbers).items()}

    @pytest.mark.parametrize("how", BOTH)
    def test_all_that_obey_the_rule_go(self, numbers: NumberStore, how: str) -> None:
        """remove_where tells how many went; the others stay."""
        add(numbers, *(counter(str(n), plain=n) for n in range(5)))
        with opened(numbers, how) as uow:
            result = uow.counters.remove_where(lambda c: c.plain >= 2)

        assert (BulkResult(removed=3), {"0", "1"}) == (result, set(stored(numbers)))

    @settings(
        max_examples=40,
        deadline=None,
        database=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.differing_executors],
    )
    @given(
        values=st.lists(st.floats(0, 2) | st.sampled_from([0.1, 0.30000000000000004, 1e300, 5e-324]), max_size=5),
        by=st.floats(-2, 2) | st.sampled_from([-0.1, 0.2, -1e300, 1e308]),
    )
    def test_no_float_leaves_its_bounds(self, numbers: NumberStore, values: list[float], by: float) -> None:
        """Whatever rounding does, exactly those are met whose result obeys the rule of the field."""
        with numbers.bulk() as bulk:
            bulk.counters.remove_where(None)
            bulk.counters.add_many(counter(str(number), rate=value) for number, value in enumerate(values))
            result = bulk.counters.update_where(None, increment={"rate": by})
            after = sorted(one.rate for one in bulk.counters.stream())

        assert sum(obeys(value + by) for value in values) == result.matched
        assert sorted(value + by if obeys(value + by) else value for value in values) == after

    def test_take_if_there_is_enough(self, numbers: NumberStore) -> None:
        """Eight threads that each take 10 if they are there take exactly what was there, and it never falls below 0."""
        account = counter("account", low=205)
        add(numbers, account)
        taken: list[int] = []
        lock = threading.Lock()

        def take(bulk: Numbers) -> None:
            for _ in range(5):
                matched = bulk.counters.update_where(lambda c: c.id == account.id, increment={"low": -10}).matched
                low = bulk.counters.get(account.id).low
                with lock:
                    taken.append(10 * matched)
                assert low >= 0

        with numbers.bulk() as bulk, ThreadPoolExecutor(8) as pool:
            for future in [pool.submit(take, bulk) for _ in range(8)]:
                future.result(60)

        left = stored(numbers)["account"]
        assert (200, 5, 21) == (sum(taken), left.low, left.version)
        assert 20 == sum(amount > 0 for amount in taken)

    def test_a_plain_change_waits_for_an_open_unit(self, numbers: NumberStore) -> None:
        """What an open unit has written is waited for, and changed only if it still obeys the rule."""
        one = counter("one", low=10)
        add(numbers, one)
        with ThreadPoolExecutor(1) as pool:
            with numbers.unit_of_work() as uow:
                uow.counters.get(one.id).low = 3
                uow.flush()

                def take() -> int:
                    with numbers.bulk() as bulk:
                        return bulk.counters.update_where(lambda c: c.name == "one", increment={"low": -5}).matched

                waiting = pool.submit(take)
                threading.Event().wait(0.2)
                assert not waiting.done()
            matched = waiting.result(30)

        assert (0, 3) == (matched, stored(numbers)["one"].low)


def obeys(value: float) -> bool:
    """Whether a rate may be so."""
    try:
        at_least(0)(None, attrs.fields(Counter).rate, value)
    except ValidationError:
        return False
    return True
