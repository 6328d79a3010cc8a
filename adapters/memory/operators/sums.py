"""Sums and means of decoded numbers, as MongoDB's $sum and $avg work them out.

Doubles are added as an unevaluated sum of two (Knuth's and Dekker's error-free additions: The Art of Computer
Programming, volume 2, 4.2.2), so that the order of the numbers rarely shows; decimals in Decimal128.
"""

import math
from decimal import Context, Decimal

from bson.decimal128 import Decimal128, create_decimal128_context

from ....domain.entities.plain_values import INT64_MAX, INT64_MIN

Number = int | float | Decimal128

_DECIMAL128: Context = create_decimal128_context()
_HALF = 2**32


def is_number(value: object) -> bool:
    """Tell whether a decoded value is added up: a boolean is not."""
    return isinstance(value, int | float | Decimal128) and not isinstance(value, bool)


class Sum:
    """Adds up numbers one by one."""

    __slots__ = ("_decimal", "_double", "_low", "_plain", "_whole", "count", "has_decimals", "has_doubles")

    def __init__(self) -> None:
        self.count = 0
        self.has_decimals = False
        self.has_doubles = False
        self._whole = 0
        self._double = 0.0
        self._low = 0.0
        self._plain = 0.0
        self._decimal = Decimal(0)

    def add(self, value: Number) -> None:
        """Add a number."""
        self.count += 1
        if isinstance(value, Decimal128):
            self.has_decimals = True
            self._decimal = _DECIMAL128.add(self._decimal, value.to_decimal())
        elif isinstance(value, float):
            self.has_doubles = True
            self._add(value)
        else:
            self._whole += value
            high = value // _HALF * _HALF  # two doubles hold what one does not
            self._add(float(value - high))
            self._add(float(high))

    def total(self) -> Number:
        """The sum, of the widest type among the numbers."""
        if self.has_decimals:
            return Decimal128(_DECIMAL128.add(self._decimal, self._as_decimal()))
        if self.has_doubles or not INT64_MIN <= self._whole <= INT64_MAX:
            return self._nearest()
        return self._whole

    def mean(self) -> float | Decimal128 | None:
        """The mean, None of nothing."""
        if not self.count:
            return None
        if self.has_decimals:
            decimal = _DECIMAL128.add(self._decimal, self._as_decimal())
            return Decimal128(_DECIMAL128.divide(decimal, Decimal(self.count)))
        return self._nearest() / self.count

    def _add(self, value: float) -> None:
        self._plain += value
        value, self._low = _ordered_sum(value, self._low)
        self._double, rest = _sum(self._double, value)
        self._low += rest

    def _nearest(self) -> float:
        """The nearest double; what infinities give is in the plain sum."""
        return self._plain if math.isnan(self._double) else self._double

    def _as_decimal(self) -> Decimal:
        if not math.isfinite(self._double):
            return _DECIMAL128.create_decimal_from_float(self._plain)
        high, low = map(_DECIMAL128.create_decimal_from_float, (self._double, self._low))
        return _DECIMAL128.add(high, low)


def _ordered_sum(larger: float, smaller: float) -> tuple[float, float]:
    """The sum of two doubles, and what rounding took from it, if the first is the larger one."""
    total = larger + smaller
    return total, smaller - (total - larger)


def _sum(first: float, second: float) -> tuple[float, float]:
    """The sum of two doubles, and what rounding took from it."""
    total = first + second
    part = total - second
    return total, (first - part) + (second - (total - part))
