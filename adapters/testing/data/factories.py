"""Factories on polyfactory: entities that their own rules accept, one or many, stored where a test needs them.

>>> from tristore import open_stores
>>> from tristore.domain.core import Project, User, UserStatus
>>> class UserFactory(EntityFactory[User]):
...     status = UserStatus.ACTIVE
>>> stores = open_stores(core="memory://")
>>> ada = UserFactory.save(stores.core, username="ada")
>>> projects = factory_of(Project).save(stores.core, count=3, owner_id=ada)
>>> [project.owner_id == ada.id for project in projects]
[True, True, True]

The extra ``factories`` brings polyfactory; ``build``, ``batch``, ``seed_random``, ``Use``, ``PostGenerated`` and the
rest of it work as it describes them (https://polyfactory.litestar.dev).
"""

from collections.abc import Iterable
from inspect import get_annotations
from typing import Any, Generic, TypeGuard, TypeVar, overload

import attrs

from .optional_libraries import Needs

with Needs("polyfactory", "factories"):
    from polyfactory.factories.attrs_factory import AttrsFactory
    from polyfactory.field_meta import FieldMeta, Null

from ....domain.entities.entity import Entity
from ....domain.entities.schema import FieldSchema
from ....domain.errors import ConfigurationError
from ....domain.unit_of_work.store import Store
from ....domain.unit_of_work.unit_of_work import UnitOfWork
from ...operations.observed_backend import document_store
from .random_values import RandomValues
from .value_bounds import check_names, filled_fields, given, parameters_of

E = TypeVar("E", bound=Entity[Any])

Target = Store[Any] | UnitOfWork[Any]
"""Where entities are stored: a store, in one unit of work of its own, or an open unit of work."""


class EntityFactory(AttrsFactory[E], Generic[E]):
    """The base of factories: inherit it with the entity as type argument, and fix fields as class attributes.

    Every field gets a random value inside the bounds of its validators, whether it has a default or not
    (``__use_defaults__ = True`` keeps defaults); a reference that may be None is None. The entities are new: their
    version is 0. After ``seed_random`` the same calls make the same entities, ids included.
    """

    __is_base_factory__ = True

    @classmethod
    def is_supported_type(cls, value: Any) -> TypeGuard[type[E]]:
        """Tell whether it is an entity class."""
        return isinstance(value, type) and issubclass(value, Entity)

    @classmethod
    def get_model_fields(cls) -> list[FieldMeta]:
        """Return the fields that the factory fills."""
        return [
            FieldMeta(name=name, annotation=_annotation(field), default=_default(field.attribute))
            for name, field in filled_fields(cls.__model__).items()
        ]

    @classmethod
    def get_field_value(cls, field_meta: FieldMeta, *_: Any, **__: Any) -> Any:
        """Return a random value for a field.

        Raises:
            ConfigurationError: if none is found.
        """
        field = filled_fields(cls.__model__)[field_meta.name]
        value = RandomValues(cls.__random__).field(cls.__model__, field)
        return Null if value is attrs.NOTHING else value

    @classmethod
    def process_kwargs(cls, **kwargs: Any) -> dict[str, Any]:
        """Return a value for each parameter of the constructor.

        Raises:
            ConfigurationError: for a name that it does not take, and for a field for which no value is found.
        """
        check_names(cls.__model__, (name for name in kwargs if not name.startswith("_build")))
        parameters = parameters_of(cls.__model__)
        found = super().process_kwargs(**kwargs)
        return {name: given(parameters.get(name), value) for name, value in found.items()}

    @overload
    @classmethod
    def save(cls, target: Target, *, count: None = None, **values: Any) -> E: ...
    @overload
    @classmethod
    def save(cls, target: Target, *, count: int, **values: Any) -> list[E]: ...
    @classmethod
    def save(cls, target: Target, *, count: int | None = None, **values: Any) -> E | list[E]:
        """Build one entity, or as many as `count` says, and store them through the hooks and rules of a unit of work.

        Args:
            target: a store, where one unit of work commits them all, or an open unit of work.
            count: how many; without it one is returned, not in a list.
            values: fields of all of them; for a reference, also the entity that it is to.

        Raises:
            ConfigurationError: if the store keeps no such entities, and for names as `build` does.
            ValidationError: if a value is not allowed.
            DuplicateKey: if a unique value is taken.
        """
        made = cls.batch(1 if count is None else count, **values)
        StorePersistence[E](target).save_many(made)
        return made[0] if count is None else made


class StorePersistence(Generic[E]):
    """polyfactory's persistence through a unit of work: ``__sync_persistence__ = StorePersistence(store)``."""

    def __init__(self, target: Target) -> None:
        self._target = target

    def save(self, data: E) -> E:
        """Store one entity."""
        return self.save_many([data])[0]

    def save_many(self, data: list[E]) -> list[E]:
        """Store entities, all or none of them."""
        if isinstance(self._target, UnitOfWork):
            _add(self._target, data)
        else:
            with document_store(self._target).unit_of_work() as uow:
                _add(uow, data)
        return data


def factory_of(entity: type[E], /, **values: Any) -> type[EntityFactory[E]]:
    """Make a factory from an entity class.

    Args:
        entity: the class.
        values: fields that all of its entities have; values, callables in ``Use``, and what else polyfactory takes.

    Raises:
        ConfigurationError: for a name that the class does not take.
    """
    check_names(entity, values)
    body = {"__model__": entity, "__module__": __name__, **values}
    return type(f"{entity.__name__}Factory", (EntityFactory,), body)


def _add(uow: UnitOfWork[Any], entities: Iterable[Entity[Any]]) -> None:
    for entity in entities:
        _repository(uow, type(entity)).add(entity)


def _repository(uow: UnitOfWork[Any], entity: type[Entity[Any]]) -> Any:
    """The repository of a unit that keeps entities of a class."""
    for base in type(uow).__mro__:
        for name in get_annotations(base):
            repository = None if name.startswith("_") else getattr(uow, name, None)
            if getattr(repository, "entity", None) is entity:
                return repository
    raise ConfigurationError(f"{type(uow).__name__} has no repository of {entity.__name__} entities")


def _annotation(field: FieldSchema) -> Any:
    return field.type.annotation


def _default(attribute: "attrs.Attribute[Any]") -> Any:
    """A field's default as polyfactory wants it: it asks only whether there is one."""
    return Null if attribute.default is attrs.NOTHING else attribute.default
