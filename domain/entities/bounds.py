"""How values are compared, and the bounds that a validator gives to a number."""

import sys
from enum import Enum
from typing import Any

from attrs import frozen


class Comparator(Enum):
    """How a value is compared."""

    EQ = "=="
    NE = "!="
    LT = "<"
    LE = "<="
    GT = ">"
    GE = ">="


@frozen
class Bound:
    """What a number must obey: ``Bound(Comparator.GE, 0)`` lets none below 0 pass.

    A validator that says no more than this has it in its attribute `bounds`, a tuple of them; then a number that it
    guards can be incremented where it is stored.

    Attributes:
        comparator: LT, LE, GT or GE.
        value: the number to compare with.
    """

    comparator: Comparator
    value: Any


FINITE = (Bound(Comparator.GE, -sys.float_info.max), Bound(Comparator.LE, sys.float_info.max))
"""Neither infinite nor NaN, which is in no order."""
