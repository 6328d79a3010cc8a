"""The one place from which histories take their entities, edits, rules, orders and arguments."""

import operator
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

from attrs import evolve
from hypothesis import reject
from hypothesis import strategies as st

from ....domain.entities.entity import MANAGED, Entity
from ....domain.entities.schema import schema_of
from ....domain.errors import ConfigurationError
from ....domain.rules.specification import Specification, not_, where
from ...operations.upkeep import named_queries as asked
from ...operations.upkeep.candidates import REFUSED, Candidates, Values, build

Rule = Specification[Any]
Table = Mapping[str, Sequence[Any]]
Draw = st.DrawFn

PALETTES = 7
"""The selections of values: the first is all of them, the others are a few that stand beside each other."""

_FEW = 3


@cache
def _numbers(size: int) -> st.SearchStrategy[int]:
    return st.integers(0, size - 1)


def one(draw: Draw, values: Sequence[Any]) -> Any:
    """Draw one of the values, the first ones being the plainest; by its number, which costs Hypothesis least."""
    return values[draw(_numbers(len(values)))]


def given(draw: Draw, required: Table, optional: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Draw arguments by name: all that are required, and up to two of the others."""
    always = {name: one(draw, values) for name, values in required.items()}
    return {**always, **one(draw, optional), **one(draw, optional)}


class Topic:
    """What histories about a few fields of one entity are made of.

    The fewer the fields, and the fewer their values, the more often what is stored meets what is asked.

    Args:
        cls: of the entities.
        focus: the names of the fields.
        palette: the number of the selection of their values.
        candidates: all values.

    Raises:
        ConfigurationError: if a required field has no value that is known.
    """

    def __init__(self, cls: type[Entity[Any]], focus: Sequence[str], palette: int, candidates: Candidates) -> None:
        self._cls = cls
        fields = schema_of(cls).fields
        self._required, optional = candidates.of_class(cls)
        aliases = {fields[name].attribute.alias for name in focus}
        self._optional = _choices(
            {name: _selected(values, palette) for name, values in optional.items() if name in aliases}
        )
        self._ids: list[Any] = candidates.of_field(cls, fields["id"])
        self._edits = [
            (name, value)
            for name in focus
            if name not in MANAGED
            for value in _selected(_known(candidates, cls, name), palette)
        ]
        places = [
            evolve(place, values=_selected(place.values, palette))
            for place in candidates.places(cls)
            if place.path[0] in focus
        ]
        everything = where(cls)
        self._leaves = [leaf for place in places for leaf in asked.leaves(cls, place)] or [everything]
        self._shapes: list[Callable[[Rule, Rule], Rule]] = [
            lambda first, second: everything,
            lambda first, second: first,
            lambda first, second: first,
            lambda first, second: not_(first),
            operator.and_,
            operator.or_,
            lambda first, second: not_(first | second),
        ]
        names = [".".join(place.path) for place in places]
        self._orders = _orders([name for name in names if name != "id" and asked.has_order(cls, name)])

    def id(self, draw: Draw) -> Any:
        """Draw an id."""
        return one(draw, self._ids)

    def entity(self, draw: Draw) -> Entity[Any]:
        """Draw a valid new entity, which has the defaults of the fields that are not in focus."""
        made = build(self._cls, given(draw, self._required, self._optional))
        if made is REFUSED:
            reject()
        return made  # type: ignore[no-any-return] # of the class

    def edit(self, draw: Draw) -> tuple[str, Any] | None:
        """Draw a field and its new value, None if no field in focus can be edited."""
        return one(draw, self._edits) if self._edits else None

    def rule(self, draw: Draw) -> Rule:
        """Draw a rule: a question about a field in focus, or two combined."""
        shape: Callable[[Rule, Rule], Rule] = one(draw, self._shapes)
        return shape(one(draw, self._leaves), one(draw, self._leaves))

    def order(self, draw: Draw) -> tuple[str, ...]:
        """Draw a total order: up to two fields in focus, then the id."""
        order: tuple[str, ...] = one(draw, self._orders)
        return order


class Generated:
    """Topics and arguments over a user's own entities and repositories.

    Args:
        values: values of fields that cannot be guessed.
    """

    def __init__(self, values: Values | None = None) -> None:
        self._candidates = Candidates(values)
        self._topics: dict[tuple[Any, ...], Topic] = {}

    def topic(self, cls: type[Entity[Any]], focus: Sequence[str], palette: int = 0) -> Topic:
        """Return what histories about some fields of an entity are made of, with a selection of their values.

        Raises:
            ConfigurationError: if a required field has no value that is known.
        """
        focus = tuple(sorted(set(focus)))
        key = (cls, focus, palette)
        if key not in self._topics:
            self._topics[key] = Topic(cls, focus, palette, self._candidates)
        return self._topics[key]

    def arguments(self, query: Callable[..., Any], cls: type[Entity[Any]]) -> tuple[Table, list[dict[str, Any]]]:
        """Return what `given` draws the arguments of a named query from.

        Raises:
            ConfigurationError: if a parameter has no value that is known.
        """
        required, optional = asked.arguments_of(query, cls, self._candidates)
        return required, _choices(optional)


def _choices(optional: Table) -> list[dict[str, Any]]:
    return [{}, *({name: value} for name, values in optional.items() for value in values)]


def _selected(values: Sequence[Any], palette: int) -> Sequence[Any]:
    if palette == 0 or len(values) <= _FEW:
        return values
    start = 2 * (palette - 1)
    return [values[(start + number) % len(values)] for number in range(_FEW)]


def _known(candidates: Candidates, cls: type[Any], name: str) -> list[Any]:
    """The values of a field; none of a type that only the user knows, with a default."""
    try:
        return candidates.of_field(cls, schema_of(cls).fields[name])
    except ConfigurationError:
        return []


def _orders(names: Sequence[str]) -> list[tuple[str, ...]]:
    firsts: list[tuple[str, ...]] = [(), *((sign + name,) for name in names for sign in ("", "-"))]
    return [
        (*first, *second, last)
        for second in firsts
        for first in firsts
        for last in ("id", "-id")
        if (first or not second) and (not second or first[0].lstrip("-") != second[0].lstrip("-"))
    ]
