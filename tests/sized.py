"""One law at two sizes: a few cases for everybody, and many for ``pytest -m soak``."""

import pytest


def sized(few: int, *, soak: int, name: str = "examples") -> pytest.MarkDecorator:
    """Run a test twice from the same function: by default with ``few`` of what ``name`` counts, in the soak with more.

    Where a smaller number finds as much, the large one costs everybody's time and still has its place.
    """
    many = pytest.param(soak, marks=[pytest.mark.soak, pytest.mark.timeout(900)])
    return pytest.mark.parametrize(name, [few, many])
