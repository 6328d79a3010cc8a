"""Numbers that are incremented where they are stored: what the validators of their field say of the result.

The store adds without loading the entity. So the bounds that the validators give to the number are asked of the
stored number instead, moved by the increment: a document that would be pushed out of them is not met.
"""

import math
import struct
from collections.abc import Callable, Iterator
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from operator import ge, gt, le, lt
from typing import Any

import attrs

from ..entities.bounds import FINITE, Bound, Comparator
from ..entities.fields import number
from ..entities.plain_values import INT64_MAX, INT64_MIN, Scalar, Steps
from ..entities.scalars import SCALARS, listed
from ..entities.schema import FieldSchema
from ..errors import InvalidQuery
from ..rules.predicates import NOTHING, All, AnyOf, Compare, IsNone, Not, Path, Predicate, dotted

_NUMBER: type[Any] = type(attrs.validators.ge(0))
_ALL_OF: type[Any] = type(attrs.validators.and_())
_OPTIONAL: type[Any] = type(attrs.validators.optional(attrs.validators.ge(0)))
_INSTANCE: type[Any] = type(attrs.validators.instance_of(int))
_COMPARATORS = {lt: Comparator.LT, le: Comparator.LE, gt: Comparator.GT, ge: Comparator.GE}
_ORDER = {comparator: order for order, comparator in _COMPARATORS.items()}
_FROM_BELOW = frozenset({Comparator.GE, Comparator.GT})
# 34 digits, as a Decimal128 has them (https://www.mongodb.com/docs/manual/reference/bson-types)
_UP = Context(prec=34, rounding=ROUND_CEILING, Emin=-6143, Emax=6144, clamp=1, traps=[])
_DOWN = Context(prec=34, rounding=ROUND_FLOOR, Emin=-6143, Emax=6144, clamp=1, traps=[])

Number = Any
"""What is added: of the type of the field."""


def increment_of(field: FieldSchema, path: Path, value: object) -> Number:
    """Return an increment in the type of its field.

    Raises:
        InvalidQuery: if the field is no number, or the increment none that can be added to it.
    """
    scalar = field.type.scalar
    if scalar is None or not scalar.added:
        known = listed((row for row in SCALARS.values() if row.added), last=" and ")
        raise InvalidQuery(f"{dotted(path)} is {field.type}: only {known} can be incremented")
    if isinstance(value, bool) or not isinstance(value, scalar.added):
        raise InvalidQuery(f"{dotted(path)} is {field.type}, and cannot be incremented by a {type(value).__name__}")
    if not _is_bounded(value, scalar):
        raise InvalidQuery(f"{dotted(path)} can be incremented by a finite number of at most 64 bits")
    _refuse_other_rules(field, path)
    return value if isinstance(value, scalar.python) else scalar.python(value)


def _is_bounded(value: Any, scalar: Scalar) -> bool:
    if isinstance(value, int):
        return INT64_MIN <= value <= INT64_MAX
    if scalar.steps is None:
        return math.isfinite(value)
    return scalar.steps.least <= scalar.steps.place(value) <= scalar.steps.most


def allows(field: FieldSchema, path: Path, increment: Number) -> Predicate:
    """Return what a stored number must obey, so that the incremented one obeys the validators of its field.

    A missing number counts as 0; where the entity would have another default in its place, it is not met.

    Raises:
        InvalidQuery: if a validator says more than bounds.
    """
    bounds = [*_bounds(field, path, field.attribute.validator)]
    scalar = _scalar_of(field)
    stored = All(tuple(_moved(scalar, path, bound, increment) for bound in bounds))
    missing = IsNone(path)
    # what a class makes of nothing is its 0, so that a default of 0 and None are alike here
    if not field.type.optional and field.attribute.default not in (scalar.python(), None):
        return All((*stored.parts, Not(missing)))
    if not bounds:
        return stored
    result: Any = increment  # 0 and the increment
    starts = all(_ORDER[bound.comparator](result, bound.value) for bound in bounds)
    return AnyOf((stored, missing)) if starts else stored


def _scalar_of(field: FieldSchema) -> Scalar:
    scalar = field.type.scalar
    assert scalar is not None  # noqa: S101 - `increment_of` has seen it
    return scalar


def _refuse_other_rules(field: FieldSchema, path: Path) -> None:
    """What happens to a value at its assignment, beside its validators, would not happen to the result."""
    attribute: Any = field.attribute
    if attribute.converter is not None and attribute.converter not in _scalar_of(field).added:
        raise InvalidQuery(f"{dotted(path)} has a converter, which an increment would bypass: load, change and save it")
    if attribute.on_setattr not in {None, attrs.setters.validate, attrs.setters.convert, attrs.setters.NO_OP}:
        raise InvalidQuery(
            f"{dotted(path)} has an on_setattr hook, which an increment would bypass: load, change and save it"
        )


