"""Entities and data from outside: JSON-ready dictionaries out, checked entities in."""

from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from copy import copy
from enum import Enum
from types import SimpleNamespace
from typing import Any, TypeVar

import attrs
from attrs.exceptions import FrozenError

from ...domain.entities.entity import MANAGED, Entity
from ...domain.entities.scalars import Kind, scalar_of
from ...domain.entities.schema import FieldSchema, FieldType, Schema, schema_of
from ...domain.entities.secrets import HIDDEN, without_secrets
from ...domain.errors import ConfigurationError, Problem, ValidationError
from ..backend.bson import check_key
from .json_values import structured

T = TypeVar("T")

_NOT_A_FIELD = frozenset({"recorded_events"})
_REFUSALS = (ValueError, TypeError, ArithmeticError)
"""What converters and validators raise for a wrong value: those of attrs, too."""


def from_dict(cls: type[T], data: Mapping[str, Any], *, allow: Collection[str] | None = None) -> T:
    """Build an entity, or a nested value, from outside data such as a JSON body.

    Dates are ISO 8601 with a zone, enums their values, Decimals and UUIDs text, bytes base64.

    Args:
        cls: an attrs class.
        data: by attribute names.
        allow: the attributes that may be given, for data of people who may not set all of them. Without it every
            attribute may, id, version and secrets included.

    Raises:
        ValidationError: with every field that is missing, unknown or wrong, all at once.
        ConfigurationError: if what is allowed is not a field, or one that nobody outside may set (see `update_from`).
    """
    schema = schema_of(cls)
    accepted = schema.fields.keys() if allow is None else _accepted(schema, allow)
    problems = _not_accepted(data, accepted, "is not a field" if allow is None else "may not be given")
    values: dict[str, Any] = {}
    checked = SimpleNamespace()
    for field in schema.fields.values():
        if field.name not in data or field.name not in accepted:
            if field.attribute.default is attrs.NOTHING:
                problems.append(Problem(field.name, "is missing"))
            continue
        try:
            values[field.attribute.alias or field.name] = _checked(field, data[field.name], checked)
        except _REFUSALS as error:
            problems.extend(_problems_of(field, error))
    if problems:
        raise ValidationError(problems, entity=cls.__name__)
    try:
        return _made(cls(**values))
    except _REFUSALS as error:
        problems, cause = _problems("", error), error
    secrets = [data[field.name] for field in schema.fields.values() if field.secret and field.name in data]
    if secrets:  # which the cause may quote too
        raise ValidationError(without_secrets(problems, secrets), entity=cls.__name__)
    raise ValidationError(problems, entity=cls.__name__) from cause


def _made(subject: T) -> T:
    """What was made of outside data; one that is stored already was told of when it was made first."""
    if isinstance(subject, Entity) and subject.version:
        subject.forget_events()
    return subject


def update_from(entity: Any, data: Mapping[str, Any], *, allow: Collection[str]) -> None:
    """Take over outside data such as a JSON body into an entity: all that is given, or nothing if anything is wrong.

    Values are read as `from_dict` reads them; converters and validators run as they do when a field is assigned.

    Args:
        entity: the entity, or another attrs object.
        data: by attribute names; what is left out stays as it is.
        allow: the attributes that may be given. There is no default: whoever calls decides what a form may change.

    Raises:
        ValidationError: with every field that is not allowed or wrong, all at once.
        ConfigurationError: if what is allowed is not a field, cannot be changed, or is one that nobody outside may
            set: ``id``, ``version``, ``created_at``, ``updated_at``, a secret, or a value that has a secret in it.
    """
    schema = schema_of(type(entity))
    accepted = _accepted(schema, allow)
    problems = _not_accepted(data, accepted, "may not be given")
    values: dict[str, Any] = {}
    for field in schema.fields.values():
        if field.name in data and field.name in accepted:
            try:
                values[field.name] = _structure_field(field, data[field.name])
            except _REFUSALS as error:
                problems.extend(_problems_of(field, error))
    changed = copy(entity)
    refused = _assign(changed, values)
    refused = refused or ({} if problems else _broken_rules(schema, changed))
    for name, refusal in refused.items():
        problems.extend(_problems_of(schema.fields[name], refusal))
    if problems:
        raise ValidationError(problems, entity=schema.cls.__name__)
    for attribute in attrs.fields(schema.cls):
        value = getattr(changed, attribute.name)
        if value is not getattr(entity, attribute.name):
            object.__setattr__(entity, attribute.name, value)  # checked on the copy, which is thrown away


def _accepted(schema: Schema, allow: Collection[str]) -> frozenset[str]:
    """Read an allow-list.

    Raises:
        ConfigurationError: if it names what cannot be allowed.
    """
    if isinstance(allow, str) or not all(isinstance(name, str) for name in allow):
        raise ConfigurationError("allow takes a set of attribute names, such as {'first_name', 'last_name'}")
    managed = MANAGED if issubclass(schema.cls, Entity) else frozenset()
    for name in sorted(allow):
        what = f"{schema.cls.__name__}.{name} cannot be allowed"
        if name not in schema.fields:
            raise ConfigurationError(f"{what}: it is not a field")
        if name in managed:
            raise ConfigurationError(f"{what}: only tristore sets it")
        if _has_secret(schema.fields[name], frozenset()):
            raise ConfigurationError(f"{what}: it is or holds a secret, which is set by a method of its own")
    return frozenset(allow)


