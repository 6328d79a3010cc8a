"""Specifications: rules over an entity, written once as a lambda and evaluated anywhere.

The lambda is called once with a stand-in for the entity that records what is asked of it. The record is
a `Predicate`; a backend translates it, and `Specification.is_satisfied_by` evaluates it on an object.
"""

from collections.abc import Callable
from typing import Any, Generic, NoReturn, TypeVar, cast, overload

from attrs import frozen

from .capture import Condition, EntityStandIn, FieldStandIn, both, either, predicate_of
from .entity import Entity
from .errors import InvalidQuery
from .misuse import misuse
from .predicates import EVERYTHING, Not, Predicate, holds
from .schema import Kind, schema_of

E = TypeVar("E", bound=Entity[Any])


@frozen
class Specification(Generic[E]):
    """A rule over entities of one class; combine with ``&``, ``|`` and `not_`."""

    entity: type[E]
    predicate: Predicate

    def __and__(self, other: "Specification[E]") -> "Specification[E]":
        """Both hold."""
        return Specification(self.entity, both(self.predicate, self._same(other)))

    def __or__(self, other: "Specification[E]") -> "Specification[E]":
        """One of them holds, or both."""
        return Specification(self.entity, either(self.predicate, self._same(other)))

    def __bool__(self) -> NoReturn:
        """Refuse: a specification is neither true nor false without an entity."""
        raise misuse()

    def is_satisfied_by(self, entity: E) -> bool:
        """Tell whether the entity obeys the rule, exactly as a store would."""
        return holds(self.predicate, entity)

    def _same(self, other: "Specification[E]") -> Predicate:
        if not isinstance(other, Specification):
            raise InvalidQuery(f"combine a specification with another one, not with {type(other).__name__}")
        if not (issubclass(self.entity, other.entity) or issubclass(other.entity, self.entity)):
            raise InvalidQuery(f"a rule over {other.entity.__name__} says nothing of {self.entity.__name__}")
        return other.predicate


Where = Specification[E] | Callable[[E], bool] | None
"""What a repository accepts as a rule: a specification, a lambda over the entity, or None for every entity."""


def where(entity: type[E], rule: Callable[[E], bool] | None = None) -> Specification[E]:
    """Capture a rule over an entity, to name it, combine it, or try it on an object.

    Raises:
        InvalidQuery: if the rule cannot be captured; the message names what to write instead.
    """
    if rule is None:
        return Specification(entity, EVERYTHING)
    asked = _ask(rule, cast("E", EntityStandIn(schema_of(entity))))
    if isinstance(asked, Condition):
        return Specification(entity, asked.predicate)
    if isinstance(asked, FieldStandIn) and asked.type.kind is Kind.BOOL:
        return Specification(entity, asked.condition().predicate)
    raise InvalidQuery(
        f"the rule over {entity.__name__} gave {type(asked).__name__} instead of a condition: compare a "
        "field of the entity, with is_none(), one_of(), contains() where Python's own words cannot be captured"
    )


def _ask(rule: Callable[[E], bool], stand_in: E) -> object:
    try:
        return rule(stand_in)
    except TypeError as error:
        if error.__traceback__ is None or error.__traceback__.tb_next is not None:
            raise  # not by the call itself, but by what the rule does
        raise InvalidQuery("a rule takes one parameter, the entity") from error


def specification_of(entity: type[E], rule: Where[E]) -> Specification[E]:
    """Turn what a repository accepts into a specification.

    Raises:
        InvalidQuery: if it is none, or one over another class.
    """
    if isinstance(rule, Specification):
        if not issubclass(entity, rule.entity):
            raise InvalidQuery(f"a rule over {rule.entity.__name__} says nothing of {entity.__name__}")
        return rule
    if isinstance(rule, type):
        raise InvalidQuery(f"a rule is a lambda or a Specification, not the class {rule.__name__}")
    if rule is not None and not callable(rule):
        raise InvalidQuery(f"a rule is a lambda or a Specification, not {type(rule).__name__}")
    return where(entity, rule)


@overload
def not_(rule: Specification[E]) -> Specification[E]: ...
@overload
def not_(rule: bool) -> bool: ...
def not_(rule: Any) -> Any:
    """The opposite of a condition inside a rule, or of a whole specification."""
    if isinstance(rule, Specification):
        return Specification(rule.entity, Not(rule.predicate))
    return Condition(Not(predicate_of(rule)))
