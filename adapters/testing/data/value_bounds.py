"""What the validators of a field allow, read from them: strategies and factories make values inside.

The validators of `tristore.fields` and those of attrs can be read. Any other one is asked about each value; one
that checks text is first asked which of some common forms it accepts.
"""

from collections.abc import Iterable
from typing import Any

import attrs
from attrs import frozen

from ....domain.entities import fields
from ....domain.entities.entity import MANAGED, Entity
from ....domain.entities.scalars import Kind
from ....domain.entities.schema import FieldSchema, schema_of
from ....domain.errors import ConfigurationError, InvalidQuery
from ...documents.collections.field_bounds import Bounds, read_bounds

REFUSALS = (ValueError, TypeError, ArithmeticError, LookupError)
"""What validators and converters raise for a value that is wrong."""


@frozen
class Form:
    """A common form of text, with samples that tell whether a validator accepts it."""

    pattern: str
    samples: tuple[str, ...]


FORMS = (
    Form(r"[a-z]{4,12}", ("abcd", "tristore")),
    Form(r"[a-z]{2,8}-[a-z0-9]{2,8}", ("ab-cd", "invoice-2026")),
    Form(r"[A-Z][a-z]{3,10}", ("Abcd", "London")),
    Form(r"[A-Z]{2}", ("AB", "FR")),
    Form(r"[A-Z]{3}", ("ABC", "EUR")),
    Form(r"[A-Z0-9]{8}", ("AB12CD34", "A1B2C3D4")),
    Form(r"[0-9]{5}", ("10115", "00000")),
    Form(r"[1-9][0-9]{7,11}", ("12345678", "491701234567")),
    Form(r"\+[1-9][0-9]{9,13}", ("+4917012345", "+12025550123")),
    Form(r"#[0-9a-f]{6}", ("#00ff7f", "#000000")),
    Form(r"[0-9a-f]{40}", ("0123456789abcdef" * 2 + "01234567", "ab" * 20)),
    Form(r"[0-9a-f]{64}", ("0123456789abcdef" * 4, "ab" * 32)),
    Form(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}", ("01234567-89ab-4cde-8f01-23456789abcd",)),
    Form(r"[a-z]{3,8}\.[a-z]{3,8}@example\.org", ("ada.lovelace@example.org", "abc.def@example.org")),
    Form(r"https://example\.org/[a-z]{3,8}", ("https://example.org/abc", "https://example.org/tristore")),
    Form(r"(19|20)[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])", ("2026-01-28", "1999-12-01")),
    Form(r"10\.[1-9][0-9]?\.[1-9][0-9]?\.[1-9][0-9]?", ("10.1.2.3", "10.99.10.10")),
    Form(r"[1-9]\.[0-9]\.[0-9]", ("1.0.0", "2.3.4")),
)
"""What texts are often asked to look like."""

EMAIL = r"[a-z][a-z0-9]{0,8}([._+-][a-z0-9]{1,6})?@[a-z][a-z0-9]{0,8}\.(org|com|example\.org)"
"""Addresses that every check of them accepts."""


def bounds_of(field: FieldSchema) -> Bounds:
    """Read the validators and the converter of a field."""
    bounds = Bounds()
    readable = read_bounds(field.attribute.validator, bounds)
    converter: Any = field.attribute.converter
    if converter is fields.to_email:
        bounds.patterns.append(EMAIL)
    elif converter not in _KEEPING:
        readable = False
    if not (readable or bounds.patterns or bounds.options) and field.type.kind is Kind.STR:
        bounds.forms = _forms(field, bounds)
    return bounds


_KEEPING: tuple[Any, ...] = (None, fields.to_instant, fields.trimmed)
"""Converters that refuse nothing."""

_WILD = ("\0", "'$.{}", "\u00e4\u20ac\U0001f600", " a\n", "A" * 19, "0" * 99)
"""Who accepts these accepts any text of that length."""


def _forms(field: FieldSchema, bounds: Bounds) -> tuple[str, ...] | None:
    """The forms that a field accepts whose rules cannot be read; None if it accepts any text."""
    wild = [text for text in _WILD if bounds.fits(len(text))]
    if wild and all(accepts(field, text) for text in wild):
        return None
    return tuple(form.pattern for form in FORMS if all(accepts(field, text) for text in form.samples))


class _NotHereError(Exception):
    """A validator asked for another field of the object: only its constructor can tell."""


class _Nobody:
    """Stands in for the object whose field is checked."""

    def __getattr__(self, name: str) -> Any:
        raise _NotHereError(name)


def accepts(field: FieldSchema, value: object) -> bool:
    """Tell whether converter and validator of a field accept a value, as far as they look at nothing else."""
    attribute: Any = field.attribute
    converter: Any = attribute.converter
    if type(converter) is attrs.Converter:
        wrapped: Any = converter
        if wrapped.takes_self or wrapped.takes_field:
            return True
        converter = wrapped.converter
    try:
        if converter is not None:
            value = converter(value)
        if attribute.validator is not None:
            attribute.validator(_Nobody(), attribute, value)
    except _NotHereError:
        return True
    except REFUSALS:
        return False
    return True


def filled_fields(cls: type[Any]) -> dict[str, FieldSchema]:
    """The fields that a constructor takes and a strategy or factory fills, by the names of its parameters."""
    # of what the unit of work writes, an entity that was never stored has the defaults
    managed = MANAGED - {"id"} if issubclass(cls, Entity) else frozenset()
    found = {_parameter(one): one for one in schema_of(cls).fields.values() if one.attribute.init}
    return {name: one for name, one in found.items() if one.name not in managed}


def parameters_of(cls: type[Any]) -> dict[str, FieldSchema | None]:
    """Every parameter of a constructor; None beside one whose field is not stored."""
    stored = schema_of(cls).fields
    return {
        attribute.alias or attribute.name: stored.get(attribute.name)
        for attribute in attrs.fields(cls)
        if attribute.init
    }


def _parameter(field: FieldSchema) -> str:
    return field.attribute.alias or field.name


def check_names(cls: type[Any], names: Iterable[str]) -> None:
    """Refuse names that the constructor does not take.

    Raises:
        ConfigurationError: with the name that comes close.
    """
    known = parameters_of(cls)
    for name in names:
        if name not in known:
            try:
                schema_of(cls).field_of(name)
            except InvalidQuery as error:
                raise ConfigurationError(str(error)) from None
            raise ConfigurationError(f"{cls.__name__} does not take {name!r}")


def given(field: FieldSchema | None, value: object) -> object:
    """What a caller gave for a field; for a reference an entity stands for its id."""
    if isinstance(value, Entity) and field is not None and field.type.kind is not Kind.NESTED:
        return value.id
    return value


def no_value(cls: type[Any], name: str, why: str, how: str) -> ConfigurationError:
    """The error for a field for which no value is found."""
    return ConfigurationError(f"no value for {cls.__name__}.{name}: {why}; give one: {how}")
