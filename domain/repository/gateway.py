"""What a repository asks of the adapter behind it."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Generic, TypeVar

from ..bulk_result import BulkResult
from ..entities.entity import EntityT, IdT
from ..queries.pages import Page, PageRequest
from ..queries.query import Query
from ..queries.rollups import Rollup
from ..rules.predicates import Path, Predicate
from .caching import CacheOptions
from .modifications import Modification

ViewT = TypeVar("ViewT")


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
