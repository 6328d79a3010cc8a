"""Random values for the fields of an attrs class: readable ones, inside the bounds of the validators."""

import re
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from functools import partial
from random import Random
from typing import Any

import attrs

from .optional_libraries import Needs

with Needs("polyfactory", "factories"):
    from polyfactory.value_generators.regex import RegexFactory

from ....domain.entities.plain_values import Steps
from ....domain.entities.scalars import Kind
from ....domain.entities.schema import FieldSchema, FieldType
from ....domain.errors import ConfigurationError
from ...documents.collections.field_bounds import Bounds
from .value_bounds import EMAIL, REFUSALS, accepts, bounds_of, filled_fields, no_value

_ATTEMPTS = 100
"""How many values are tried where a validator of an unknown kind has the last word."""

_DEEPEST = 5
"""How many values of its own kind a nested value holds inside each other at most."""

_MOST_ITEMS = 3
_SPAN = 1_000
"""Numbers without bounds lie between 0 and this; numbers with one bound are at most so far from it."""


class RandomValues:
    """Makes values; the same ones for the same state of the random generator."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._patterns = RegexFactory(random=random)

    def field(self, cls: type[Any], field: FieldSchema, depth: int = 0) -> Any:
        """Return a value for a field.

        A reference that may be None is None: an id of nobody would lead nowhere.

        Raises:
            ConfigurationError: if none is found.
        """
        if field.type.optional and self._is_none(field, depth) and accepts(field, None):
            return None
        problem = "its validator refuses each value that was tried"
        try:
            for value in self._candidates(field, bounds_of(field), depth):
                if accepts(field, value):
                    return value
        except ConfigurationError as error:
            problem = str(error)
        if field.attribute.default is not attrs.NOTHING:
            return attrs.NOTHING
        raise no_value(cls, field.name, problem, f"build({field.name}=...)")

    def _is_none(self, field: FieldSchema, depth: int) -> bool:
        return field.type.kind is Kind.ID or depth >= _DEEPEST or self._random.random() < 0.5

    def object(self, cls: type[Any], depth: int) -> Any:
        """Return an object of a nested class.

        Raises:
            ConfigurationError: if its constructor refuses every set of values.
        """
        problem: Exception | None = None
        for _ in range(_ATTEMPTS):
            found = {name: self.field(cls, field, depth) for name, field in filled_fields(cls).items()}
            try:
                return cls(**{name: value for name, value in found.items() if value is not attrs.NOTHING})
            except REFUSALS as error:
                problem = error
        raise ConfigurationError(f"no {cls.__name__} was made of {_ATTEMPTS} sets of values: {problem}")

    def _candidates(self, field: FieldSchema, bounds: Bounds, depth: int) -> Iterator[Any]:
        """Values to try: of text first those that a reader recognizes and that nobody else has."""
        if field.type.kind is Kind.STR and bounds.options is None and (bounds.patterns or bounds.forms):
            name, number = field.name, f"{self._random.getrandbits(40):010x}"
            readable = (f"{name}-{number}", f"{name}.{number}@example.org", number)
            yield from (text for text in readable if bounds.fits(len(text)) and _matches(text, bounds))
        for _ in range(_ATTEMPTS):
            yield self._value(field.name, field.type, bounds, depth)

    def _value(self, name: str, declared: FieldType, bounds: Bounds, depth: int) -> Any:
        if bounds.options is not None:
            return self._random.choice(bounds.options)
        match declared.kind:
            case Kind.NESTED:
                return self.object(declared.python, depth + 1)
            case Kind.SEQUENCE | Kind.DICT:
                return self._collection(name, declared, bounds, depth + 1)
            case Kind.ENUM:
                members: Any = declared.python
                return self._random.choice([*members])
            case Kind.STR:
                return self._text(name, bounds)
            case Kind.OTHER:
                raise ConfigurationError(f"nothing is known of values of type {declared}")
            case kind:
                steps = None if declared.scalar is None else declared.scalar.steps
                draw = _OF_KIND[kind] if steps is None else partial(_in_steps, steps)
                return draw(self._random, bounds)

    def _collection(self, name: str, declared: FieldType, bounds: Bounds, depth: int) -> Any:
        item = declared.item or FieldType(Kind.FREE, object)
        size = self._size(bounds) if depth < _DEEPEST else bounds.shortest
        found: list[Any] = []
        for _ in range(_ATTEMPTS):
            if len(found) >= size:
                break
            value = self._value(name, item, bounds.of_items(), depth)
            if declared.python not in {set, frozenset} or value not in found:
                found.append(value)
        if declared.kind is Kind.DICT:
            return {f"key{number}": value for number, value in enumerate(found)}
        return declared.python(found)

    def _size(self, bounds: Bounds) -> int:
        most = bounds.shortest + _MOST_ITEMS
        return self._random.randint(bounds.shortest, most if bounds.longest is None else min(most, bounds.longest))

    def _text(self, name: str, bounds: Bounds) -> str:
        patterns = bounds.patterns or bounds.forms
        if bounds.forms == ():
            raise ConfigurationError("its validator accepts none of the common forms of text")
        if patterns:
            for _ in range(_ATTEMPTS):
                text: str = self._patterns(self._random.choice(patterns))
                if bounds.fits(len(text)):
                    return text
            raise ConfigurationError("no text of the right length has the form that its validator wants")
        readable = f"{name.replace('_', ' ')} {self._random.getrandbits(40):010x}"
        longest = len(readable) if bounds.longest is None else min(bounds.longest, len(readable))
        return readable[len(readable) - longest :].strip().ljust(bounds.shortest, "x")


def _matches(text: str, bounds: Bounds) -> bool:
    return all(re.fullmatch(pattern, text) for pattern in bounds.patterns if pattern != EMAIL)


def _in_steps(steps: Steps[Any], random: Random, bounds: Bounds) -> Any:
    """A value between the bounds, or as near to the only one as values without bounds are to each other."""
    first, last = steps.usual
    span = last - first
    if bounds.low is not None:
        first = steps.first(bounds.low, above=bounds.above)
        last = min(first + span, steps.most)
    if bounds.high is not None:
        last = steps.last(bounds.high, below=bounds.below)
        first = first if bounds.low is not None else max(min(first, last - span), steps.least)
    return steps.value(random.randint(first, max(first, last)))


def _float(random: Random, bounds: Bounds) -> float:
    low, high = map(float, _range(bounds))
    return round(random.uniform(low, high), 3) if high - low >= 1 else random.uniform(low, high)


def _decimal(random: Random, bounds: Bounds) -> Decimal:
    low, high = (Decimal(str(bound)) for bound in _range(bounds))
    return (low + (high - low) * random.randint(0, 10_000) / 10_000).quantize(Decimal("0.01"))


def _range(bounds: Bounds) -> tuple[Any, Any]:
    """Where numbers lie: between the bounds, or near the only one."""
    low, high = bounds.low, bounds.high
    if low is None:
        return (0, _SPAN) if high is None else (min(0, high - _SPAN), high)
    return low, low + _SPAN if high is None else high


def _bytes(random: Random, bounds: Bounds) -> bytes:
    most = bounds.shortest + 8
    return random.randbytes(most if bounds.longest is None else min(most, bounds.longest))


_OF_KIND: Mapping[Kind, Callable[[Random, Bounds], Any]] = {
    Kind.FLOAT: _float,
    Kind.DECIMAL: _decimal,
    Kind.BYTES: _bytes,
    Kind.FREE: lambda random, _: random.randint(0, _SPAN),
}
