"""What an entity class declares: its stored fields and their types, read once from the annotations."""

import types
import typing
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from enum import Enum
from typing import Annotated, Any, NewType, TypeVar, Union, get_args, get_origin
from weakref import WeakKeyDictionary

import attrs
from attrs import field, frozen
from typing_extensions import NoDefault, TypeAliasType

from ..errors import ConfigurationError, InvalidQuery
from .entity import TRANSIENT
from .ids import Id
from .plain_values import Scalar
from .scalars import SCALARS, Kind
from .secrets import SECRET

_KINDS: Mapping[object, Kind] = {
    **{scalar.python: kind for kind, scalar in SCALARS.items() if kind is not Kind.ID},
    Id: Kind.ID,
    Any: Kind.FREE,
    object: Kind.FREE,
}
"""The annotations of values that are not composed of others."""


_ALIASES = (TypeAliasType, getattr(typing, "TypeAliasType", TypeAliasType))
"""What ``type Name = ...`` makes: Python's own, where it has one, is another class."""


@frozen
class FieldType:
    """The type of a field, an item or a dictionary's value.

    Attributes:
        kind: its sort.
        python: the class to check against or to build; for an `Id`, `str`.
        optional: whether None is allowed.
        item: the type of a sequence's items or a dictionary's values.
        annotation: as it was written, for messages and for registered converters.
    """

    kind: Kind
    python: type[Any]
    optional: bool = False
    item: "FieldType | None" = None
    annotation: object = None

    @property
    def scalar(self) -> Scalar | None:
        """What is known of its values; None if they are composed of others, or of no type that is known."""
        return SCALARS.get(self.kind)

    def __str__(self) -> str:
        name = getattr(self.annotation, "__name__", None) or str(self.annotation)
        return f"{name} | None" if self.optional and "None" not in name else name


@frozen
class FieldSchema:
    """One stored field: its name, its type, and the attrs attribute behind it."""

    name: str
    type: FieldType
    attribute: "attrs.Attribute[Any]" = field(eq=False)

    @property
    def secret(self) -> bool:
        """Whether no log, error or `to_dict` may show the value."""
        return SECRET.items() <= self.attribute.metadata.items()


@frozen
class Schema:
    """The stored fields of one attrs class, by name."""

    cls: type[Any]
    fields: Mapping[str, FieldSchema] = field(eq=False)

    def field_of(self, name: str) -> FieldSchema:
        """Return the field of that name.

        Raises:
            InvalidQuery: if the class has none, with the names that come close.
        """
        found = self.fields.get(name)
        if found is None:
            raise InvalidQuery(no_field(self.cls.__name__, name, self.fields))
        return found


def no_field(cls: str, name: str, names: Iterable[str]) -> str:
    """Say that a class has no field of a name, and which of its names comes close."""
    names = list(names)
    close = get_close_matches(name, names, n=1)
    return f"{cls} has no field {name!r}; " + (f"did you mean {close[0]!r}?" if close else f"it has {', '.join(names)}")


_known: "WeakKeyDictionary[type[Any], Schema]" = WeakKeyDictionary()


def schema_of(cls: type[Any]) -> Schema:
    """Return the stored fields of an attrs class; they are read once.

    Raises:
        ConfigurationError: if it is not an attrs class or its annotations cannot be resolved.
    """
    found = _known.get(cls)
    if found is None:
        found = _known[cls] = _read(cls)
    return found


def _read(cls: type[Any]) -> Schema:
    if not attrs.has(cls):
        raise ConfigurationError(f"{cls.__name__} is not an attrs class: decorate it with @define(kw_only=True)")
    try:
        hints = typing.get_type_hints(cls)
    except NameError as error:
        raise ConfigurationError(f"an annotation of {cls.__name__} cannot be resolved: {error}") from None
    variables = _variables(cls)
    stored = [attribute for attribute in attrs.fields(cls) if not attribute.metadata.get(TRANSIENT)]
    fields: dict[str, FieldSchema] = {}
    for attribute in stored:
        try:
            found = _field_type(hints[attribute.name], variables)
        except RecursionError:
            what = f"{cls.__name__}.{attribute.name}"
            raise ConfigurationError(f"{what} cannot be stored: its type refers to itself; use Any there") from None
        fields[attribute.name] = FieldSchema(attribute.name, found, attribute)
    return Schema(cls, fields)


def _variables(cls: type[Any]) -> dict[Any, Any]:
    """The types that a class and its bases give to type variables: of ``Entity[UserId]``, IdT is UserId."""
    found: dict[Any, Any] = {}
    for base in cls.__mro__:
        for original in getattr(base, "__orig_bases__", ()):
            parameters = getattr(get_origin(original), "__parameters__", ())
            for variable, given in zip(parameters, get_args(original), strict=False):
                if given is not variable:
                    found.setdefault(variable, found.get(given, given))
    return found


def _field_type(annotation: Any, variables: Mapping[Any, Any]) -> FieldType:
    if isinstance(annotation, TypeVar):
        default = getattr(annotation, "__default__", NoDefault)
        return _field_type(variables.get(annotation, Any if default is NoDefault else default), variables)
    origin, arguments = get_origin(annotation), get_args(annotation)
    if isinstance(annotation, _ALIASES):
        return _field_type(annotation.__value__, variables)
    if origin is Annotated:
        return _field_type(arguments[0], variables)
    if origin in {Union, types.UnionType} and types.NoneType in arguments:
        rest = tuple(argument for argument in arguments if argument is not types.NoneType)
        return attrs.evolve(_field_type(Union[rest], variables), optional=True)  # noqa: UP007 - of as many as there are
    if origin in {list, tuple, set, frozenset} and (origin is not tuple or arguments[1:] == (Ellipsis,)):
        return FieldType(Kind.SEQUENCE, origin, item=_field_type(arguments[0], variables), annotation=annotation)
    if origin is dict and arguments[0] is str:
        return FieldType(Kind.DICT, dict, item=_field_type(arguments[1], variables), annotation=annotation)
    return _plain_type(annotation)


def _plain_type(annotation: Any) -> FieldType:
    if annotation in {list, tuple, set, frozenset, dict}:
        kind = Kind.DICT if annotation is dict else Kind.SEQUENCE
        return FieldType(kind, annotation, item=_plain_type(Any), annotation=annotation)
    base = annotation
    while isinstance(base, NewType) and base not in _KINDS:
        base = base.__supertype__
    kind = _KINDS.get(base, Kind.OTHER)
    if kind is Kind.ID:
        base = str
    elif kind is Kind.OTHER and isinstance(base, type):
        if issubclass(base, Enum):
            kind = Kind.ENUM
        elif attrs.has(base):
            kind = Kind.NESTED
    python = base if isinstance(base, type) else object
    return FieldType(kind, python, optional=kind is Kind.FREE, annotation=annotation)
