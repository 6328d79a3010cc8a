"""The guard rails of a unit of work, without waiting for them."""

import warnings

import pytest

from tristore.adapters.documents.context.unit_limits import Limits
from tristore.errors import LargeUnitWarning


def test_a_unit_that_is_open_for_long_is_warned_of() -> None:
    """U20: after 30 s a warning says so and the unit goes on; up to then nothing is said."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        Limits().check("u1", 1_000, 30.0)

    with pytest.warns(LargeUnitWarning, match=r"unit of work u1 has been open for 30\.5 s"):
        Limits().check("u1", 1, 30.5)
    assert [] == said
