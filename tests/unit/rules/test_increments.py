"""Bounds of a number that is incremented where it is stored: what is asked of the stored one tells of the result."""

import math
from decimal import ROUND_HALF_EVEN, Context, Decimal
from operator import ge, gt, le, lt
from typing import Any

import pytest
from attrs import define, field
from attrs import validators as v
from hypothesis import given
from hypothesis import strategies as st

from tristore import InvalidQuery
from tristore.adapters.backend import Comparator
from tristore.domain.entities.schema import schema_of
from tristore.domain.repository.increments import allows, increment_of
from tristore.domain.rules.evaluation import holds
from tristore.fields import Bound

DECIMAL128 = Context(prec=34, rounding=ROUND_HALF_EVEN, Emin=-6143, Emax=6144, clamp=1, traps=[])
VALIDATORS = {ge: v.ge, gt: v.gt, le: v.le, lt: v.lt}
orders = st.sampled_from(sorted(VALIDATORS, key=lambda order: order.__name__))
floats = st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from([0.1, 0.2, 0.3, 1e16, 5e-324, -0.0])
integers = st.integers(-(2**63), 2**63 - 1) | st.integers(-5, 5)
decimals = st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-99, max_value=99) | st.sampled_from(
    [Decimal("1E+33"), Decimal("1E-40"), Decimal("9999999999999999999999999999999999"), Decimal("0.5")]
)


def asked(kind: Any, validator: Any, stored: Any, by: Any) -> bool:
    """Whether a stored number is met by an increment of a field with the validator."""

    @define
    class Holder:
        number: kind = field(validator=validator)

    found = schema_of(Holder).fields["number"]
    return holds(allows(found, ("number",), increment_of(found, ("number",), by)), {"number": stored})


@given(order=orders, bound=floats, stored=floats, by=floats)
def test_floats_exactly(order: Any, bound: float, stored: float, by: float) -> None:
    """A float is met if and only if its sum, rounded as floats are, obeys the bound."""
    assert order(stored + by, bound) == asked(float, VALIDATORS[order](bound), stored, by)


@given(order=orders, bound=integers | floats, stored=integers, by=integers)
def test_integers_exactly(order: Any, bound: Any, stored: int, by: int) -> None:
    """A whole number is met if and only if its sum obeys the bound, of whatever type that is."""
    assert order(stored + by, bound) == asked(int, VALIDATORS[order](bound), stored, by)


@given(order=orders, bound=decimals, stored=decimals, by=decimals)
def test_decimals_never_leave(order: Any, bound: Decimal, stored: Decimal, by: Decimal) -> None:
    """A decimal is met only if its sum of 34 digits obeys the bound; where no digit is lost, always then."""
    result = DECIMAL128.add(stored, by)
    met = asked(Decimal, VALIDATORS[order](bound), stored, by)
    exact = all(abs(number) < 10**6 and number == round(number, 6) for number in (bound, stored, by))

    assert order(result, bound) or not met
    assert met or not (exact and order(result, bound))


@pytest.mark.parametrize("bound", [math.inf, -math.inf, math.nan, Decimal("Infinity")])
def test_bounds_without_an_end(bound: Any) -> None:
    """Infinite bounds let everything pass or nothing, NaN nothing."""
    for order, validator in VALIDATORS.items():
        assert order(5, bound) == asked(int, validator(bound), 4, 1)


def test_a_validator_with_bounds_of_its_own() -> None:
    """A validator that says what its bounds are joins them; one that says nothing is refused and named."""

    class AtMostTen:
        bounds = (Bound(Comparator.LE, 10),)

        def __call__(self, *_: object) -> None: ...

    assert [True, False] == [asked(int, AtMostTen(), stored, 1) for stored in (9, 10)]
    assert asked(int, [v.instance_of(int), v.optional(v.ge(0))], 1, -1)
    with pytest.raises(InvalidQuery, match=r"number has the validator .*in_.*, which an increment would bypass"):
        asked(int, v.in_([1, 2]), 1, 1)
    with pytest.raises(InvalidQuery, match="number has the validator"):
        asked(int, v.instance_of(str), 1, 1)
