"""Values that a rule may compare with a field: of the field's type, in the form in which they are stored."""

from decimal import Decimal
from enum import Enum

from ..entities.plain_values import REFUSED, Refusal, is_text
from ..entities.scalars import FREE, Kind
from ..entities.schema import FieldType
from ..errors import InvalidQuery
from .advice import instead_of_value, instead_of_whole
from .conditions import Captured
from .predicates import Path, dotted


def comparable(type: FieldType, value: object, path: Path) -> object:
    """Return a value in the form in which it is compared with a field of this type.

    Raises:
        InvalidQuery: if a field of this type never has such a value.
    """
    found = _operand(type, value, path)
    if isinstance(found, Refusal):
        shown = found.words or _shown(value)
        advice = "" if found.words else instead_of_value(type, value)
        raise InvalidQuery(f"{_named(path)} is {type}, and cannot be compared with {shown}{advice}")
    return found


def _operand(type: FieldType, value: object, path: Path) -> object:
    scalar = type.scalar
    if scalar is not None:
        return scalar.operand(value)
    if type.kind is Kind.ENUM:
        return value if isinstance(value, type.python) else REFUSED
    if type.kind is Kind.FREE:
        return _free(value)
    advice = instead_of_whole(type, _named(path))
    raise InvalidQuery(f"{_named(path)} is {type}, and a store cannot compare that as a whole{advice}")


def _free(value: object) -> object:
    """A value of no declared type: plain values only, so that none can turn into an operator."""
    refusal = REFUSED
    for scalar in FREE:
        found = scalar.operand(value)
        if not isinstance(found, Refusal):
            return found
        refusal = found if found.words else refusal
    return refusal


def _named(path: Path) -> str:
    return dotted(path) or "the item"


def _shown(value: object) -> str:
    """A value of the caller's in a message: its class, and itself where it is short and harmless."""
    name = type(value).__name__
    if value is None:
        return "None: write is_none(field), joined with & or |"
    if isinstance(value, Captured):
        return "another field: a rule compares with values"
    if isinstance(value, int | float | Decimal) and not isinstance(value, Enum):
        return f"the {name} {value}"
    return (
        f"a {name}"
        if not isinstance(value, str) or isinstance(value, Enum) or is_text(value)
        else f"a {name} that cannot be encoded"
    )
