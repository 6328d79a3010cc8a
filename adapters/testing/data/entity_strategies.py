"""How a strategy for the objects of an attrs class is derived: by the kind of each field, inside its bounds."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, TypeVar

import attrs
from bson import Decimal128

from .optional_libraries import Needs

with Needs("Hypothesis", "testing"):
    from hypothesis import reject
    from hypothesis import strategies as st

from ....domain.entities.plain_values import Steps
from ....domain.entities.scalars import FREE, Kind
from ....domain.entities.schema import FieldSchema, FieldType
from ....domain.errors import ConfigurationError
from ...documents.collections.field_bounds import Bounds
from .value_bounds import (
    REFUSALS,
    accepts,
    bounds_of,
    check_names,
    filled_fields,
    given,
    no_value,
    parameters_of,
)

T = TypeVar("T")
Strategy = st.SearchStrategy[Any]

SPARE_ITEMS = 4
"""How many more items than it must have a list, set or dictionary gets at most, unless its own bound is lower."""

_PATIENCE = 100
"""After so many refusals, with no object made yet, the last one is told instead of drawn again."""

_TRIES = 3
"""How often one example draws again what the constructor refused."""

_REFUSED: Any = object()

_texts = st.text(max_size=20)
COMMON_KEYS = ("a", "0")
"""Keys that every other dictionary has, so that a rule that names one often finds it."""

_rare_keys = st.text(st.characters(codec="utf-8", exclude_characters=".\0"), min_size=1, max_size=8)
keys = st.sampled_from(COMMON_KEYS) | _rare_keys.filter(lambda key: not key.startswith("$"))
"""Keys of dictionaries that a store accepts and a rule can name."""

floats = st.floats(allow_nan=False)
_any_decimals = st.builds(
    lambda sign, coefficient, exponent: Decimal((sign, tuple(map(int, str(coefficient))), exponent)),
    st.integers(0, 1),
    st.integers(0, 10**34 - 1),
    st.integers(-6176, 6111),
)
decimals: st.SearchStrategy[Decimal] = st.decimals(-(10**9), 10**9, places=2) | _any_decimals
"""Numbers of a Decimal128: at most 34 digits and an exponent of -6176 to 6111."""


def _in_steps(steps: Steps[Any], bounds: Bounds) -> Strategy:
    first = steps.least if bounds.low is None else steps.first(bounds.low, above=bounds.above)
    last = steps.most if bounds.high is None else steps.last(bounds.high, below=bounds.below)
    return st.integers(first, last).map(steps.value)


_in_rows = [_in_steps(scalar.steps, Bounds()) for scalar in FREE if scalar.steps is not None]
plain = st.one_of(floats, _texts, decimals, st.binary(max_size=8), *_in_rows)
"""Values of no declared type that a rule may compare with a field of none."""

scalars = st.none() | plain
free = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=5,
)
"""Values of no declared type."""


class Deriver:
    """Derives strategies; those of nested classes are made once, so that a class may hold its own kind."""

    def __init__(self) -> None:
        self._nested: dict[type[Any], Strategy] = {}

    def objects(self, cls: type[T], overrides: Mapping[str, Any]) -> st.SearchStrategy[T]:
        """Objects of a class, with some of its fields given.

        Raises:
            ConfigurationError: for a name that the class does not take, and for a field without a value.
        """
        if not (isinstance(cls, type) and attrs.has(cls)):
            raise ConfigurationError(f"entities() takes an attrs class, not {cls!r}")
        check_names(cls, overrides)
        parameters = parameters_of(cls)
        found = {name: self._given(parameters[name], value) for name, value in overrides.items()}
        for name, field in filled_fields(cls).items():
            if name not in overrides:
                strategy = self.field(cls, field)
                if strategy is not None:
                    found[name] = strategy
        for name, unstored in parameters.items():
            if unstored is None and name not in found and _is_required(cls, name):
                raise no_value(cls, name, "it is not stored", f"entities({cls.__name__}, {name}=...)")
        return _constructed(_Construction(cls), st.fixed_dictionaries(found))

    def field(self, cls: type[Any], field: FieldSchema) -> Strategy | None:
        """Values of a field; None if only its default will do.

        Raises:
            ConfigurationError: if there is no default either.
        """
        bounds = bounds_of(field)
        try:
            values = self.values(field.type, bounds)
        except ConfigurationError as error:
            if field.attribute.default is not attrs.NOTHING:
                return None
            raise no_value(cls, field.name, str(error), f"entities({cls.__name__}, {field.name}=...)") from None
        checked = field.attribute.validator is not None or field.attribute.converter is not None
        return values.filter(lambda value: accepts(field, value)) if checked else values

    def values(self, declared: FieldType, bounds: Bounds) -> Strategy:
        """Values of a type inside bounds, None among them where the type allows it.

        Raises:
            ConfigurationError: if nothing is known of the type.
        """
        values = self._of_kind(declared, bounds)
        return st.none() | values if declared.optional and declared.kind is not Kind.FREE else values

    def compared(self, declared: FieldType, bounds: Bounds) -> Strategy:
        """Values that a rule may compare with a place of this type; of a list, with its items.

        Raises:
            ConfigurationError: if nothing is known of the type.
        """
        if declared.kind is Kind.SEQUENCE and declared.item is not None:
            return self.compared(declared.item, bounds.of_items())
        return plain if declared.kind in {Kind.FREE, Kind.SEQUENCE} else self._of_kind(declared, bounds)

    def _of_kind(self, declared: FieldType, bounds: Bounds) -> Strategy:
        if bounds.options is not None:
            return st.sampled_from(bounds.options)
        match declared.kind:
            case Kind.NESTED:
                return self._of_class(declared.python)
            case Kind.SEQUENCE:
                return self._of_sequence(declared, bounds)
            case Kind.DICT:
                items = self.values(declared.item, bounds.of_items()) if declared.item else free
                return st.dictionaries(keys, items, min_size=bounds.shortest, max_size=_most(bounds))
            case Kind.ENUM:
                return st.sampled_from(declared.python)
            case Kind.OTHER:
                raise ConfigurationError(f"nothing is known of values of type {declared}")
            case kind:
                steps = None if declared.scalar is None else declared.scalar.steps
                return _OF_KIND[kind](bounds) if steps is None else _in_steps(steps, bounds)

    def _of_class(self, cls: type[Any]) -> Strategy:
        if cls not in self._nested:
            self._nested[cls] = st.deferred(lambda: made)
            made = self.objects(cls, {})
        return self._nested[cls]

    def _of_sequence(self, declared: FieldType, bounds: Bounds) -> Strategy:
        items = self.values(declared.item, bounds.of_items()) if declared.item else free
        python, least, most = declared.python, bounds.shortest, _most(bounds)
        if python in {set, frozenset}:
            hashable = items if declared.item and declared.item.kind is not Kind.FREE else scalars
            return st.sets(hashable, min_size=least, max_size=most).map(python)
        return st.lists(items, min_size=least, max_size=most).map(python)

    def _given(self, field: FieldSchema | None, value: Any) -> Strategy:
        values = value if isinstance(value, st.SearchStrategy) else st.just(value)
        return values.map(lambda one: given(field, one))


class _Construction:
    """Calls a constructor; remembers refusals, so that a class whose rules are never met can say why."""

    def __init__(self, cls: type[Any]) -> None:
        self._cls = cls
        self._refusals = 0
        self._succeeded = False
        self._last: Exception | None = None

    def __call__(self, values: Mapping[str, Any]) -> Any:
        try:
            made = self._cls(**values)
        except REFUSALS as error:
            self._refusals += 1
            self._last = error
            return _REFUSED
        self._succeeded = True
        return made

    def failure(self) -> ConfigurationError:
        """Return the error that says that there never is an object; where there may be one, drop this example."""
        if self._succeeded or self._refusals < _PATIENCE:
            reject()
        name = self._cls.__name__
        return ConfigurationError(
            f"no {name} was made of {self._refusals} sets of values, the last one because: {self._last}; give the "
            f"fields concerned: entities({name}, field=...)"
        )


@st.composite
def _constructed(draw: st.DrawFn, construct: _Construction, values: st.SearchStrategy[dict[str, Any]]) -> Any:
    """Objects that a constructor accepts; made here, so that a failing example shows their own repr."""
    for _ in range(_TRIES):
        made = construct(draw(values))
        if made is not _REFUSED:
            return made
    raise construct.failure()


def _is_required(cls: type[Any], parameter: str) -> bool:
    return any(
        (attribute.alias or attribute.name) == parameter and attribute.default is attrs.NOTHING
        for attribute in attrs.fields(cls)
    )


def _most(bounds: Bounds) -> int:
    most = bounds.shortest + SPARE_ITEMS
    return most if bounds.longest is None else min(most, bounds.longest)


def _text(bounds: Bounds) -> Strategy:
    patterns = bounds.patterns or bounds.forms
    if bounds.forms == () and not bounds.patterns:
        raise ConfigurationError("its validator accepts none of the common forms of text")
    if not patterns:
        return st.text(min_size=bounds.shortest, max_size=bounds.longest)
    looks = [st.from_regex(pattern, fullmatch=True) for pattern in patterns]
    return (looks[0] if bounds.patterns else st.one_of(looks)).filter(lambda text: bounds.fits(len(text)))


def _float(bounds: Bounds) -> Strategy:
    low, high = (None if bound is None else float(bound) for bound in (bounds.low, bounds.high))
    return st.floats(
        low,
        high,
        exclude_min=bounds.above,
        exclude_max=bounds.below,
        allow_nan=False,
        allow_infinity=not bounds.finite and (low is None or high is None),
    )


def _decimal(bounds: Bounds) -> Strategy:
    if bounds.low is None and bounds.high is None:
        return decimals
    low, high = (None if bound is None else Decimal(bound) for bound in (bounds.low, bounds.high))
    inside = st.decimals(low, high, allow_nan=False, allow_infinity=False)
    return inside.filter(lambda found: _is_inside(found, bounds) and _fits_decimal128(found))


def _is_inside(value: Any, bounds: Bounds) -> bool:
    return not (bounds.above and value <= bounds.low) and not (bounds.below and value >= bounds.high)


def _fits_decimal128(value: Decimal) -> bool:
    """Whether a store keeps a number with all its digits; zeros at the end count."""
    try:
        return Decimal128(value).to_decimal().as_tuple() == value.as_tuple()
    except ArithmeticError:
        return False


_OF_KIND: Mapping[Kind, Callable[[Bounds], Strategy]] = {
    Kind.STR: _text,
    Kind.FLOAT: _float,
    Kind.DECIMAL: _decimal,
    Kind.BYTES: lambda bounds: st.binary(min_size=bounds.shortest, max_size=bounds.longest),
    Kind.FREE: lambda bounds: free,
}
