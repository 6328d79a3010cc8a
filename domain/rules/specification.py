"""Specifications: rules over an entity, written once as a lambda and evaluated anywhere.

The lambda is called once with a stand-in for the entity that records what is asked of it. The record is
a `Predicate`; a backend translates it, and `Specification.is_satisfied_by` evaluates it on an object.
"""

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, Generic, NoReturn, ParamSpec, TypeVar, cast, get_type_hints, overload

from attrs import frozen

from ..entities.entity import Entity
from ..entities.schema import schema_of
from ..errors import InvalidQuery
from .capture import EntityStandIn, answer_of
from .conditions import both, condition_of, either
from .evaluation import holds
from .misuse import misuse
from .predicates import EVERYTHING, Not, Predicate

E = TypeVar("E", bound=Entity[Any])
P = ParamSpec("P")


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
    return Specification(entity, answer_of(rule, EntityStandIn(schema_of(entity)), entity.__name__))


def specification(rule: Callable[Concatenate[E, P], bool]) -> Callable[P, Specification[E]]:
    """Name a rule with parameters: the function without its first one, the entity, gives the specification.

    ```python
    @specification
    def richer_than(user: User, least: int) -> bool:
        return user.credits >= least

    core.users.find(richer_than(100) & active)
    ```

    Raises:
        InvalidQuery: when it is called, if the first parameter is not annotated with a class of entities, or the rule
            cannot be captured.
    """

    @wraps(rule)
    def named(*arguments: P.args, **options: P.kwargs) -> Specification[E]:
        return where(_entity_of(rule), lambda entity: rule(entity, *arguments, **options))

    return named


def _entity_of(rule: Callable[Concatenate[E, P], bool]) -> type[E]:
    name = getattr(rule, "__name__", "a specification")
    try:
        hints = get_type_hints(rule)
    except NameError as error:
        raise InvalidQuery(f"an annotation of {name} cannot be resolved: {error}") from error
    first = next(iter(inspect.signature(rule).parameters), "")
    entity = hints.get(first)
    if not isinstance(entity, type) or not issubclass(entity, Entity):
        raise InvalidQuery(f"{name} is a specification: annotate its first parameter with the class of the entity")
    return cast("type[E]", entity)


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
    return condition_of(rule).opposite()