def _has_secret(field: FieldSchema, seen: frozenset[type[Any]]) -> bool:
    """Tell whether a field is a secret, or a value of it has one somewhere."""
    declared: FieldType | None = field.type
    while declared is not None and declared.item is not None:
        declared = declared.item
    if field.secret or declared is None or declared.kind is not Kind.NESTED or declared.python in seen:
        return field.secret
    inner = schema_of(declared.python).fields.values()
    return any(_has_secret(part, seen | {declared.python}) for part in inner)


def _not_accepted(data: Any, accepted: Collection[str], why: str) -> list[Problem]:
    """What is given under names that are not accepted.

    Raises:
        ValidationError: if the data is not an object at all.
    """
    if not isinstance(data, Mapping):
        raise ValidationError.of("", f"must be an object with fields, not {type(data).__name__}")
    return [Problem(str(name), why) for name in data if name not in accepted]


def _assign(subject: Any, values: Mapping[str, Any]) -> dict[str, Exception]:
    """Assign; return what was refused. A value that is accepted only beside another new one has its turn after it."""
    left = values
    while True:
        refused: dict[str, Exception] = {}
        for name, value in left.items():
            try:
                setattr(subject, name, value)
            except FrozenError:
                raise ConfigurationError(f"{type(subject).__name__}.{name} cannot be allowed: it is frozen") from None
            except _REFUSALS as error:
                refused[name] = error
        if not refused or len(refused) == len(left):
            return refused
        left = {name: values[name] for name in refused}


def _broken_rules(schema: Schema, subject: Any) -> dict[str, Exception]:
    """The fields whose validators refuse their value, though nobody assigned it: they may look at others."""
    broken: dict[str, Exception] = {}
    for field in schema.fields.values():
        if field.attribute.validator is not None:
            try:
                field.attribute.validator(subject, field.attribute, getattr(subject, field.name))
            except _REFUSALS as error:
                broken[field.name] = error
    return broken


def to_dict(subject: Any) -> dict[str, Any]:
    """Turn an entity, or a nested value, into JSON-ready data: its fields and properties, never its secrets."""
    schema = schema_of(type(subject))
    names = [field.name for field in schema.fields.values() if not field.secret]
    names += [
        name
        for cls in reversed(type(subject).__mro__)
        for name, member in vars(cls).items()
        if isinstance(member, property) and not name.startswith("_") and name not in _NOT_A_FIELD
    ]
    return {name: _plain(getattr(subject, name)) for name in dict.fromkeys(names)}


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    scalar = scalar_of(value)
    if scalar is not None:
        return scalar.write(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    if attrs.has(type(value)):
        return to_dict(value)
    return value if value is None else str(value)


def _checked(field: FieldSchema, given: Any, checked: SimpleNamespace) -> Any:
    """Structure one value, and try the field's own converter and validator on it, as the constructor will.

    Args:
        field: the field.
        given: what came from outside.
        checked: the fields before it, for validators that look at them; this one is added.
    """
    value = converted = _structure_field(field, given)
    if given is None:
        return None
    attribute = field.attribute
    if attribute.converter is not None and not isinstance(attribute.converter, attrs.Converter):
        converted = attribute.converter(value)
    if attribute.validator is not None:
        # a validator that looks at a field which is wrong or left out has its say in the constructor
        with suppress(AttributeError):
            attribute.validator(checked, attribute, converted)
    setattr(checked, field.name, converted)
    return value


def _structure_field(field: FieldSchema, given: Any) -> Any:
    if given is None:
        if field.type.optional:
            return None
        raise ValueError("must not be None")
    return _structure(field.type, given)


def _structure(declared: FieldType, given: Any) -> Any:
    match declared.kind:
        case Kind.NESTED:
            return from_dict(declared.python, given)
        case Kind.SEQUENCE:
            if not isinstance(given, list | tuple):
                raise ValueError(f"must be a list, not {type(given).__name__}")
            return declared.python(_items(declared, enumerate(given)).values())
        case Kind.DICT:
            if not isinstance(given, Mapping) or not all(isinstance(key, str) for key in given):
                raise ValueError(f"must be an object whose keys are text, not {type(given).__name__}")
            return _items(declared, given.items())
        case _:
            return structured(declared, given)


def _items(declared: FieldType, given: Iterable[tuple[Any, Any]]) -> dict[Any, Any]:
    """Structure the items of a list or an object, by position or key; report all that are wrong."""
    assert declared.item is not None  # noqa: S101 - what has items has a type for them
    problems: list[Problem] = []
    items: dict[Any, Any] = {}
    for key, item in given:
        try:
            if isinstance(key, str):
                check_key(key)
            items[key] = None if item is None and declared.item.optional else _structure(declared.item, item)
        except _REFUSALS as error:
            problems.extend(_problems(str(key), error))
    if problems:
        raise ValidationError(problems)
    return items


def _problems_of(field: FieldSchema, error: Exception) -> list[Problem]:
    """What is wrong with one field: never more than that with a secret, never a part of what has no parts."""
    if field.secret:
        return [Problem(field.name, HIDDEN)]
    found = _problems(field.name, error)
    has_parts = field.type.item is not None or field.type.kind is Kind.NESTED
    return found if has_parts else [Problem(field.name, problem.message) for problem in found]


def _problems(name: str, error: Exception) -> list[Problem]:
    if isinstance(error, ValidationError):
        return [
            Problem(inner.field if inner.field == name else ".".join(filter(None, (name, inner.field))), inner.message)
            for inner in error.problems
        ]
    # the validators of attrs put the attribute and the value behind their words
    return [Problem(name, str(error.args[0] if error.args else error))]
