"""Repositories: collections of entities, as the domain sees them.

Every public method lives here, for every backend. What a repository asks of the adapter behind it is its
`Gateway`.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar, cast, get_args

from attrs import evolve, frozen
from typing_extensions import get_original_bases

from .entity import Entity, EntityT, IdT
from .errors import InvalidQuery, Problem, TooManyResults, ValidationError
from .predicates import Predicate
from .queries import FIND_BOUND, Page, Query, Sort, check_bounds, skip_of_page, sort_keys
from .rollup_capture import Words, captured_rollup, rollup_sort
from .rollups import Rollup
from .specification import Where, specification_of

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
    """

    fields: tuple[str, ...]
    sparse: bool = False

    def __init__(self, *fields: str, sparse: bool = False) -> None:
        self.__attrs_init__(fields, sparse)


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

    @abstractmethod
    def get(self, id: IdT, version: int | None) -> EntityT:
        """Return the entity, or raise `NotFound`; with a version, `VersionConflict` if it has another."""

    @abstractmethod
    def find(self, query: Query) -> list[EntityT]:
        """Return what matches."""

    @abstractmethod
    def stream(self, query: Query) -> Iterator[EntityT]:
        """Yield what matches, untracked, holding a bounded number of entities at a time."""

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


class ReadRepository(Generic[EntityT, IdT]):
    """The reading half of a repository: a port that inherits it is for readers too, and holds the named queries."""

    entity: ClassVar[type[Entity[Any]]]
    """The class of the entities, taken from the type argument."""

    def __init__(self, gateway: Gateway[EntityT, IdT]) -> None:
        self._gateway = gateway

    def __init_subclass__(cls, **options: object) -> None:
        """Take the entity's class from the type argument."""
        super().__init_subclass__(**options)
        for base in get_original_bases(cls):
            for argument in get_args(base)[:1]:
                if isinstance(argument, type) and issubclass(argument, Entity):
                    cls.entity = argument

    def get(self, id: IdT, *, version: int | None = None) -> EntityT:
        """Return the entity with that id.

        Args:
            id: its id.
            version: the version that the caller saw, for example before a form travelled to a browser and back.

        Raises:
            NotFound: if there is none.
            VersionConflict: if it has another version.
        """
        return self._gateway.get(id, version)

    def find(
        self, rule: Where[EntityT] = None, *, sort: Sort = (), skip: int = 0, limit: int | None = None
    ) -> Sequence[EntityT]:
        """Return the entities that obey a rule.

        Args:
            rule: a lambda over the entity, a `Specification`, or None for all.
            sort: attribute names, ``-`` for the largest first. Without it the order is the store's.
            skip: how many to pass over.
            limit: the most to return. Without it, at most `FIND_BOUND`.

        Raises:
            InvalidQuery: if rule, sort or bounds cannot be asked.
            TooManyResults: if there is no limit and more than `FIND_BOUND` match.
        """
        query = self._query(rule, sort, skip, limit)
        if limit is not None:
            return self._gateway.find(query)
        found = self._gateway.find(evolve(query, limit=FIND_BOUND + 1))
        if len(found) > FIND_BOUND:
            raise TooManyResults(self.entity.__name__, FIND_BOUND)
        return found

    def first(self, rule: Where[EntityT] = None, *, sort: Sort = ()) -> EntityT | None:
        """Return the first entity that obeys a rule, or None."""
        found = self._gateway.find(self._query(rule, sort, 0, 1))
        return found[0] if found else None

    def stream(self, rule: Where[EntityT] = None, *, sort: Sort = ()) -> Iterator[EntityT]:
        """Yield every entity that obeys a rule, however many there are; none is tracked by a unit of work."""
        return self._gateway.stream(self._query(rule, sort, 0, None))

    def count(self, rule: Where[EntityT] = None) -> int:
        """Count the entities that obey a rule."""
        return self._gateway.count(self._predicate(rule), None)

    def exists(self, rule: Where[EntityT] = None) -> bool:
        """Tell whether any entity obeys a rule."""
        return self._gateway.count(self._predicate(rule), 1) > 0

    def page(self, rule: Where[EntityT] = None, *, page: int = 1, limit: int = 20, sort: Sort = ()) -> Page[EntityT]:
        """Return one page of the entities that obey a rule, by its number.

        The id is added to the order, so that no two pages share an entity while nothing changes.

        Args:
            rule: a lambda over the entity, a `Specification`, or None for all.
            page: the number, from 1.
            limit: the most items on a page, 1 to `FIND_BOUND`.
            sort: attribute names, ``-`` for the largest first.

        Raises:
            InvalidQuery: if rule, sort, page or limit cannot be asked.
        """
        skip = skip_of_page(page, limit)
        query = self._query(rule, sort, skip, limit, total=True)
        items = tuple(self._gateway.find(query))
        tells_the_total = 0 < len(items) < limit or (not items and skip == 0)
        total = skip + len(items) if tells_the_total else self._gateway.count(query.predicate, None)
        return Page(items, page, limit, total)

    def rollup(
        self,
        view: type[ViewT],
        rule: Where[EntityT] = None,
        *,
        by: Words[EntityT] = None,
        values: Words[EntityT] = None,
        sort: Sort = (),
        limit: int | None = None,
    ) -> Sequence[ViewT]:
        """Group the entities that obey a rule, and return a row for each group; the store adds up.

        Args:
            view: a plain attrs class; each of its fields is named in `by` or in `values`.
            rule: a lambda over the entity, a `Specification`, or None for all.
            by: a lambda over the entity that gives a dictionary: what the entities of a group have in common, fields or
                `bucket`. Without it all entities are one group, and there is one row even where nothing obeys the rule.
            values: a lambda over the entity that gives a dictionary: `count`, `total`, `average`, `smallest`,
                `largest`, `distinct_count`.
            sort: names of the view, ``-`` for the largest first. Rows that are alike in it are in the order of `by`.
            limit: the most rows. Without it, at most `FIND_BOUND`.

        Raises:
            InvalidQuery: if any of it cannot be asked, or the view does not fit.
            TooManyResults: if there is no limit and there are more than `FIND_BOUND` groups.
            ValidationError: if a stored value fits neither the rollup nor the view.
        """
        check_bounds(0, limit)
        entity = cast("type[EntityT]", self.entity)
        captured = captured_rollup(entity, view, self._predicate(rule), by=by, values=values)
        wanted = evolve(captured, sort=rollup_sort(view, sort), limit=limit or FIND_BOUND + 1)
        found = self._gateway.rollup(wanted, view)
        if limit is None and len(found) > FIND_BOUND:
            raise TooManyResults(view.__name__, FIND_BOUND, advice="pass a limit, or group more coarsely")
        return found

    def _predicate(self, rule: Where[EntityT]) -> Predicate:
        return specification_of(cast("type[EntityT]", self.entity), rule).predicate

    def _query(self, rule: Where[EntityT], sort: Sort, skip: int, limit: int | None, *, total: bool = False) -> Query:
        check_bounds(skip, limit)
        return Query(self._predicate(rule), sort_keys(self.entity, sort, total=total), skip, limit)


class Repository(ReadRepository[EntityT, IdT]):
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
