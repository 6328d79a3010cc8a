"""Giving an added field its default in every stored document."""

from typing import Any

import attrs
from attrs import frozen

from ....domain.entities.entity import MANAGED
from ....domain.errors import ConfigurationError
from ....domain.rules.predicates import All, Exists, Not
from ...backend import Document, Update
from ...documents.collections.bindings import Binding
from ...documents.mapping.mapped_field import MappedField
from ...documents.values.keys import ID_KEY
from .reports import DocumentProblem
from .walk import Work

_FACTORY: type[Any] = type(attrs.Factory(list))


@frozen
class FieldAddition:
    """What the addition of a field did.

    Attributes:
        collection: its name.
        field: the attribute.
        filled: how many documents were given the default.
        failed: how many could not be written; they stay as they were.
        problems: the first of these.
        left: how many documents are without the field at the end, as the server counts them.
        seconds: how long it took.
    """

    collection: str
    field: str
    filled: int
    failed: int
    problems: tuple[DocumentProblem, ...]
    left: int
    seconds: float

    @property
    def ok(self) -> bool:
        """Whether every document has the field."""
        return self.left == 0


def check_addition(binding: Binding, name: str, *, has_old: bool) -> MappedField:
    """Return the field that is to be added.

    Args:
        binding: the repository.
        name: the attribute.
        has_old: whether documents of older schema versions are stored.

    Raises:
        ConfigurationError: if there is none, or it has no default that can be stored, or a step is to make it.
    """
    mapping = binding.mapping
    field = mapping.by_name.get(name)
    if field is None or name in MANAGED:
        raise ConfigurationError(f"{mapping.name} has no field {name!r} that could be added")
    default = field.attribute.default
    if default is attrs.NOTHING or default is None or (isinstance(default, _FACTORY) and default.takes_self):
        raise ConfigurationError(
            f"{mapping.name}.{name} has no default that every document could be given: give it one that is not None, "
            "or declare a SchemaStep with Default or a function"
        )
    if has_old and any(path[0] == field.key for path in mapping.chain.changed_paths()):
        raise ConfigurationError(
            f"a schema step of {binding.collection} changes {field.key}: complete the migration with run(), which "
            "gives every document that field"
        )
    return field


def addition_work(binding: Binding, field: MappedField) -> Work:
    """What gives documents the field: those in which it is missing; null, which is None, stays, and newer documents."""
    default = field.attribute.default

    def change(document: Document) -> Update:
        value = default.factory() if isinstance(default, _FACTORY) else default
        return Update(document[ID_KEY], None, {field.key: field.codec.dump(value)})

    return Work(
        binding.collection,
        binding.mapping.version_key,
        All((Not(Exists((field.key,))), binding.mapping.chain.readable())),
        change,
    )
