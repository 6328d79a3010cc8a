"""The cattrs converter of a store: the registry of every mapping, and the way for types of the user's own."""

from contextlib import suppress
from typing import Any, NoReturn, get_args

from cattrs import Converter
from cattrs.errors import StructureHandlerNotFoundError

from ....domain.entities.events import Event
from ....domain.entities.scalars import SCALARS, listed
from ....domain.entities.schema import FieldType
from ....domain.errors import ConfigurationError
from ..declarations.documents import Documents
from ..values.codecs import Codec
from ..values.keys import Keys
from .class_mapping import ClassMapping
from .entity_mapping import EntityMapping
from .own_hooks import OwnHooks, hooks_of

_NOT_KNOWN = (ConfigurationError, StructureHandlerNotFoundError)


def make_converter() -> Converter:
    """Return a converter that knows the types for which you register a pair of hooks, and no others.

    What cattrs would make of a type by itself is never stored. Register a pair for a type of your own, and give the
    converter to `open_store`::

        converter = make_converter()
        converter.register_structure_hook(Money, lambda stored, _: Money.parse(stored))
        converter.register_unstructure_hook(Money, str)
    """
    return OwnHooks(_refuse)


def mapping_of(documents: Documents, converter: Converter) -> EntityMapping:
    """Map the entity of a declaration, and register the pair of functions as the converter's hooks.

    Raises:
        ConfigurationError: if a field has a type that cannot be stored.
    """

    def unusual(declared: FieldType) -> Codec:
        return _registered(declared, converter)

    try:
        mapping = EntityMapping(documents, unusual)
    except ConfigurationError as error:
        raise ConfigurationError(f"{documents.repository.entity.__name__} cannot be mapped: {error}") from None
    converter.register_structure_hook(mapping.cls, lambda document, _: mapping.load(document))
    converter.register_unstructure_hook(mapping.cls, mapping.dump)
    return mapping


def event_mapping_of(cls: type[Event], converter: Converter) -> ClassMapping:
    """Map the fields of an event.

    Raises:
        ConfigurationError: if a field has a type that cannot be stored.
    """
    try:
        return ClassMapping(cls, Keys("camelCase", {}), lambda declared: _registered(declared, converter))
    except ConfigurationError as error:
        raise ConfigurationError(f"event {cls.__name__} cannot be stored: {error}") from None


def _registered(declared: FieldType, converter: Converter) -> Codec:
    wanted: Any = declared.annotation
    found = None
    with suppress(*_NOT_KNOWN):  # of a type with parts, the part that cattrs does not know would be named
        found = hooks_of(converter, wanted)
    if found is None:
        _refuse(wanted)
    structure, unstructure = found

    def load(value: Any) -> Any:
        try:
            return structure(value, wanted)
        except Exception as error:
            raise ValueError(f"cannot be loaded as {_name(wanted)}: {error}") from error

    def dump(value: Any) -> Any:
        try:
            return unstructure(value)
        except Exception as error:
            raise ValueError(f"cannot be stored as {_name(wanted)}: {error}") from error

    return Codec(load, dump, mutable=True)


def _name(wanted: Any) -> str:
    return str(wanted) if get_args(wanted) else getattr(wanted, "__name__", str(wanted))


def _refuse(wanted: Any) -> NoReturn:
    raise ConfigurationError(
        f"a field of type {_name(wanted)} cannot be stored: use {listed(SCALARS.values())}, enums, attrs classes, "
        "lists and dictionaries of them, or register a pair of cattrs hooks for exactly this type"
    )
