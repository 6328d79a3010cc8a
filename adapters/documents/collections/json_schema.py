"""The ``$jsonSchema`` of an entity: what its types and validators ask, in the words of a server.

It says neither more nor less than tristore of types, required fields, enums, bounds and patterns, as far as validators
can be read (those of `tristore.fields` and of attrs). A null counts as missing where the field has a default;
fields that the entity does not know are free; other programs may write whole doubles for integers.
"""

import math
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

import attrs
from bson import Decimal128

from ....domain.entities import fields
from ....domain.entities.plain_values import INT64_MAX, INT64_MIN
from ....domain.entities.scalars import Kind
from ....domain.entities.schema import FieldType
from ....domain.errors import InvalidQuery
from ....domain.rules.patterns import pattern_of
from ..mapping.class_mapping import ClassMapping
from ..mapping.mapped_field import MappedField
from ..values.codecs import STORED, Codec, Stored
from ..values.keys import ID_KEY
from .field_bounds import Bounds, read_bounds

Schema = dict[str, Any]

_PORTABLE = re.compile(
    r"""(?: [\w\ @,:;/#%&=~!"'<>-] | \\[.+*?()\[\]{}|/@-] | \. | \[\^?(?:[\w\ @.,:;/#%&=~!+*?-]|\\[.\-\]/])+\]
    | \((?!\?) | \(\?: | \) | \| | [*+?] | \{\d+(?:,\d*)?\} )*""",
    re.ASCII | re.VERBOSE,
)
"""Patterns of nothing but characters, sets, groups and quantifiers that both engines read alike."""

_LONGEST_NESTED = 200
"""Up to so many characters a text may be asked about quantifiers inside others."""

_COMPOSED: Mapping[Kind, str] = {Kind.NESTED: "object", Kind.SEQUENCE: "array", Kind.DICT: "object"}
"""How composed values are stored, by the aliases of BSON's types."""

_NUMBERS = frozenset({"int", "long", "double", "decimal"})
_LISTED = _NUMBERS | {"string", "bool"}
"""Of types that are stored like this a validator lists the only values that there are."""

_EMAIL = r"^[^@\s]+@[^@\s]+\z"
"""What every normalised address looks like, and little else does; letter case is left to tristore."""

_UNICODE_CLASS = re.compile(r"\\[bBdDsSwW]")
"""Classes that Python fills with more characters than a server, unless it is told to keep to ASCII."""


def json_schema_of(mapping: ClassMapping) -> Schema:
    """Derive the schema of an entity's documents.

    Args:
        mapping: of the entity; its keys are those of the documents.
    """
    return _object(mapping, ())


def _object(mapping: ClassMapping, outside: Sequence[type[Any]]) -> Schema:
    properties = {field.key: _property(field, mapping, (*outside, mapping.cls)) for field in mapping.fields}
    required = [field.key for field in mapping.fields if _is_required(field)]
    schema: Schema = {"bsonType": "object"}
    if required:
        schema["required"] = required
    return {**schema, "properties": {key: one for key, one in properties.items() if one}}


def _is_required(field: MappedField) -> bool:
    return field.attribute.init and field.attribute.default is attrs.NOTHING and not field.type.optional


def _property(field: MappedField, mapping: ClassMapping, outside: Sequence[type[Any]]) -> Schema:
    if not field.attribute.init and field.attribute.default is attrs.NOTHING:
        return {}  # nobody reads what the constructor makes anew
    bounds = Bounds()
    read_bounds(field.attribute.validator, bounds)
    schema = _value(field.type, bounds, mapping, outside)
    converter: object = field.attribute.converter
    if converter is fields.to_email:
        schema["pattern"] = _EMAIL
    return schema if _is_required(field) or field.key == ID_KEY else _or_null(schema)


def _or_null(schema: Schema) -> Schema:
    """The same for a value that may be missing, which other programs write as null."""
    found = dict(schema)
    if "bsonType" in found:
        kinds = found["bsonType"]
        found["bsonType"] = [*([kinds] if isinstance(kinds, str) else kinds), "null"]
    if "enum" in found:
        found["enum"] = [*found["enum"], None]
    return found


def _value(declared: FieldType, bounds: Bounds, mapping: ClassMapping, outside: Sequence[type[Any]]) -> Schema:
    """The schema of a value that is not None."""
    stored = STORED.get(declared.kind)
    is_listed = bounds.options is not None and stored is not None and stored.aliases[0] in _LISTED
    if declared.kind is Kind.ENUM or is_listed:
        members: Any = declared.python  # an enum, if there are no options
        options = tuple(members) if bounds.options is None else bounds.options
        return {"enum": _stored(options, declared, mapping)}
    if stored is not None:
        return _plain(stored, bounds)
    if declared.kind not in _COMPOSED:
        return {}
    schema: Schema = {"bsonType": _COMPOSED[declared.kind]}
    match declared.kind:
        case Kind.NESTED:
            if declared.python not in outside:  # one of its own kind is left to tristore: a schema cannot name itself
                schema |= _object(mapping.nested(declared.python), outside)
        case Kind.SEQUENCE:
            schema |= _sizes(bounds, "minItems", "maxItems") | _inside("items", declared, bounds, mapping, outside)
        case Kind.DICT:
            schema |= _inside("additionalProperties", declared, bounds, mapping, outside)
            schema |= _sizes(bounds, "minProperties", "maxProperties")
    return schema