def _bounds(field: FieldSchema, path: Path, validator: Any) -> Iterator[Bound]:
    """Yield the bounds that validators give.

    Raises:
        InvalidQuery: if one of them says anything else.
    """
    known = getattr(validator, "bounds", ())
    if validator is None or (isinstance(validator, _INSTANCE) and _fits(validator.type, field)):
        return
    if isinstance(validator, _NUMBER) and validator.compare_func in _COMPARATORS:
        yield Bound(_COMPARATORS[validator.compare_func], validator.bound)
    elif isinstance(validator, _ALL_OF):
        for part in validator._validators:
            yield from _bounds(field, path, part)
    elif isinstance(validator, _OPTIONAL):
        yield from _bounds(field, path, validator.validator)
    elif validator is number:
        yield from FINITE
    elif isinstance(known, tuple) and known and all(isinstance(bound, Bound) for bound in known):
        yield from known
    else:
        name = getattr(validator, "__qualname__", None) or repr(validator)
        raise InvalidQuery(
            f"{dotted(path)} has the validator {name}, which an increment would bypass, for it gives no bounds: "
            "load, change and save it"
        )


def _fits(wanted: Any, field: FieldSchema) -> bool:
    """Whether the type that a validator wants is that of every value of the field."""
    return issubclass(field.type.python, wanted)


def _moved(scalar: Scalar, path: Path, bound: Bound, increment: Any) -> Predicate:
    """Return what a stored number obeys if and only if it obeys the bound with the increment added."""
    if bound.value != bound.value:
        return NOTHING
    if scalar.steps is not None:
        return _moved_steps(scalar.steps, path, bound, increment)
    if scalar.python is Decimal:
        return _moved_decimal(path, bound, increment)
    return _moved_float(path, bound, increment)


def _moved_steps(steps: Steps[Any], path: Path, bound: Bound, increment: Any) -> Predicate:
    below, value = bound.comparator in _FROM_BELOW, bound.value
    if isinstance(value, float | Decimal) and math.isinf(value):
        return All(()) if (value < 0) == below else NOTHING
    if below:
        limit = steps.first(value, above=bound.comparator is Comparator.GT)
    else:
        limit = steps.last(value, below=bound.comparator is Comparator.LT)
    limit -= steps.place(increment)
    if (limit > steps.most) if below else (limit < steps.least):
        return NOTHING
    limit = min(max(limit, steps.least), steps.most)
    return Compare(path, Comparator.GE if below else Comparator.LE, steps.value(limit))


def _moved_decimal(path: Path, bound: Bound, increment: Decimal) -> Predicate:
    """A result that is rounded stays on its side of the bound: the limit itself is rounded away from it."""
    value = bound.value if isinstance(bound.value, Decimal) else Decimal(bound.value)
    if bound.comparator in _FROM_BELOW:
        least = _UP.next_plus(value) if bound.comparator is Comparator.GT else _UP.plus(value)
        return Compare(path, Comparator.GE, _UP.subtract(least, increment))
    most = _DOWN.next_minus(value) if bound.comparator is Comparator.LT else _DOWN.plus(value)
    return Compare(path, Comparator.LE, _DOWN.subtract(most, increment))


def _moved_float(path: Path, bound: Bound, increment: float) -> Predicate:
    """The limit is found by trying: ``bound - increment`` may be rounded to the wrong side."""
    obeys, value = _ORDER[bound.comparator], bound.value
    if bound.comparator in _FROM_BELOW:
        least = _least_float(lambda x: obeys(x + increment, value))
        return NOTHING if least is None else Compare(path, Comparator.GE, least)
    most = _least_float(lambda x: obeys(-x + increment, value))
    return NOTHING if most is None else Compare(path, Comparator.LE, -most)


def _least_float(holds: Callable[[float], bool]) -> float | None:
    """Return the smallest float for which a test holds that holds for every larger one too; None if there is none."""
    low, high = -_PLACES, _PLACES
    if not holds(math.inf):
        return None
    while low < high:
        middle = (low + high) // 2
        if holds(_float_at(middle)):
            high = middle
        else:
            low = middle + 1
    return _float_at(low)


def _float_at(place: int) -> float:
    """The float with this place in the order of all floats, in which 0.0 has the place 0."""
    size: float = struct.unpack("<d", struct.pack("<q", abs(place)))[0]
    return size if place >= 0 else -size


_PLACES: int = struct.unpack("<q", struct.pack("<d", math.inf))[0]
