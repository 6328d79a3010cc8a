"""Values from outside, such as those of a JSON body, as values of the types that fields declare."""

import base64
import binascii
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from enum import Enum
from typing import Any
from uuid import UUID

from cattrs import Converter
from cattrs.errors import BaseValidationError, StructureHandlerNotFoundError

from ...domain.entities.fields import to_instant
from ...domain.entities.ids import Id, parse_id
from ...domain.entities.schema import FieldType, Kind
from ...domain.errors import ValidationError
from ..backend.bson import MAX_DEPTH, check_key

_NUMBERS = (int, float)


def structured(declared: FieldType, given: Any) -> Any:
    """Return what a value without parts stands for; one of a type of the user's own as it is.

    Raises:
        ValueError: with what must be given instead.
    """
    if declared.kind is Kind.FREE:
        _check_free(given)
        return given
    try:
        return _converter.structure(given, declared.annotation)  # type: ignore[arg-type]
    except BaseValidationError as group:
        raise ValueError("; ".join(map(str, group.exceptions))) from group
    except StructureHandlerNotFoundError:
        return given  # a type of the user's own: its constructor and validators judge


def _check_free(given: Any, depth: int = 1) -> None:
    """Refuse keys that a store could take for operators or paths, however deep they are in a value of no type."""
    if depth > MAX_DEPTH:
        raise ValueError(f"must not be nested deeper than {MAX_DEPTH} levels")
    if isinstance(given, Mapping):
        for key in given:
            check_key(key)
        given = given.values()
    elif not isinstance(given, list | tuple):
        return
    for item in given:
        _check_free(item, depth + 1)


def _strict(kind: type[Any], words: str) -> Any:
    def structure(given: Any, _: Any) -> Any:
        if not isinstance(given, kind) or (isinstance(given, bool) and kind is not bool):
            raise ValueError(f"must be {words}, not {type(given).__name__}")
        return given

    return structure


def _number(given: Any, _: Any) -> float:
    if isinstance(given, bool) or not isinstance(given, _NUMBERS):
        raise ValueError(f"must be a number, not {type(given).__name__}")
    return float(given)


def _datetime(given: Any, _: Any) -> datetime:
    if isinstance(given, str):
        try:
            given = datetime.fromisoformat(given)
        except ValueError:
            raise ValueError("must be a date and time in ISO 8601, such as 2026-01-31T12:00:00Z") from None
    if not isinstance(given, datetime) or given.tzinfo is None:
        raise ValueError("must be a date and time with a zone, such as 2026-01-31T12:00:00Z")
    found: datetime = to_instant(given)
    return found


def _decimal(given: Any, _: Any) -> Decimal:
    if isinstance(given, bool) or not isinstance(given, str | int | Decimal):
        raise ValueError(f"must be a decimal number as text, not {type(given).__name__}")
    try:
        return Decimal(given)
    except InvalidOperation:
        raise ValueError(f"must be a decimal number, not {given!r}") from None


def _bytes(given: Any, _: Any) -> bytes:
    if isinstance(given, bytes):
        return given
    try:
        return base64.b64decode(given, validate=True)
    except (binascii.Error, TypeError, ValueError):
        raise ValueError("must be base64") from None


def _uuid(given: Any, _: Any) -> UUID:
    try:
        return given if isinstance(given, UUID) else UUID(given)
    except (AttributeError, TypeError, ValueError):
        raise ValueError("must be a UUID") from None


def _id(given: Any, _: Any) -> Id:
    try:
        return parse_id(given)
    except ValidationError:
        raise ValueError(f"must be 24 hex digits, not {given!r}") from None


def _enum(given: Any, enum: Any) -> Any:
    if isinstance(given, enum):
        return given
    members = {member.value: member for member in enum}
    if isinstance(given, str | int) and given in members:
        return members[given]
    raise ValueError(f"must be one of {', '.join(map(str, members))}")


def _make_converter() -> Converter:
    converter = Converter()
    converter.register_structure_hook(str, _strict(str, "text"))
    converter.register_structure_hook(int, _strict(int, "a whole number"))
    converter.register_structure_hook(bool, _strict(bool, "true or false"))
    converter.register_structure_hook(float, _number)
    converter.register_structure_hook(datetime, _datetime)
    converter.register_structure_hook(Decimal, _decimal)
    converter.register_structure_hook(bytes, _bytes)
    converter.register_structure_hook(UUID, _uuid)
    converter.register_structure_hook_func(_is_id, _id)
    converter.register_structure_hook_func(lambda kind: isinstance(kind, type) and issubclass(kind, Enum), _enum)
    return converter


def _is_id(kind: Any) -> bool:
    while getattr(kind, "__supertype__", None) is not None:
        if kind is Id:
            return True
        kind = kind.__supertype__
    return False


_converter = _make_converter()
