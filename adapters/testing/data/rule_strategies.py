"""Random rules: every word of the rule language, each on the fields that it can ask about.

A new word is one more line in `WORDS`.
"""

import operator
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from attrs import frozen

from .optional_libraries import Needs

with Needs("Hypothesis", "testing"):
    from hypothesis import strategies as st

from ....domain.entities.entity import Entity
from ....domain.entities.scalars import Kind
from ....domain.entities.schema import FieldType, schema_of
from ....domain.errors import ConfigurationError, InvalidQuery
from ....domain.rules.operands import comparable
from ....domain.rules.specification import Specification, not_, where
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
from ...documents.collections.field_bounds import Bounds
from .entity_strategies import COMMON_KEYS, Deriver, Strategy
from .value_bounds import bounds_of, check_names

E = TypeVar("E", bound=Entity[Any])

Question = Callable[[Any], Any]
"""Takes what stands for a field in a rule, and gives a condition."""

Way = Callable[[Any, Question], Any]
"""Leads a question from what stands for the entity to a place in it."""


@frozen(kw_only=True)
class Target:
    """A place in an entity that a rule can ask about.

    Attributes:
        ask: leads a question there.
        type: the type of what is there.
        values: values to compare it with; of a list, with its items.
    """

    ask: Way
    type: FieldType
    values: Strategy

    @property
    def comparable(self) -> Strategy:
        """Those of the values that the place can be compared with."""
        return self._fitting(self.type)

    @property
    def items(self) -> Strategy:
        """Those of the values that an item of a list can be compared with."""
        return self._fitting(self.type.item or self.type)

    @property
    def parts(self) -> Strategy:
        """Text that begins or ends one of the values, or another text."""
        return st.builds(_part, self.values, st.integers(0, 3), st.integers(1, LONGEST_RANDOM_PART), _other_parts)

    def _fitting(self, declared: FieldType) -> Strategy:
        """Those that fit a type: the caller's own may not."""
        return self.values.filter(lambda value: _is_comparable(declared, value))


LONGEST_RANDOM_PART = 3

_other_parts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=LONGEST_RANDOM_PART)


def _part(value: object, start: int, size: int, other: str) -> str:
    """A piece of a value; where there is none, the other one: drawing again would be filtering."""
    text = value.replace("\0", "") if isinstance(value, str) else ""
    return text[start : start + size] or text[:size] or other


def _items_of(values: Strategy) -> Strategy:
    """The items of the caller's own lists, those of a set in an order that does not change from run to run."""
    return values.filter(bool).map(_in_one_order).flatmap(st.sampled_from)


def _in_one_order(items: Any) -> list[Any]:
    return sorted(items, key=repr) if isinstance(items, set | frozenset) else list(items)


@frozen
class Word:
    """A word of the rule language.

    Attributes:
        asks: tells whether it can be asked about a type.
        questions: makes random questions about a place.
    """

    asks: Callable[[FieldType], bool]
    questions: Callable[[Target], Strategy]


def said(word: Callable[..., Any], *arguments: Strategy) -> Strategy:
    """Questions that give a word the place, and an argument of each strategy."""
    return st.tuples(*arguments).map(lambda drawn: lambda place: word(place, *drawn))


def _is_scalar(declared: FieldType) -> bool:
    return declared.scalar is not None or declared.kind in {Kind.ENUM, Kind.FREE}


def _is_text(declared: FieldType) -> bool:
    return declared.kind in {Kind.STR, Kind.FREE}


def _is_list(declared: FieldType) -> bool:
    return declared.kind is Kind.SEQUENCE and (declared.item is None or _is_scalar(declared.item))


def _is_sized(declared: FieldType) -> bool:
    return declared.kind is Kind.SEQUENCE


def _is_list_of_scalars(declared: FieldType) -> bool:
    return _is_list(declared) and declared.python in {list, tuple} and declared.item is not None


def _is_bool(declared: FieldType) -> bool:
    return declared.kind is Kind.BOOL


def _is_optional(declared: FieldType) -> bool:
    return declared.optional


def _compared(how: Callable[[Any, Any], Any]) -> Word:
    return Word(_is_scalar, lambda target: said(how, target.comparable))


def _some_compared(how: Callable[[Any, Any], Any]) -> Word:
    asks = lambda declared: _is_optional(declared) and _is_scalar(declared)  # noqa: E731 - beside its twin above
    return Word(asks, lambda target: said(lambda place, value: how(some(place), value), target.comparable))


_COMPARISONS = (operator.eq, operator.ne, operator.lt, operator.le, operator.gt, operator.ge)


def _between(place: Any, low: Any, high: Any) -> Any:
    return between(place, low, high)


def _any_equal(place: Any, value: Any) -> Any:
    return any_of(place, lambda item: item == value)


def _sized(place: Any, how: Callable[[Any, Any], Any], number: int) -> Any:
    return how(size(place), number)


def _at_position(place: Any, position: int, value: Any) -> Any:
    return place[position] == value


def _matching(place: Any, part: str) -> Any:
    """A pattern with each kind of word: an anchor, plain text, a class, a repetition."""
    return matches(place, f"^.?{re.escape(part)}[a-z0-9]*")


