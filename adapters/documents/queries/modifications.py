"""Changes without loading, in the words of the document."""

from typing import Any

import attrs

from ....domain.entities.entity import MANAGED, Entity
from ....domain.errors import DuplicateKey, Problem, UnitOfWorkError, ValidationError
from ....domain.repository.modifications import Modification
from ....domain.rules.predicates import Path, dotted
from ...backend import KeyTaken, Modify
from ..mapping.class_mapping import ClassMapping
from ..mapping.entity_mapping import EntityMapping
from ..mapping.mapped_field import MappedField, problems_of


def stored_modification(mapping: EntityMapping, modification: Modification, now: Any) -> Modify:
    """Rewrite a modification into the keys and values of the document; version and time go along.

    Args:
        mapping: of the entities.
        modification: what is to change.
        now: the time of the change, as it is stored.

    Raises:
        ValidationError: if a value cannot be stored in its field.
        InvalidQuery: if documents of several schema versions may be stored, and differ there.
    """
    for path in (*modification.set, *modification.increments):
        mapping.stored_path(path, "changed without being read")
    values: dict[str, Any] = {mapping.updated_at_key: now}
    unset: list[str] = []
    problems: list[Problem] = []
    for path, value in modification.set.items():
        key, field = _field_at(mapping, path)
        if value is None:
            unset.append(key)
            continue
        try:
            values[key] = field.codec.dump(value)
        except ValueError as error:
            problems += [Problem(_with_parents(path, one.field), one.message) for one in problems_of(field, error)]
    if problems:
        raise ValidationError(problems, entity=mapping.name)
    increments: dict[str, Any] = {mapping.version_key: 1}
    for path, by in modification.increments.items():
        key, field = _field_at(mapping, path)
        increments[key] = field.codec.dump(by)
    return Modify(values, tuple(unset), increments)


def duplicate(mapping: EntityMapping, taken: KeyTaken, entity_id: object = None) -> DuplicateKey:
    """Return the error that names the fields of the entity."""
    return DuplicateKey(mapping.name, [mapping.attribute_of(key) for key in taken.keys], entity_id)


def refuse_stored(mapping: EntityMapping, entity: Entity[Any]) -> None:
    """Refuse to store an entity as a new one that was loaded from the store.

    Raises:
        UnitOfWorkError: with the calls that save it.
    """
    if entity.version:
        raise UnitOfWorkError(
            f"{mapping.name} {entity.id} is stored already (version {entity.version}): save its edits with "
            "bulk_update(), or attach() it in a unit of work"
        )


def give_values(mapping: EntityMapping, given: Entity[Any], stored: Entity[Any]) -> None:
    """Let a stored entity take over the values and recorded events of another object; what tristore sets stays.

    Raises:
        ValidationError: if a value cannot be stored, or a field that never changes would.
    """
    values = mapping.load(mapping.dump(given))  # no list or dictionary is shared
    for field in mapping.fields:
        if field.name in MANAGED:
            continue
        new = getattr(values, field.name)
        if field.attribute.on_setattr is attrs.setters.frozen:
            if new != getattr(stored, field.name):
                raise ValidationError([Problem(field.name, "never changes")], entity=mapping.name)
            continue  # equal, but perhaps of another form, in which it would be written
        # past the validators: the values were accepted together, by an object of the same class
        object.__setattr__(stored, field.name, new)
    for event in given.recorded_events:
        stored.record(event)


def _field_at(mapping: ClassMapping, path: Path) -> tuple[str, MappedField]:
    """The dotted key of an attribute path that leads through nested values, and the field at its end."""
    keys: list[str] = []
    for name in path[:-1]:
        outer = mapping.by_name[name]
        keys.append(outer.key)
        mapping = mapping.nested(outer.type.python)
    field = mapping.by_name[path[-1]]
    return ".".join((*keys, field.key)), field


def _with_parents(path: Path, name: str) -> str:
    return ".".join(filter(None, (dotted(path[:-1]), name)))
