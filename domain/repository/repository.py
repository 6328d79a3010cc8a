"""Repositories: collections of entities, as the domain sees them.

Every public method lives here, in `read_repository` or in `bulk_repository`, for every backend. What a repository asks
of the adapter behind it is its `Gateway`.
"""

from typing import ClassVar

from ..entities.entity import EntityT, IdT
from ..errors import InvalidQuery, Problem, ValidationError
from .bulk_repository import BulkRepository
from .hooks import Hooks
from .read_repository import ReadRepository
from .unique import Unique


class Repository(ReadRepository[EntityT, IdT], BulkRepository[EntityT], Hooks[EntityT]):
    """A collection of entities: inherit it with the entity as type argument, and add named queries.

    Its `Hooks` run on every write path of every backend; override those that are needed.
    """

    unique: ClassVar[tuple[Unique, ...]] = ()
    """The unique keys of the entities."""

    def add(self, entity: EntityT) -> None:
        """Store a new entity when the unit of work commits.

        Raises:
            InvalidQuery: if it is not of this repository's class.
            UnitOfWorkError: if another object with its id belongs to the unit.
        """
        self._gateway.add(self._own(entity))

    def remove(self, entity: EntityT) -> None:
        """Remove an entity when the unit of work commits.

        One that the unit did not load is attached first.

        Raises:
            VersionConflict: if it moved on, or is gone already.
        """
        self._gateway.remove(self._own(entity))

    def attach(self, entity: EntityT) -> None:
        """Save the edits of an entity that a reader or an earlier unit of work loaded.

        Raises:
            VersionConflict: if the stored entity has another version than this one.
            UnitOfWorkError: if another object with its id belongs to the unit.
        """
        self._gateway.attach(self._own(entity))

    def refresh(self, entity: EntityT) -> None:
        """Discard the edits of an entity: give it the stored values, as this unit of work sees them.

        Raises:
            NotFound: if it is not stored.
        """
        self._gateway.refresh(self._own(entity))

    def _own(self, entity: EntityT) -> EntityT:
        if type(entity) is not self.entity:
            raise InvalidQuery(f"this repository keeps {self.entity.__name__} entities, not {type(entity).__name__}")
        try:
            hash(entity.id)
        except TypeError:
            problem = Problem("id", f"cannot be a {type(entity.id).__name__}")
            raise ValidationError([problem], entity=self.entity.__name__) from None
        return entity
