"""Values worth trying: so few that they meet again, so awkward that two stores may differ about them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import attrs
from attrs import frozen

from ....domain.entities.entity import MANAGED
from ....domain.entities.scalars import SCALARS, Kind
from ....domain.entities.schema import FieldSchema, FieldType, schema_of
from ....domain.errors import ConfigurationError, TristoreError
from ....domain.rules.predicates import Path

Values = Mapping[str, Sequence[Any]]
"""Values of fields that cannot be guessed, by class and field: ``{"Invoice.number": ["2026-001", "2026-002"]}``."""

START: datetime = SCALARS[Kind.DATETIME].samples[0]

REFUSALS = (TristoreError, ValueError, TypeError, AttributeError, LookupError, ArithmeticError)
"""What converters and validators raise for a value that they do not take."""

_MOST = 6
_DEEPEST = 3
_KEY, _OTHER_KEY = "x", "y"
_FREE = (1, True, 1.0, 0, "x", 0.5, 2, None, [1, 2], {"deep": "y"}, Decimal("1.5"), START, "")


@frozen
class Place:
    """Something inside an entity that a rule can ask about, with values to compare it with.

    Attributes:
        path: names of fields; the last one may be the key of a dictionary.
        type: what stands there.
        values: the plainest first.
        is_key: whether the last name is a key.
    """

    path: Path
    type: FieldType
    values: Sequence[Any]
    is_key: bool = False

    def of(self, entity: Any) -> Any:
        """Return what stands for it in a rule."""
        *way, last = self.path
        for name in way:
            entity = getattr(entity, name)
        return entity[last] if self.is_key else getattr(entity, last)


class Candidates:
    """The values that are tried for each field: those that are given, else those of the pools that pass.

    Args:
        given: values that go before the pools.
    """

    def __init__(self, given: Values | None = None) -> None:
        self._given = dict(given or {})
        self._places: dict[type[Any], list[Place]] = {}

    def of_field(self, cls: type[Any], field: FieldSchema, depth: int = 0) -> list[Any]:
        """Return values of a field, in the form that its converter gives them, the plainest first.

        Raises:
            ConfigurationError: if no value is known that its converter and validators take.
        """
        name = f"{cls.__name__}.{field.name}"
        tried = self._given[name] if name in self._given else self.of_type(field.type, name, depth)
        passing = _distinct(_converted(field.attribute, value) for value in tried)
        if not passing:
            raise _cannot_be_guessed(name)
        return passing

    def of_type(self, declared: FieldType, name: str, depth: int = 0) -> list[Any]:
        """Return values of a type; what is composed has few of them, made of the plainest ones.

        Raises:
            ConfigurationError: if the type is not known here; the message names the field.
        """
        found = list(self._of_kind(declared, name, depth))
        return found if not declared.optional or None in found else [*found, None]

    def _of_kind(self, declared: FieldType, name: str, depth: int) -> Iterable[Any]:
        item = declared.item
        if declared.kind is Kind.ENUM:
            members: Iterable[Any] = declared.python  # type: ignore[assignment] # an enum is iterable
            return members
        if declared.kind is Kind.NESTED:
            return [] if declared.optional and depth >= _DEEPEST else self._nested(declared.python, depth + 1)
        if declared.kind is Kind.SEQUENCE and item is not None:
            return [declared.python(items) for items in _sequences(self.of_type(item, name, depth))]
        if declared.kind is Kind.DICT and item is not None:
            return _dictionaries(self.of_type(item, name, depth))
        if declared.scalar is not None:
            return declared.scalar.samples
        if declared.kind is not Kind.FREE:
            raise _cannot_be_guessed(name)
        return _FREE

    def _nested(self, cls: type[Any], depth: int) -> list[Any]:
        """An object of the plainest values, and some that differ from it in one field."""
        required, optional = self.of_class(cls, depth)
        plainest = {name: values[0] for name, values in required.items()}
        others = [{**plainest, name: value} for name, values in (required | optional).items() for value in values[:2]]
        return _distinct(build(cls, given) for given in [plainest, *others])

    def of_class(self, cls: type[Any], depth: int = 0) -> tuple[dict[str, list[Any]], dict[str, list[Any]]]:
        """Return values for the arguments that the class requires, the id included, and for those that it does not.

        Raises:
            ConfigurationError: if no value of a required one is known.
        """
        required: dict[str, list[Any]] = {}
        optional: dict[str, list[Any]] = {}
        for field in schema_of(cls).fields.values():
            attribute = field.attribute
            if not attribute.init or field.name in MANAGED - {"id"}:
                continue
            is_required = attribute.default is attrs.NOTHING or field.name == "id"
            try:
                (required if is_required else optional)[str(attribute.alias)] = self.of_field(cls, field, depth)
            except ConfigurationError:
                if is_required:
                    raise
        return required, optional

    def places(self, cls: type[Any]) -> list[Place]:
        """Return what a rule can ask about: fields, those of nested values, and a key of dictionaries."""
        if cls not in self._places:
            self._places[cls] = list(self._inside(cls, ()))
        return self._places[cls]

    def _inside(self, cls: type[Any], path: Path) -> Iterator[Place]:
        for field in schema_of(cls).fields.values():
            here = (*path, field.name)
            try:
                values = self.of_field(cls, field)
            except ConfigurationError:
                continue  # of a type that only the user knows: it takes part in the entities, if it need not be guessed
            item = field.type.item
            if field.type.kind is Kind.NESTED and len(here) < _DEEPEST:
                yield from self._inside(field.type.python, here)
            elif field.type.kind is Kind.DICT and item is not None:
                yield Place((*here, _KEY), item, self.of_type(item, field.name), is_key=True)
            elif field.type.kind is Kind.SEQUENCE and item is not None:
                yield Place(here, field.type, _stored_items(self.of_type(item, field.name)))
            elif field.type.kind not in {Kind.NESTED, Kind.DICT, Kind.OTHER}:
                yield Place(here, field.type, values)


REFUSED: Any = object()
"""What stands for a value that its class or field does not take."""


def build(cls: type[Any], given: Mapping[str, Any]) -> Any:
    """Make an object, or return `REFUSED`."""
    try:
        return cls(**given)
    except REFUSALS:
        return REFUSED


def _sequences(items: Sequence[Any]) -> list[list[Any]]:
    first, second, last = _stored_items(items)
    return [[], [first], [second], [first, second], [second, first], [first, first], [last]]


def _stored_items(items: Sequence[Any]) -> tuple[Any, Any, Any]:
    """What stands in sequences: what else a rule asked for would never be there."""
    return items[0], items[min(1, len(items) - 1)], items[-1]


def _dictionaries(items: Sequence[Any]) -> list[dict[str, Any]]:
    return [{}, *({_KEY: item} for item in items), {_OTHER_KEY: items[0], _KEY: items[-1]}]


def _converted(attribute: "attrs.Attribute[Any]", value: Any) -> Any:
    """The value as the field would hold it; `REFUSED` if its converter or validators do not take it."""
    if value is REFUSED:
        return REFUSED
    try:
        convert = attribute.converter
        if isinstance(convert, attrs.Converter):
            value = convert(value, None, attribute)  # type: ignore[operator] # attrs gives each its __call__
        elif convert is not None:
            value = convert(value)
        if attribute.validator is not None:
            attribute.validator(None, attribute, value)
    except AttributeError:
        return value  # it looks at the rest of the object, so only the whole object can tell
    except REFUSALS:
        return REFUSED
    return value


def _distinct(values: Iterable[Any]) -> list[Any]:
    """The first few that are different in type or value; None stays."""
    found: dict[str, Any] = {}
    for value in values:
        if value is not REFUSED and (len(found) < _MOST or value is None or isinstance(value, dict)):
            found.setdefault(repr(value), value)
    return list(found.values())


def _cannot_be_guessed(name: str) -> ConfigurationError:
    return ConfigurationError(
        f"no value of {name} can be guessed that its type, converter and validators take: give some, "
        f"values={{{name!r}: [...]}}"
    )