def _plain(stored: Stored, bounds: Bounds) -> Schema:
    kinds = stored.aliases
    schema: Schema = {"bsonType": kinds[0] if len(kinds) == 1 else list(kinds), **stored.schema}
    if kinds[0] in _NUMBERS:
        return schema | _limits(stored, bounds)
    if kinds[0] == "string":
        return schema | _sizes(bounds, "minLength", "maxLength") | _patterns(bounds)
    return schema


def _stored(options: Sequence[Any], declared: FieldType, mapping: ClassMapping) -> list[Any]:
    """The values of an enum as they are stored; those that equal none of the field's type are none."""
    codec = mapping.codec_of(declared)
    found = []
    for option in options:
        for value in (option, *_equal_ones(option, declared)):
            try:
                found.append(codec.dump(value))
            except ValueError:
                continue
            break
    return found


def _equal_ones(option: Any, declared: FieldType) -> Iterator[Any]:
    """The value of the field's type that equals an option of another one, as 1 equals Decimal("1.0") and True."""
    try:
        value = declared.python(option)
    except (TypeError, ValueError, ArithmeticError):
        return
    if value == option:
        yield value


def _inside(
    word: str, declared: FieldType, bounds: Bounds, mapping: ClassMapping, outside: Sequence[type[Any]]
) -> Schema:
    """What the items of a list or the values of a dictionary must be."""
    if declared.item is None:
        return {}
    schema = _value(declared.item, bounds.of_items(), mapping, outside)
    if declared.item.optional:
        schema = _or_null(schema)
    return {word: schema} if schema else {}


def _sizes(bounds: Bounds, least: str, most: str) -> Schema:
    schema: Schema = {least: bounds.shortest} if bounds.shortest else {}
    return schema if bounds.longest is None else {**schema, most: bounds.longest}


def _limits(stored: Stored, bounds: Bounds) -> Schema:
    schema: Schema = {}
    low, high = bounds.low, bounds.high
    if bounds.finite and stored.aliases[0] == "double":
        low = -sys.float_info.max if low is None else low
        high = sys.float_info.max if high is None else high
    for word, excluding, bound, left_out in (
        ("minimum", "exclusiveMinimum", low, bounds.above),
        ("maximum", "exclusiveMaximum", high, bounds.below),
    ):
        number = _number(bound, stored.codec)
        if number is not None:
            schema |= {word: number, **({excluding: True} if left_out else {})}
    return schema


def _number(bound: Any, codec: Codec) -> Any:
    """A bound as it is stored; None for what no server can compare with."""
    if isinstance(bound, bool) or bound is None:
        return None
    if isinstance(bound, int):
        return bound if INT64_MIN <= bound <= INT64_MAX else None
    if isinstance(bound, float):
        return bound if math.isfinite(bound) else None
    try:
        return Decimal128(bound) if isinstance(bound, Decimal) else codec.dump(bound)
    except (ArithmeticError, TypeError, ValueError):
        return None


def _patterns(bounds: Bounds) -> Schema:
    written = [pcre for search in bounds.searches if (pcre := _pcre(*search, bounds.longest)) is not None]
    if len(written) > 1:
        return {"allOf": [{"pattern": one} for one in written]}
    return {"pattern": written[0]} if written else {}


def _pcre(pattern: re.Pattern[str], method: str, longest: int | None) -> str | None:
    """The pattern for a server; None if it would not mean the same there."""
    source = pattern.pattern
    keeps_to_ascii = pattern.flags & ~(re.UNICODE | re.ASCII) == 0
    if not keeps_to_ascii or (not pattern.flags & re.ASCII and _UNICODE_CLASS.search(source)):
        return None
    begin, end = {"fullmatch": (r"\A(?:", r")\Z"), "match": (r"\A(?:", ")"), "search": ("", "")}[method]
    try:
        return pattern_of(f"{begin}{source}{end}").pcre
    except InvalidQuery:
        # quantifiers inside others, which no rule may have: of an entity's own short text they can be asked
        is_short = longest is not None and longest <= _LONGEST_NESTED
        return f"{begin}{source}{end.lower()}" if is_short and _PORTABLE.fullmatch(source) else None
