"""Values from outside, such as those of a JSON body, as values of the types that fields declare."""

from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any

from cattrs import Converter
from cattrs.errors import BaseValidationError, StructureHandlerNotFoundError

from ...domain.entities.ids import Id
from ...domain.entities.scalars import SCALARS, Kind
from ...domain.entities.schema import FieldType
from ..backend.bson import MAX_DEPTH, check_key


def structured(declared: FieldType, given: Any) -> Any:
    """Return what a value without parts stands for; one of a type of the user's own as it is.

    Raises:
        ValueError: with what must be given instead.
    """
    if declared.kind is Kind.FREE:
        _check_free(given)
        return given
    if declared.scalar is not None:
        return declared.scalar.read(given)
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


def _enum(given: Any, enum: Any) -> Any:
    if isinstance(given, enum):
        return given
    members = {member.value: member for member in enum}
    if isinstance(given, str | int) and given in members:
        return members[given]
    raise ValueError(f"must be one of {', '.join(map(str, members))}")


def _make_converter() -> Converter:
    """The converter of types that are no rows, and hold values of types that are: a tuple of a text and a number."""
    converter = Converter()
    for kind, scalar in SCALARS.items():
        if kind is not Kind.ID:
            converter.register_structure_hook(scalar.python, _hook(scalar.read))
    converter.register_structure_hook_func(_is_id, _hook(SCALARS[Kind.ID].read))
    converter.register_structure_hook_func(lambda kind: isinstance(kind, type) and issubclass(kind, Enum), _enum)
    return converter


def _hook(read: Callable[[Any], Any]) -> Callable[[Any, Any], Any]:
    return lambda given, _: read(given)


def _is_id(kind: Any) -> bool:
    while getattr(kind, "__supertype__", None) is not None:
        if kind is Id:
            return True
        kind = kind.__supertype__
    return False


_converter = _make_converter()
