"""The reading half of repositories: every question that can be asked, for every backend."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Generic, Self, TypeVar, cast, get_args, overload

from attrs import evolve
from typing_extensions import get_original_bases

from ..entities.entity import Entity, EntityT, IdT
from ..errors import InvalidQuery, NotFound, TooManyResults
from ..queries.field_selectors import asked_field, once, references
from ..queries.pages import Page, page_request
from ..queries.query import FIND_BOUND, Query, Sort, check_bounds, sort_keys
from ..queries.rollup_capture import Words, captured_rollup, rollup_sort
from ..queries.views import paths_of
from ..rules.predicates import Predicate
from ..rules.specification import Where, specification_of
from .caching import DEFAULT_TTL, CacheOptions
from .gateway import Gateway, ViewT

T = TypeVar("T")


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

    def cached(self, *, ttl: float = DEFAULT_TTL, key: str | None = None, compress: bool = False) -> Self:
        """Return this repository with its reads through the cache of the store; named queries are read so too.

        After a commit has returned, no read through the cache that it invalidated is older. Units of work, snapshots
        and streams ask the store in any case.

        Args:
            ttl: seconds that a result may be kept.
            key: a name for the results, to find them by in a shared cache; different questions never share a result.
            compress: whether to compress results above 1 KiB.

        Raises:
            InvalidQuery: for a time or a key that is none.
        """
        options = CacheOptions(ttl=ttl, key=key, compress=compress)
        return type(self)(self._gateway.cached(options, by_default=False))

    def cached_by_default(self, options: CacheOptions) -> Self:
        """Return this repository with these options, unless its reader has chosen others; `cacheable` calls it."""
        return type(self)(self._gateway.cached(options, by_default=True))

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

    def get_many(self, ids: Iterable[IdT]) -> Sequence[EntityT]:
        """Return the entities with these ids, in their order; one that is named twice stands there twice.

        One query serves up to `FIND_BOUND` ids; a unit of work asks only for those that it does not know.

        Raises:
            NotFound: if any is missing, naming all that are.
        """
        if isinstance(ids, str | bytes):
            raise InvalidQuery(f"get_many() takes several ids, not {type(ids).__name__}: use get() for one")
        wanted = tuple(ids)
        different = once(wanted)
        found = self._gateway.get_many(different)
        missing = [id for id in different if id not in found]
        if missing:
            raise NotFound(self.entity.__name__, *missing)
        return [found[id] for id in wanted]

    def populate(
        self, entities: Iterable[T], reference: Callable[[T], IdT | Iterable[IdT | None] | None]
    ) -> Mapping[IdT, EntityT]:
        """Return what other entities refer to, by id: one query for all of them, not one for each.

        ::

            owners = core.users.populate(projects, lambda project: project.owner_id)
            owner = owners.get(project.owner_id)

        Args:
            entities: those that refer, such as the items of a page.
            reference: gives the id, or several, or None. References that lead nowhere are left out of the answer.

        Raises:
            InvalidQuery: for what cannot be an id.
        """
        ids = references(entities, reference)
        return self._gateway.get_many(ids) if ids else {}

    @overload
    def find(
        self, rule: Where[EntityT] = None, *, sort: Sort = (), skip: int = 0, limit: int | None = None
    ) -> Sequence[EntityT]: ...
    @overload
    def find(
        self,
        rule: Where[EntityT] = None,
        *,
        select: type[ViewT],
        sort: Sort = (),
        skip: int = 0,
        limit: int | None = None,
    ) -> Sequence[ViewT]: ...
    def find(
        self,
        rule: Where[EntityT] = None,
        *,
        sort: Sort = (),
        skip: int = 0,
        limit: int | None = None,
        select: type[Any] | None = None,
    ) -> Sequence[Any]:
        """Return the entities that obey a rule.

        Args:
            rule: a lambda over the entity, a `Specification`, or None for all.
            sort: attribute names, ``-`` for the largest first. Without it the order is the store's.
            skip: how many to pass over.
            limit: the most to return. Without it, at most `FIND_BOUND`.
            select: a plain attrs class with some of the entity's fields: only those are read, and objects of
                that class returned, which no unit of work tracks.

        Raises:
            InvalidQuery: if rule, sort, bounds or view cannot be asked.
            TooManyResults: if there is no limit and more than `FIND_BOUND` match.
        """
        query = self._query(rule, sort, skip, limit, select)
        if limit is not None:
            return self._gateway.find(query, select)
        found = self._gateway.find(evolve(query, limit=FIND_BOUND + 1), select)
        if len(found) > FIND_BOUND:
            raise TooManyResults(self.entity.__name__, FIND_BOUND)
        return found

    @overload
    def first(self, rule: Where[EntityT] = None, *, sort: Sort = ()) -> EntityT | None: ...
    @overload
    def first(self, rule: Where[EntityT] = None, *, select: type[ViewT], sort: Sort = ()) -> ViewT | None: ...
    def first(self, rule: Where[EntityT] = None, *, sort: Sort = (), select: type[Any] | None = None) -> Any:
        """Return the first entity that obeys a rule, or None; with ``select`` a view of it."""
        found = self._gateway.find(self._query(rule, sort, 0, 1, select), select)
        return found[0] if found else None

    @overload
    def stream(self, rule: Where[EntityT] = None, *, sort: Sort = ()) -> Iterator[EntityT]: ...
    @overload
    def stream(self, rule: Where[EntityT] = None, *, select: type[ViewT], sort: Sort = ()) -> Iterator[ViewT]: ...
    def stream(self, rule: Where[EntityT] = None, *, sort: Sort = (), select: type[Any] | None = None) -> Iterator[Any]:
        """Yield every entity that obeys a rule, however many there are; none is tracked by a unit of work.

        A bounded number is held at a time. Ending the loop early gives the server's cursor back.
        """
        return self._streamed(self._gateway.stream(self._query(rule, sort, 0, None, select), select))

    def _streamed(self, found: Iterator[Any]) -> Iterator[Any]:
        """Pass a stream on: while it is read, the repository is on the stack, as it is in every other call."""
        yield from found

    def count(self, rule: Where[EntityT] = None) -> int:
        """Count the entities that obey a rule."""
        return self._gateway.count(self._predicate(rule), None)

    def exists(self, rule: Where[EntityT] = None) -> bool:
        """Tell whether any entity obeys a rule."""
        return self._gateway.count(self._predicate(rule), 1) > 0

    @overload
    def distinct(
        self,
        field: Callable[[EntityT], list[T] | tuple[T, ...] | set[T] | frozenset[T] | None],
        rule: Where[EntityT] = None,
    ) -> Sequence[T]: ...
    @overload
    def distinct(self, field: Callable[[EntityT], T | None], rule: Where[EntityT] = None) -> Sequence[T]: ...
    def distinct(self, field: Callable[[EntityT], Any], rule: Where[EntityT] = None) -> Sequence[Any]:
        """Return the different values that a field has, in MongoDB's order of values and without None.

        Args:
            field: a lambda that gives it, such as ``lambda u: u.status``; of a list field the items count.
            rule: which entities; None for all.

        Raises:
            InvalidQuery: if it gives no field, or one whose values have no order.
        """
        return self._gateway.distinct(asked_field(self.entity, field), self._predicate(rule))

    @overload
    def page(
        self,
        rule: Where[EntityT] = None,
        *,
        page: int | None = None,
        limit: int = 20,
        sort: Sort = (),
        total: bool | None = None,
        after: str | None = None,
        before: str | None = None,
    ) -> Page[EntityT]: ...
    @overload
    def page(
        self,
        rule: Where[EntityT] = None,
        *,
        select: type[ViewT],
        page: int | None = None,
        limit: int = 20,
        sort: Sort = (),
        total: bool | None = None,
        after: str | None = None,
        before: str | None = None,
    ) -> Page[ViewT]: ...
    def page(
        self,
        rule: Where[EntityT] = None,
        *,
        page: int | None = None,
        limit: int = 20,
        sort: Sort = (),
        total: bool | None = None,
        after: str | None = None,
        before: str | None = None,
        select: type[Any] | None = None,
    ) -> Page[Any]:
        """Return one page of the entities that obey a rule: by its number, or from a cursor of another page.

        The id is added to the order, so that no two entities are alike in it. Pages by number share no entity while
        nothing changes, and cost as much as all pages before them; from a cursor they leave none out and repeat none
        whatever others add and remove, and cost the same everywhere.

        Args:
            rule: a lambda over the entity, a `Specification`, or None for all.
            page: the number, from 1; the first page without a cursor.
            limit: the most items on a page, 1 to `FIND_BOUND`.
            sort: attribute names, ``-`` for the largest first.
            total: whether to count all of them: by number they are counted unless it is False, from a cursor only
                if it is True.
            after: the ``next_cursor`` of a page with the same rule and sort: the page that follows it.
            before: the ``prev_cursor`` of such a page: the page before it, in the same order.
            select: a plain attrs class with some of the entity's fields, for views in place of entities.

        Raises:
            InvalidQuery: if rule, sort, page, limit, view or cursor cannot be asked, or a field of the order holds
                a list, a dictionary or a secret.
        """
        query = evolve(self._query(rule, sort, 0, None, select), sort=sort_keys(self.entity, sort, total=True))
        request = page_request(query, page=page, limit=limit, after=after, before=before, total=total, view=select)
        return self._gateway.page(request)

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

    def _query(self, rule: Where[EntityT], sort: Sort, skip: int, limit: int | None, select: type[Any] | None) -> Query:
        check_bounds(skip, limit)
        paths = None if select is None else paths_of(self.entity, select)
        return Query(self._predicate(rule), sort_keys(self.entity, sort), skip, limit, paths)
