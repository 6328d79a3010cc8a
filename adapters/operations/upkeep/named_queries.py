"""Rules, orders and arguments to ask repositories with, derived from what an entity and a query declare."""

import inspect
import operator
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import reduce
from inspect import Parameter, signature
from itertools import pairwise, product
from typing import Any, get_type_hints

import attrs

from ....domain.entities.scalars import Kind
from ....domain.entities.schema import schema_of
from ....domain.errors import ConfigurationError, InvalidQuery
from ....domain.queries.query import sort_keys
from ....domain.repository.read_repository import ReadRepository
from ....domain.repository.repository import Repository
from ....domain.rules.specification import Specification, where
from ....domain.rules.words import (
    any_of,
    between,
    contains,
    contains_all,
    exists,
    icontains,
    is_none,
    matches,
    not_one_of,
    one_of,
    size,
    some,
)
from .candidates import Candidates, Place

_COMPARISONS = (operator.eq, operator.eq, operator.ne, operator.lt, operator.le, operator.gt, operator.ge)
_SIZES = (operator.eq, operator.ge, operator.lt)
_SHORT_COUNTS = (1, 2, 0, 5)

Rule = Specification[Any]


def leaves(cls: type[Any], place: Place) -> list[Rule]:
    """Return the rules about one place: each kind of question that can be asked, with each value that it takes."""
    values = [value for value in place.values if value is not None]
    asked = list(_questions(place, values))
    return [rule for question, arguments in asked if (rule := _rule(cls, place, question, arguments)) is not None]


def _questions(place: Place, values: Sequence[Any]) -> Iterator[tuple[Callable[..., Any], tuple[Any, ...]]]:
    if place.type.kind is Kind.SEQUENCE:
        item = place.type.item
        if item is not None and item.kind is Kind.NESTED:
            yield from _about_items(item.python, values[:2])
        yield from ((contains, (value,)) for value in values)
        yield from ((lambda found, value: any_of(found, lambda item: item == value), (value,)) for value in values[:2])
        yield from ((lambda found, value: found[0] == value, (value,)) for value in values[:2])
        yield from ((contains_all, (options,)) for options in ([], values[:1], values[:2]))
        yield from (
            (lambda found, many, how=how: how(size(found), many), (many,)) for how in _SIZES for many in (0, 1, 2)
        )
    else:
        yield from ((compare, (value,)) for value in values for compare in _COMPARISONS)
        yield from ((lambda found, value: operator.ne(some(found), value), (value,)) for value in values[:2])
        yield from ((one_of, (options,)) for options in ([], values[:1], values[:2], values[1:3], [*values[-1:]]))
        yield from ((not_one_of, (options,)) for options in (values[:1], values[:2]))
        yield from ((between, (low, high)) for low, high in pairwise(values[:3]))
    if place.type.optional:
        yield is_none, ()
        yield exists, ()
    if place.type.kind in {Kind.STR, Kind.FREE}:
        for part in dict.fromkeys(part for value in values if isinstance(value, str) for part in _parts(value)):
            yield lambda found, part: found.startswith(part), (part,)
            yield lambda found, part: found.endswith(part), (part,)
            yield icontains, (part,)
            yield matches, (f"^{re.escape(part)}[a-z0-9]*$",)


def _about_items(cls: type[Any], items: Sequence[Any]) -> Iterator[tuple[Callable[..., Any], tuple[Any, ...]]]:
    """Whether one item has a value in a field, and whether one item has both values in two fields."""
    names = list(schema_of(cls).fields)
    for item in items:
        yield from ((_an_item_has, ({name: getattr(item, name)},)) for name in names)
    for one, other in product(items, repeat=2):
        yield from ((_an_item_has, ({a: getattr(one, a), b: getattr(other, b)},)) for a, b in pairwise(names))


def _an_item_has(found: Any, wanted: Mapping[str, Any]) -> Any:
    return any_of(found, lambda item: reduce(operator.and_, (getattr(item, a) == b for a, b in wanted.items())))


def _parts(text: str) -> Iterator[str]:
    """The beginning and the end of a text, in the letter case that it has and in the other one."""
    for part in (text[:1], text[-2:]):
        yield from (part, part.swapcase())


def _rule(cls: type[Any], place: Place, question: Callable[..., Any], arguments: tuple[Any, ...]) -> Rule | None:
    """The rule, or None if the field refuses the question or the value."""
    try:
        return where(cls, lambda entity: question(place.of(entity), *arguments))
    except InvalidQuery:
        return None


def has_order(cls: type[Any], name: str) -> bool:
    """Tell whether entities can be sorted by a field."""
    try:
        sort_keys(cls, name)
    except InvalidQuery:
        return False
    return True


def named_queries(repository: type[Repository[Any, Any]]) -> Iterator[tuple[str, Callable[..., Any]]]:
    """Yield the public methods that a repository adds to those of the framework."""
    for name, function in inspect.getmembers(repository, inspect.isfunction):
        if not (name.startswith("_") or hasattr(Repository, name) or hasattr(ReadRepository, name)):
            yield name, function


def arguments_of(
    query: Callable[..., Any], entity: type[Any], candidates: Candidates
) -> tuple[dict[str, list[Any]], dict[str, list[Any]]]:
    """Return values for the parameters of a named query that have no default, and for the others.

    A parameter with the name and type of a field takes the values of that field.

    Raises:
        ConfigurationError: if a parameter without a default has a type for which no value is known.
    """
    required: dict[str, list[Any]] = {}
    optional: dict[str, list[Any]] = {}
    hints = get_type_hints(query)
    for parameter in list(signature(query).parameters.values())[1:]:
        if parameter.kind in {Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD}:
            continue
        is_required = parameter.default is Parameter.empty
        try:
            found = _values_of(parameter.name, hints.get(parameter.name, object), entity, candidates)
        except ConfigurationError:
            if is_required:
                raise
        else:
            (required if is_required else optional)[parameter.name] = found
    return required, optional


def _values_of(name: str, hint: Any, entity: type[Any], candidates: Candidates) -> list[Any]:
    declared = schema_of(attrs.make_class("Parameters", {name: attrs.field(type=hint)})).fields[name].type
    field = schema_of(entity).fields.get(name)
    if field is not None and field.type.kind is declared.kind:
        return [value for value in candidates.of_field(entity, field) if value is not None or declared.optional]
    if declared.kind is Kind.INT:
        return list(_SHORT_COUNTS)  # how many, how much, which page
    return candidates.of_type(declared, f"the parameter {name}")
