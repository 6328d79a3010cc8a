"""What the validators of a field allow, read from them.

The validators of `tristore.fields` and those of attrs can be read; of any other one nothing is known.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from attrs import define, field, validators

from ....domain.entities import fields


@define
class Bounds:
    """What is known of the values that a field accepts.

    Attributes:
        low: the smallest number or time; None where there is none.
        high: the largest.
        above: whether `low` itself is left out.
        below: whether `high` itself is left out.
        finite: whether numbers must be finite.
        shortest: the fewest characters, bytes or items.
        longest: the most; None where there is no bound.
        options: the only values; None where any will do.
        patterns: what text must look like, from its begin to its end.
        searches: the compiled patterns behind them, each with the method that asks it.
        forms: for test data: where a rule for text cannot be read, the forms that it accepts; None where all can be.
        item: of the items of a list, or the values of a dictionary.
    """

    low: Any = None
    high: Any = None
    above: bool = False
    below: bool = False
    finite: bool = False
    shortest: int = 0
    longest: int | None = None
    options: tuple[Any, ...] | None = None
    patterns: list[str] = field(factory=list)
    searches: "list[tuple[re.Pattern[str], str]]" = field(factory=list)
    forms: tuple[str, ...] | None = None
    item: "Bounds | None" = None

    def fits(self, size: int) -> bool:
        """Tell whether so many characters or items are allowed."""
        return self.shortest <= size and (self.longest is None or size <= self.longest)

    def of_items(self) -> "Bounds":
        """The bounds of the items."""
        return self.item or Bounds()

    def at_least(self, low: Any, *, above: bool = False) -> None:
        if self.low is None or low >= self.low:
            self.low, self.above = low, above

    def at_most(self, high: Any, *, below: bool = False) -> None:
        if self.high is None or high <= self.high:
            self.high, self.below = high, below

    def longer(self, size: int) -> None:
        self.shortest = max(self.shortest, size)

    def shorter(self, size: int) -> None:
        self.longest = size if self.longest is None else min(self.longest, size)

    def text(self, pattern: "re.Pattern[str]", method: str) -> None:
        self.patterns.append(pattern.pattern)
        self.searches.append((pattern, method))


def read_bounds(validator: Any, bounds: Bounds) -> bool:
    """Narrow the bounds by what a validator says; tell whether all of it could be read."""
    if validator is None or validator in _UNBOUNDED:
        return True
    if isinstance(validator, list | tuple):
        readable = [read_bounds(part, bounds) for part in validator]  # all of them narrow, whatever the first one says
        return all(readable)
    read = _READERS.get(type(validator))
    return read is not None and read(validator, bounds) is not False


_UNBOUNDED: tuple[Any, ...] = (fields.reference, fields.instant)


def _number(validator: Any, bounds: Bounds) -> None:
    narrow: dict[str, Callable[[Any], None]] = {
        ">=": bounds.at_least,
        ">": lambda bound: bounds.at_least(bound, above=True),
        "<=": bounds.at_most,
        "<": lambda bound: bounds.at_most(bound, below=True),
    }
    narrow[validator.compare_op](validator.bound)


def _text(validator: fields.TextOf, bounds: Bounds) -> None:
    bounds.longer(validator.min)
    bounds.shorter(validator.max)


def _like(validator: fields.TextLike, bounds: Bounds) -> None:
    bounds.longer(validator.min)
    bounds.shorter(validator.max)
    bounds.text(validator.pattern, "fullmatch")


def _at_least(validator: fields.AtLeast, bounds: Bounds) -> None:
    bounds.finite = True
    bounds.at_least(validator.bound)


def _whole(validator: fields.WholeBetween, bounds: Bounds) -> None:
    bounds.at_least(validator.min)
    if validator.max is not None:
        bounds.at_most(validator.max)


def _options(validator: Any, bounds: Bounds) -> bool:
    if isinstance(validator.options, str):
        return False  # it asks for a part of that text
    options = tuple(validator.options)
    bounds.options = options if bounds.options is None else tuple(one for one in bounds.options if one in options)
    return True


def _deep_iterable(validator: Any, bounds: Bounds) -> bool:
    bounds.item = bounds.of_items()
    return read_bounds(validator.member_validator, bounds.item) and read_bounds(validator.iterable_validator, bounds)


def _deep_mapping(validator: Any, bounds: Bounds) -> bool:
    bounds.item = bounds.of_items()
    values = read_bounds(validator.value_validator, bounds.item)
    return read_bounds(validator.mapping_validator, bounds) and values and validator.key_validator is None


def _function(validator: Any, bounds: Bounds) -> bool:
    if validator is fields.number:
        bounds.finite = True
    elif validator is fields.username:
        bounds.text(fields.USERNAME, "fullmatch")
    else:
        return False
    return True


_READERS: Mapping[type[Any], Callable[[Any, Bounds], bool | None]] = {
    fields.TextOf: _text,
    fields.TextLike: _like,
    fields.AtLeast: _at_least,
    fields.WholeBetween: _whole,
    fields.MemberOf: lambda _, bounds: None,
    type(fields.number): _function,
    type(validators.and_()): lambda validator, bounds: read_bounds(validator._validators, bounds),
    type(validators.optional(validators.ge(0))): lambda validator, bounds: read_bounds(validator.validator, bounds),
    type(validators.instance_of(int)): lambda _, bounds: None,
    type(validators.ge(0)): _number,
    type(validators.min_len(0)): lambda validator, bounds: bounds.longer(validator.min_length),
    type(validators.max_len(0)): lambda validator, bounds: bounds.shorter(validator.max_length),
    type(validators.in_(())): _options,
    type(validators.matches_re("")): lambda validator, bounds: bounds.text(
        validator.pattern, validator.match_func.__name__
    ),
    type(validators.deep_iterable(validators.ge(0))): _deep_iterable,
    type(validators.deep_mapping(validators.ge(0), validators.ge(0))): _deep_mapping,
}
"""How each class of validators is read; False says that a part of it could not be."""
