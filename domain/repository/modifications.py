"""What is to change in every entity that obeys a rule, without loading them: checked against their class at once."""

from collections.abc import Mapping
from typing import Any, NoReturn

import attrs
from attrs import frozen
from attrs.exceptions import FrozenError

from ..entities.entity import MANAGED, Entity
from ..entities.scalars import Kind
from ..entities.schema import FieldSchema, schema_of
from ..errors import InvalidQuery, Problem, ValidationError
from ..rules.conditions import both
from ..rules.predicates import EVERYTHING, All, IsNone, Not, Path, Predicate, dotted
from .increments import Number, allows, increment_of

_REFUSALS = (ValueError, TypeError, ArithmeticError)
"""What converters and validators raise for a wrong value."""


@frozen
class Modification:
    """New values and increments by the paths of their attributes.

    Attributes:
        set: the new values; None takes the field away.
        increments: what is added to numbers.
        guard: what an entity must obey besides the rule, so that none is pushed out of the bounds of a number, and no
            part is set of a nested value that is not there.
    """

    set: Mapping[Path, Any]
    increments: Mapping[Path, Number]
    guard: Predicate


def modification_of(entity: type[Any], values: Mapping[str, object], increments: Mapping[str, object]) -> Modification:
    """Read what is to change, by attribute names, and check it against the entity.

    Args:
        entity: the class of the entities.
        values: the new values; they go through the converters and validators of their fields.
        increments: what is to be added to numbers.

    Raises:
        InvalidQuery: for a name that the entity does not have or that only tristore sets, a part that cannot be changed
            by itself, an increment that cannot be made, and if nothing is to change.
        ValidationError: if a new value breaks the rules of its field.
    """
    for words, given in (("set", values), ("increment", increments)):
        if not isinstance(given, Mapping):
            raise InvalidQuery(f"{words} takes a dictionary by attribute names, not {type(given).__name__}")
    if not values and not increments:
        raise InvalidQuery("nothing is to change: give set={...}, increment={...}, or both")
    fields = {path_of(name): _field_of(entity, path_of(name)) for name in (*values, *increments)}
    _refuse_overlaps(entity, [path_of(name) for name in (*values, *increments)])
    added = {path_of(name): increment_of(fields[path_of(name)], path_of(name), by) for name, by in increments.items()}
    guard: Predicate = EVERYTHING
    for path in fields:
        guard = both(guard, All(tuple(Not(IsNone(path[:depth])) for depth in range(1, len(path)))))
    for path, by in added.items():
        guard = both(guard, allows(fields[path], path, by))
    return Modification(_checked(entity, values, fields), added, guard)


def path_of(name: object) -> Path:
    """Return the path of a dotted attribute name.

    Raises:
        InvalidQuery: if it is no name.
    """
    if not isinstance(name, str):
        raise InvalidQuery(f"what is to change stands under names of attributes, not {type(name).__name__}")
    return tuple(name.split("."))


def _field_of(entity: type[Any], path: Path) -> FieldSchema:
    """Return the field at the end of a path that leads through nested values only."""
    schema = schema_of(entity)
    if path[0] in MANAGED and issubclass(entity, Entity):
        raise InvalidQuery(f"{path[0]} of {entity.__name__} is set by tristore alone")
    for name in path[:-1]:
        declared = schema.field_of(name).type
        if declared.kind is not Kind.NESTED:
            raise InvalidQuery(
                f"{dotted(path)} cannot be changed by itself: {name} is {declared}, so set the whole of it"
            )
        if _is_whole(declared.python):
            raise InvalidQuery(
                f"{dotted(path)} cannot be changed by itself: a {declared.python.__name__} is checked as a whole when "
                "it is made, so set the whole of it"
            )
        schema = schema_of(declared.python)
    return schema.field_of(path[-1])


def _is_whole(cls: type[Any]) -> bool:
    """Whether no part of an object can be assigned, or its parts are checked together."""
    frozen = getattr(cls.__setattr__, "__name__", "") == "_frozen_setattrs"
    return frozen or hasattr(cls, "__attrs_post_init__")


def _refuse_overlaps(entity: type[Any], paths: list[Path]) -> None:
    for number, path in enumerate(paths):
        for other in paths[:number]:
            if path[: len(other)] == other or other[: len(path)] == path:
                both = "both set and incremented" if path == other else f"changed together with {dotted(other)} in it"
                if path != other and path[: len(other)] == other:
                    both = f"changed together with {dotted(other)}, of which it is a part"
                raise InvalidQuery(f"{dotted(path)} of {entity.__name__} cannot be {both}: name it once")


def _checked(entity: type[Any], values: Mapping[str, object], fields: Mapping[Path, FieldSchema]) -> dict[Path, Any]:
    found: dict[Path, Any] = {}
    problems: list[Problem] = []
    for name, value in values.items():
        path = path_of(name)
        try:
            found[path] = _assigned(fields[path], path, value)
        except FrozenError:
            raise InvalidQuery(f"{name} of {entity.__name__} is frozen: it never changes") from None
        except _REFUSALS as error:
            problems.append(_problem(fields[path], name, error))
        if path in found and found[path] is None and not fields[path].type.optional:
            problems.append(Problem(name, "cannot be None"))
    if problems:  # out here it has no context: what a validator says of a value quotes it
        raise ValidationError(problems, entity=entity.__name__)
    return found


def _assigned(field: FieldSchema, path: Path, value: Any) -> Any:
    """Return what a field would hold after the assignment of a value."""
    attribute: Any = field.attribute
    nobody = _NotLoaded(dotted(path))
    if attribute.on_setattr not in {None, attrs.setters.NO_OP}:
        return attribute.on_setattr(nobody, attribute, value)
    return attrs.setters.validate(nobody, attribute, attrs.setters.convert(nobody, attribute, value))


def _problem(field: FieldSchema, name: str, error: Exception) -> Problem:
    if field.secret:
        return Problem(name, "is not valid")
    if isinstance(error, ValidationError) and error.problems:
        return Problem(name, error.problems[0].message)
    # the validators of attrs put the attribute and the value behind their words
    return Problem(name, str(error.args[0] if error.args else error))


class _NotLoaded:
    """Stands where a converter or validator gets the entity, which nobody has loaded."""

    __slots__ = ("_name",)

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> NoReturn:
        raise InvalidQuery(
            f"the rules of {self._name} look at {attribute!r} of the entity, which is not loaded: "
            "load, change and save it instead"
        )
