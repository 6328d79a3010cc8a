"""Repositories: collections of entities, as the domain sees them.

Every public method lives here or in `read_repository`, for every backend. What a repository asks of the adapter behind
it is its `Gateway`.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from attrs import frozen

from .bulk import BulkResult
from .bulk_repository import BulkRepository
from .caching import CacheOptions
from .entity import EntityT, IdT
from .errors import InvalidQuery, Problem, ValidationError
from .modifications import Modification
from .paging import Page, PageRequest
from .predicates import Path, Predicate
from .queries import Query
from .read_repository import ReadRepository
from .rollups import Rollup
from .specification import Where

if TYPE_CHECKING:
    from .unit_of_work import UnitOfWork

ViewT = TypeVar("ViewT")


@frozen(init=False)
class Unique:
    """A unique key of a repository: no two of its entities have the same values in these fields.

    Attributes:
        fields: the attribute names.
        sparse: leave out entities that have none of the fields. Otherwise a missing value counts as None, and
            only one entity may have it.
        where: a rule: only entities that meet it are held to the key. It may compare with ``==``, ``<``, ``<=``,
            ``>``, ``>=``, `one_of` and `is_none`, combined with ``&`` and ``|``; not together with `sparse`.
    """

    fields: tuple[str, ...]
    sparse: bool = False
    where: Where[Any] | None = None

    def __init__(self, *fields: str, sparse: bool = False, where: Where[Any] | None = None) -> None:
        self.__attrs_init__(fields, sparse, where)


@frozen
class Change:
    """What a unit of work is about to save of one entity.

    Attributes:
        fields: the names of the fields that were modified; of a new entity, all of them.
        is_new: whether the entity is stored for the first time.
    """

    fields: frozenset[str]
    is_new: bool


class Gateway(ABC, Generic[EntityT, IdT]):
    """What a repository asks of the adapter behind it. Rules and bounds were checked before it is called."""

    def cached(self, options: CacheOptions, *, by_default: bool) -> "Gateway[EntityT, IdT]":
        """Return the same reads through a cache, where there is one; by default, only if no options were chosen yet."""
        return self

    @abstractmethod
    def get(self, id: IdT, version: int | None) -> EntityT:
        """Return the entity, or raise `NotFound`; with a version, `VersionConflict` if it has another."""

    @abstractmethod
    def get_many(self, ids: Sequence[IdT]) -> Mapping[IdT, EntityT]:
        """Return the entities that there are of these ids; no id stands there twice."""

    @abstractmethod
    def find(self, query: Query, view: type[Any] | None = None) -> list[Any]:
        """Return what matches: entities, or views of what the query selects."""

    @abstractmethod
    def page(self, request: PageRequest) -> Page[Any]:
        """Return one page, with cursors."""

    @abstractmethod
    def stream(self, query: Query, view: type[Any] | None = None) -> Iterator[Any]:
        """Yield what matches, untracked, holding a bounded number of entities at a time."""

    @abstractmethod
    def distinct(self, path: Path, predicate: Predicate) -> list[Any]:
        """Return the different values at a path, without None, in the order of the store."""

    @abstractmethod
    def count(self, predicate: Predicate, limit: int | None) -> int:
        """Count what matches, up to the limit."""

    @abstractmethod
    def rollup(self, rollup: Rollup, view: type[ViewT]) -> list[ViewT]:
        """Return what a rollup works out, a row for each group, as objects of the view."""

    @abstractmethod
    def aggregate(self, pipeline: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Carry out a pipeline in the words of the store; only what declares that it needs them calls this."""

    @abstractmethod
    def add(self, entity: EntityT) -> None:
        """Store a new entity with the unit of work."""

    @abstractmethod
    def remove(self, entity: EntityT) -> None:
        """Remove the entity with the unit of work."""

    @abstractmethod
    def attach(self, entity: EntityT) -> None:
        """Save an entity that another unit of work or a reader loaded, if it did not move on since."""

    @abstractmethod
    def refresh(self, entity: EntityT) -> None:
        """Give the entity the values that are stored, as this unit of work sees them."""

    @abstractmethod
    def add_many(self, entities: Iterator[EntityT], max_errors: int | None) -> BulkResult[EntityT]:
        """Store new entities, which are read one by one."""

    @abstractmethod
    def bulk_update(self, entities: Iterator[EntityT], max_errors: int | None) -> BulkResult[EntityT]:
        """Save entities that were loaded and edited elsewhere, each if it did not move on since."""

    @abstractmethod
    def update_where(self, predicate: Predicate, modification: Modification) -> BulkResult[EntityT]:
        """Change every stored entity that obeys the predicate; the guard of the modification is in it already."""

    @abstractmethod
    def remove_where(self, predicate: Predicate) -> BulkResult[EntityT]:
        """Remove every stored entity that obeys the predicate."""

    @abstractmethod
    def upsert(self, entity: EntityT, same: Predicate) -> EntityT:
        """Store the entity, or give its values to the stored one that obeys `same`; return what is stored."""


class Repository(ReadRepository[EntityT, IdT], BulkRepository[EntityT]):
    """A collection of entities: inherit it with the entity as type argument, and add named queries.

    The hooks at the end run on every write path of every backend; override those that are needed.
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

    def before_save(self, entity: EntityT, change: Change, uow: "UnitOfWork[Any]") -> None:
        """Hook: the entity is about to be written; change it, use other repositories; an error rolls back."""

    def after_commit(self, entity: EntityT) -> None:
        """Hook: the unit that wrote the entity has committed. Runs once; an error is logged and stops nothing."""

    def before_remove(self, entity: EntityT, uow: "UnitOfWork[Any]") -> None:
        """Hook: the entity is about to be removed; remove here what belongs to it. An error rolls back."""

    def _own(self, entity: EntityT) -> EntityT:
        if type(entity) is not self.entity:
            raise InvalidQuery(f"this repository keeps {self.entity.__name__} entities, not {type(entity).__name__}")
        try:
            hash(entity.id)
        except TypeError:
            problem = Problem("id", f"cannot be a {type(entity.id).__name__}")
            raise ValidationError([problem], entity=self.entity.__name__) from None
        return entity


__all__ = ["Change", "Gateway", "ReadRepository", "Repository", "Unique"]
