"""The one place from which histories take their entities, values, rules, orders and arguments."""

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from hypothesis import strategies as st

from ...domain.entity import Entity
from ...domain.schema import FieldSchema
from ...domain.specification import Specification, not_, where
from . import asked
from .candidates import REFUSED, START, Candidates, Values, build

Rule = Specification[Any]


class Generated:
    """Strategies over a user's own entities and repositories. Each draws from a few values, so that they meet again.

    Args:
        values: values of fields that cannot be guessed.
    """

    def __init__(self, values: Values | None = None) -> None:
        self._candidates = Candidates(values)

    def entities(self, cls: type[Entity[Any]]) -> st.SearchStrategy[Entity[Any]]:
        """Return a strategy for valid new entities.

        Raises:
            ConfigurationError: if a required field has no value that is known.
        """
        made = _given(*self._candidates.of_class(cls)).map(lambda given: build(cls, given))
        return made.filter(lambda one: one is not REFUSED)

    def values(self, cls: type[Entity[Any]], field: FieldSchema) -> st.SearchStrategy[Any]:
        """Return a strategy for valid values of one field.

        Raises:
            ConfigurationError: if no value is known.
        """
        return one(self._candidates.of_field(cls, field))

    def specifications(self, cls: type[Entity[Any]]) -> st.SearchStrategy[Specification[Any]]:
        """Return a strategy for rules over an entity: one question about one of its fields, or two combined."""
        leaves = [leaf for place in asked.places(cls, self._candidates) for leaf in asked.leaves(cls, place)]
        everything = where(cls)
        shapes: list[Callable[[Rule, Rule], Rule]] = [
            lambda first, second: everything,
            lambda first, second: first,
            lambda first, second: first,
            lambda first, second: not_(first),
            operator.and_,
            operator.or_,
            lambda first, second: not_(first | second),
        ]
        return st.builds(lambda shape, first, second: shape(first, second), one(shapes), one(leaves), one(leaves))

    def orders(self, cls: type[Entity[Any]]) -> st.SearchStrategy[tuple[str, ...]]:
        """Return a strategy for total orders of an entity: up to two fields, then the id."""
        names = asked.sortable(cls, self._candidates)
        firsts = [(), *((sign + name,) for name in names for sign in ("", "-"))]
        orders = [
            (*first, *second, last)
            for second in firsts
            for first in firsts
            for last in ("id", "-id")
            if not first or not second or first[0].lstrip("-") != second[0].lstrip("-")
        ]
        return one(orders)

    def arguments(self, query: Callable[..., Any], cls: type[Entity[Any]]) -> st.SearchStrategy[dict[str, Any]]:
        """Return a strategy for the arguments of a named query.

        Raises:
            ConfigurationError: if a parameter has no value that is known.
        """
        return _given(*asked.arguments_of(query, cls, self._candidates))


def one(values: Sequence[Any]) -> st.SearchStrategy[Any]:
    """One of the values, the first ones being the plainest; by number, for Hypothesis writes out what it draws from."""
    return st.integers(0, len(values) - 1).map(lambda number: values[number])


def _given(
    required: Mapping[str, Sequence[Any]], optional: Mapping[str, Sequence[Any]]
) -> st.SearchStrategy[dict[str, Any]]:
    """Arguments by name: all that are required, and up to two of the others."""
    always = st.tuples(*map(one, required.values()))
    few = [{}, *({name: value} for name, values in optional.items() for value in values)]
    return st.builds(
        lambda first, more, most: {**dict(zip(required, first, strict=True)), **more, **most},
        always,
        one(few),
        one(few),
    )


__all__ = ["START", "Generated", "Values", "one"]