WORDS: tuple[Word, ...] = (
    *map(_compared, _COMPARISONS),
    *map(_some_compared, (operator.ne, operator.ge)),
    Word(_is_scalar, lambda target: said(_between, target.comparable, target.comparable)),
    Word(_is_bool, lambda target: said(lambda place: place)),
    Word(_is_optional, lambda target: said(is_none)),
    Word(_is_scalar, lambda target: said(one_of, st.lists(target.comparable, max_size=3))),
    Word(_is_scalar, lambda target: said(not_one_of, st.lists(target.comparable, max_size=3))),
    Word(_is_optional, lambda target: said(exists)),
    Word(_is_list, lambda target: said(contains, target.items)),
    Word(_is_list, lambda target: said(contains_all, st.lists(target.items, max_size=2))),
    Word(_is_list, lambda target: said(_any_equal, target.items)),
    Word(_is_sized, lambda target: said(_sized, st.sampled_from(_COMPARISONS), st.integers(0, 3))),
    Word(_is_list_of_scalars, lambda target: said(_at_position, st.integers(0, 2), target.items)),
    Word(_is_text, lambda target: said(lambda place, part: place.startswith(part), target.parts)),
    Word(_is_text, lambda target: said(lambda place, part: place.endswith(part), target.parts)),
    Word(_is_text, lambda target: said(icontains, target.parts)),
    Word(_is_text, lambda target: said(_matching, target.parts)),
)
"""The words; each stands for itself, and combinations with ``&``, ``|`` and `not_` are made of them."""


def rules(cls: type[E], given: Mapping[str, Any], max_leaves: int) -> st.SearchStrategy[Specification[E]]:
    """Rules over an entity class.

    Raises:
        ConfigurationError: if it is none, or does not have a field that is given.
    """
    if not (isinstance(cls, type) and issubclass(cls, Entity)):
        raise ConfigurationError(f"specifications() takes an entity class, not {cls!r}")
    check_names(cls, given)
    leaves = st.one_of([_leaves(cls, target) for target in targets(cls, given)])
    combined = st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.builds(operator.and_, inner, inner), st.builds(operator.or_, inner, inner), st.builds(not_, inner)
        ),
        max_leaves=max_leaves,
    )
    return _plainly(combined)


@st.composite
def _plainly(draw: st.DrawFn, strategy: st.SearchStrategy[Specification[E]]) -> Specification[E]:
    """The same rules; a failing example shows what they say instead of how they were put together."""
    rule = draw(strategy)
    return Specification(rule.entity, rule.predicate)


def _leaves(cls: type[E], target: Target) -> st.SearchStrategy[Specification[E]]:
    questions = st.one_of([word.questions(target) for word in WORDS if word.asks(target.type)])
    return questions.map(lambda question: where(cls, lambda entity: target.ask(entity, question)))


def targets(cls: type[Any], given: Mapping[str, Any]) -> list[Target]:
    """The places that rules over a class can ask about: its fields, keys of dictionaries, fields of what is nested."""
    found = _targets(cls, given, lambda entity, question: question(entity), (cls,))
    return [target for target in found if _has_words(target)]


def _targets(cls: type[Any], given: Mapping[str, Any], way: Way, above: tuple[type[Any], ...]) -> Iterator[Target]:
    deriver = Deriver()
    for name, field in schema_of(cls).fields.items():
        here = _further(way, operator.attrgetter(name))
        if name in given:
            values = given[name] if isinstance(given[name], st.SearchStrategy) else st.just(given[name])
            values = _items_of(values) if field.type.kind is Kind.SEQUENCE else values
        else:
            try:
                values = deriver.compared(field.type, bounds_of(field))
            except ConfigurationError:
                continue  # a type of the user's own: no value of it is known
        yield Target(ask=here, type=field.type, values=values)
        item = field.type.item
        if field.type.kind is Kind.DICT and item is not None:
            yield from _at_keys(here, item, deriver)
        for nested, inside in _nested(field.type, here):
            if nested not in above:
                yield from _targets(nested, {}, inside, (*above, nested))


def _nested(declared: FieldType, way: Way) -> Iterator[tuple[type[Any], Way]]:
    """The class of nested values, and the way into one of them, of a list into any."""
    if declared.kind is Kind.NESTED:
        yield declared.python, _further(way, some) if declared.optional else way
    elif declared.kind is Kind.SEQUENCE and declared.item is not None and declared.item.kind is Kind.NESTED:
        yield declared.item.python, lambda entity, question: way(entity, lambda place: any_of(place, question))


def _at_keys(way: Way, item: FieldType, deriver: Deriver) -> Iterator[Target]:
    """Places of a dictionary: rules and entities seldom draw the same key unless there are few."""
    for key in COMMON_KEYS:
        yield Target(ask=_further(way, operator.itemgetter(key)), type=item, values=deriver.compared(item, Bounds()))


def _further(way: Way, step: Callable[[Any], Any]) -> Way:
    return lambda entity, question: way(entity, lambda place: question(step(place)))


def _has_words(target: Target) -> bool:
    return any(word.asks(target.type) for word in WORDS)


def _is_comparable(declared: FieldType, value: object) -> bool:
    if value is None:
        return False
    try:
        comparable(declared, value, ("value",))
    except InvalidQuery:
        return False
    return True
