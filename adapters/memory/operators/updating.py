"""A document as MongoDB's ``$set``, ``$unset`` and ``$inc`` change it."""

import re
from collections.abc import Iterable
from decimal import ROUND_HALF_EVEN, Context, Decimal
from functools import cmp_to_key
from typing import Any

from bson.decimal128 import Decimal128
from bson.int64 import Int64

from ....domain.entities.plain_values import INT64_MAX, INT64_MIN
from ....domain.errors import InvalidQuery, ValidationError
from ....domain.rules.predicates import dotted
from ...backend import Document, Modify
from ..bson.rows import Row
from ..bson.value_order import MISSING, NAN, order_key

_NUMBER = re.compile("0|[1-9][0-9]*")
_INT32 = range(-(2**31), 2**31)
_DECIMAL128 = Context(prec=34, rounding=ROUND_HALF_EVEN, Emin=-6143, Emax=6144, clamp=1, traps=[])
_NUMBERS = (int, float, Decimal128)
_DIGITS_OF_A_DOUBLE = 15
"""What the server keeps of a double that it adds to a Decimal128."""


def modified(row: Row, change: Modify) -> Document:
    """Return the document of a row, changed.

    Raises:
        ValidationError: if a stored value cannot be changed so.
        InvalidQuery: for a path that numbers the items of a list.
    """
    document = row.copy()
    steps: dict[str, tuple[str, Any]] = {key: ("increment", by) for key, by in change.increment.items()}
    steps.update({key: ("set", value) for key, value in change.set.items()})
    steps.update(dict.fromkeys(change.unset, ("unset", None)))
    for key in in_order_of_addition(steps):
        what, value = steps[key]
        _apply(document, key, what, value)
    return document


def in_order_of_addition(keys: Iterable[str]) -> list[str]:
    """Return dotted keys in the order in which the server adds what is missing.

    That is the alphabetical one of their parts, but for two numbers, which come by their value.
    """
    return sorted(keys, key=cmp_to_key(_compared))


def _compared(one: str, other: str) -> int:
    for left, right in zip(one.split("."), other.split("."), strict=False):
        if left != right:
            if _NUMBER.fullmatch(left) and _NUMBER.fullmatch(right):
                return int(left) - int(right)
            return -1 if left < right else 1
    return len(one) - len(other)


def roots_of(change: Modify) -> frozenset[str]:
    """Return the top-level keys that a change touches."""
    return frozenset(key.partition(".")[0] for key in (*change.set, *change.unset, *change.increment))


def ends_as_nan(document: Document, change: Modify) -> bool:
    """Tell whether a sum is NaN, which the server never takes for what was there before."""
    return any(_is_nan(document, tuple(key.split("."))) for key in change.increment)


def _is_nan(document: Document, path: tuple[str, ...]) -> bool:
    place = _place(document, path, make=False)
    return place is not None and order_key(place.get(path[-1], MISSING))[0] == NAN


def _apply(document: Document, key: str, what: str, value: Any) -> None:
    path = tuple(key.split("."))
    place = _place(document, path, make=what != "unset")
    if place is None:
        return
    name = path[-1]
    if what == "unset":
        place.pop(name, None)
    elif what == "set":
        place[name] = value
    else:
        found = place.get(name, MISSING)
        place[name] = value if found is MISSING else _kept(found, increased(key, found, value))


def _place(document: Document, path: tuple[str, ...], *, make: bool) -> Document | None:
    """Return the dictionary that holds the last key, made where it is missing; None if nothing is to be made."""
    found: Any = document
    for name in path[:-1]:
        if make:
            found.setdefault(name, {})
        found = found.get(name)
        if type(found) is list and any(key.isdecimal() for key in path):
            raise InvalidQuery(f"{dotted(path)} numbers an item of a list, which the in-memory store does not change")
        if type(found) is not dict:
            if not make:
                return None
            raise ValidationError.of(dotted(path), f"cannot be set in a stored {type(found).__name__}")
    place: Document = found
    return place


def _kept(found: Any, result: Any) -> Any:
    """A number of the same type and value stays as it is, with its sign of zero and its digits."""
    return found if type(found) is type(result) and order_key(found) == order_key(result) else result


def increased(key: str, found: Any, by: Any) -> Any:
    """Return a sum in the type that the server gives it.

    Raises:
        ValidationError: if the stored value is no number, or the sum an integer beyond 64 bits.
    """
    if isinstance(found, bool) or not isinstance(found, _NUMBERS):
        kind = "null" if found is None else f"a {type(found).__name__}"
        raise ValidationError.of(key, f"is stored as {kind}: only a number can be incremented")
    if isinstance(found, Decimal128) or isinstance(by, Decimal128):
        return Decimal128(_DECIMAL128.add(_as_decimal(found), _as_decimal(by)))
    if isinstance(found, float) or isinstance(by, float):
        return float(found) + float(by)
    total = int(found) + int(by)
    if not INT64_MIN <= total <= INT64_MAX:
        raise ValidationError.of(key, "cannot be incremented: the result does not fit 64 bits")
    return Int64(total) if _is_long(found) or _is_long(by) else total


def _is_long(value: int) -> bool:
    return isinstance(value, Int64) or value not in _INT32


def _as_decimal(value: Any) -> Decimal:
    if isinstance(value, Decimal128):
        return value.to_decimal()
    if isinstance(value, float) and value:  # the server adds a plain 0 in the place of 0.0
        return _DECIMAL128.create_decimal(f"{value:.{_DIGITS_OF_A_DOUBLE - 1}e}")
    return Decimal(int(value))
