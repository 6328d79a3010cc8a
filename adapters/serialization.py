"""Entities and data from outside: JSON-ready dictionaries out, checked entities in."""

import base64
import binascii
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from decimal import Decimal, InvalidOperation
from enum import Enum
from types import SimpleNamespace
from typing import Any, TypeVar
from uuid import UUID

import attrs
from cattrs import Converter
from cattrs.errors import BaseValidationError, StructureHandlerNotFoundError

from ..domain.errors import Problem, ValidationError
from ..domain.fields import to_instant
from ..domain.ids import Id, parse_id
from ..domain.schema import FieldSchema, FieldType, Kind, schema_of

T = TypeVar("T")

_NOT_A_FIELD = frozenset({"recorded_events"})
_NUMBERS = (int, float)
_REFUSALS = (ValueError, TypeError, ArithmeticError)
"""What converters and validators raise for a wrong value: those of attrs, too."""


def from_dict(cls: type[T], data: Mapping[str, Any]) -> T:
    """Build an entity, or a nested value, from outside data such as a JSON body.

    Dates are ISO 8601 with a zone, enums their values, Decimals and UUIDs text, bytes base64.

    Args:
        cls: an attrs class.
        data: by attribute names.

    Raises:
        ValidationError: with every field that is missing, unknown or wrong, all at once.
    """
    if not isinstance(data, Mapping):
        raise ValidationError.of("", f"must be an object with fields, not {type(data).__name__}")
    schema = schema_of(cls)
    problems = [Problem(str(name), "is not a field") for name in data if name not in schema.fields]
    values: dict[str, Any] = {}
    checked = SimpleNamespace()
    for field in schema.fields.values():
        if field.name not in data:
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
        return cls(**values)
    except _REFUSALS as error:
        raise ValidationError(_problems("", error), entity=cls.__name__) from error


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
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Decimal | UUID):
        return str(value)
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    if attrs.has(type(value)):
        return to_dict(value)
    return value if value is None or isinstance(value, str | int | float) else str(value)


def _checked(field: FieldSchema, given: Any, checked: SimpleNamespace) -> Any:
    """Structure one value, and try the field's own converter and validator on it, as the constructor will.

    Args:
        field: the field.
        given: what came from outside.
        checked: the fields before it, for validators that look at them; this one is added.
    """
    if given is None:
        if field.type.optional:
            return None
        raise ValueError("must not be None")
    value = converted = _structure(field.type, given)
    attribute = field.attribute
    if attribute.converter is not None and not isinstance(attribute.converter, attrs.Converter):
        converted = attribute.converter(value)
    if attribute.validator is not None:
        # a validator that looks at a field which is wrong or left out has its say in the constructor
        with suppress(AttributeError):
            attribute.validator(checked, attribute, converted)
    setattr(checked, field.name, converted)
    return value


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
            items[key] = None if item is None and declared.item.optional else _structure(declared.item, item)
        except _REFUSALS as error:
            problems.extend(_problems(str(key), error))
    if problems:
        raise ValidationError(problems)
    return items


def _problems_of(field: FieldSchema, error: Exception) -> list[Problem]:
    """What is wrong with one field: never more than that with a secret, never a part of what has no parts."""
    if field.secret:
        return [Problem(field.name, "is not valid")]
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
