"""The named queries of a store whose plan looks at every document of a collection.

>>> from tristore import open_stores
>>> stores = open_stores(core="memory://")
>>> scans(stores.core).scans
()
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from attrs import evolve, frozen

from ....domain.errors import ConfigurationError, TristoreError
from ....domain.queries.query import Query
from ....domain.queries.rollups import Rollup
from ....domain.repository.read_repository import ReadRepository
from ....domain.rules.predicates import EVERYTHING, All, AnyOf, Path, Predicate
from ....domain.unit_of_work.store import Store
from ...backend import Backend, Cursor, Document, Transaction
from ...backend.administration import QueryPlan
from ...memory.backend import MemoryBackend
from ...mongo.translation.filters import to_filter, to_sort
from ...mongo.translation.query_shapes import shape_of_filter
from ..observed_backend import ObservedBackend, Operation, document_store, plugged
from .candidates import Candidates
from .named_queries import arguments_of, named_queries
from .suggestions import Keys, shown_keys, suggested

T = TypeVar("T")

_BEYOND_ANY_PAGE = 1_000


@frozen
class Scan:
    """A query that no index serves.

    Attributes:
        store: the store's name.
        collection: where.
        place: the named query, or the line of code that asked.
        text: what is asked, with ``?`` for each value.
        plan: how it is carried out.
        suggestion: the keys of an index that would serve it.
    """

    store: str
    collection: str
    place: str
    text: str
    plan: QueryPlan
    suggestion: Keys

    def __str__(self) -> str:
        keys = shown_keys(self.suggestion)
        wanted = f"; an index on {keys} would serve it" if keys else ""
        return f"{self.place} asks {self.collection} for {self.text}: {self.plan.summary}{wanted}"


@frozen
class ScanReport:
    """What became of the named queries of a store.

    Attributes:
        scans: those that no index serves.
        explained: the named queries that were explained, as ``Repository.query``.
        skipped: those that were not, with the reason.
    """

    scans: tuple[Scan, ...]
    explained: tuple[str, ...]
    skipped: tuple[str, ...]


def scans(store: Store[Any]) -> ScanReport:
    """Explain every named query of a store, with made-up arguments; none is carried out.

    What reads a whole collection on purpose, without a rule and an order, is no scan. A rule that only the order of an
    index helps is one: every key of the index is looked at, until enough documents obey it.

    Args:
        store: one that `open_store` or `open_stores` made, in memory or on a server; prepared, for a server does not
            plan for a collection that is not there.

    Raises:
        ConfigurationError: if its backend explains nothing.
    """
    target = document_store(store)
    found: dict[tuple[str, str], Scan] = {}
    explained: list[str] = []
    skipped: list[str] = []
    place = ""
    explainer = _Explainer(target.name, target.backend, lambda: place)
    with plugged(target, explainer), target.reader() as reader:
        for name, binding in target.environment.bindings.items():
            repository = getattr(reader, name, None)
            if not isinstance(repository, ReadRepository):
                continue  # no reader of the store has it
            for query, function in named_queries(binding.repository):
                if not hasattr(repository, query):
                    continue  # it writes
                place = f"{binding.repository.__name__}.{query}"
                problem = _called(repository, function, binding.repository.entity)
                if explainer.seen:
                    explained.append(place)
                elif problem is not None:
                    skipped.append(f"{place}: {problem}")
                for one in explainer.take():
                    found.setdefault((place, one.text), one)
    return ScanReport(tuple(found.values()), tuple(explained), tuple(skipped))


class Explaining(ObservedBackend):
    """Explains every read before it is handed on; a subclass hands it on.

    Args:
        store: the store's name.
        inner: its backend.
        place: says who asks.
    """

    def __init__(self, store: str, inner: Backend, place: Callable[[], str]) -> None:
        super().__init__(inner)
        self._store = store
        self._place = place
        self._scans: list[Scan] = []
        self.seen = False

    def take(self) -> list[Scan]:
        """Return what was found since the last time."""
        found, self._scans, self.seen = self._scans, [], False
        return found

    def note(self, collection: str, query: Query) -> None:
        """Explain a query, and remember it if nothing serves it."""
        self.seen = True
        if query.predicate == EVERYTHING and not query.sort:
            return
        plan = _explained(self.inner, collection, query)
        if plan.scans:
            shape = shape_of_filter("find", collection, to_filter(query.predicate), to_sort(query.sort))
            self._scans.append(Scan(self._store, collection, self._place(), shape.text, plan, suggested(shape)))

    def _around(self, operation: Operation, call: Callable[[], T]) -> T:
        return call()


class _Explainer(Explaining):
    """Explains, and finds nothing."""

    def find(self, collection: str, query: Query, *, transaction: Transaction | None, timeout: float) -> Cursor:
        """Return nothing."""
        self.note(collection, query)
        return _Nothing()

    def count(
        self,
        collection: str,
        predicate: Predicate,
        *,
        limit: int | None,
        transaction: Transaction | None,
        timeout: float,
    ) -> int:
        """Count nothing."""
        self.note(collection, Query(predicate))
        return 0

    def distinct(
        self, collection: str, path: Path, predicate: Predicate, *, transaction: Transaction | None, timeout: float
    ) -> list[Any]:
        """Return nothing."""
        self.note(collection, Query(predicate))
        return []

    def rollup(
        self, collection: str, rollup: Rollup, *, transaction: Transaction | None, timeout: float
    ) -> list[Document]:
        """Return no group."""
        self.note(collection, Query(rollup.predicate))
        return []

    def aggregate(
        self, collection: str, pipeline: Sequence[Mapping[str, Any]], *, transaction: Transaction | None, timeout: float
    ) -> list[Document]:
        """Return nothing: a pipeline of the server's own words is not explained."""
        return []


class _Nothing:
    """A cursor over no documents."""

    def __iter__(self) -> Iterator[Document]:
        return iter(())

    def to_list(self) -> list[Document]:
        return []

    def close(self) -> None:
        """Nothing is open."""


def _explained(backend: Backend, collection: str, query: Query) -> QueryPlan:
    while isinstance(backend, ObservedBackend):
        backend = backend.inner
    if isinstance(backend, MemoryBackend):
        bounded = evolve(query, limit=query.limit or _BEYOND_ANY_PAGE)
        found = backend.explain(collection, bounded)
        return QueryPlan(found.way, scans=not _is_served(backend, collection, bounded), sorts=found.sorts)
    administration = backend.administration()
    if administration is None:
        raise ConfigurationError(f"{backend.location} tells no plan of a query: look for scans in memory or on MongoDB")
    return administration.explain(collection, query)


def _is_served(backend: MemoryBackend, collection: str, query: Query) -> bool:
    """Whether an index could serve a query; of several ways to match, each must have one, as for a server."""
    # an index that only has the order of a rule without one is looked at until enough documents obey it
    if backend.explain(collection, query if query.predicate == EVERYTHING else evolve(query, sort=())).usable:
        return True
    parts = query.predicate.parts if isinstance(query.predicate, All) else (query.predicate,)
    choices = [part.parts for part in parts if isinstance(part, AnyOf) and part.parts]
    return any(
        all(_is_served(backend, collection, evolve(query, predicate=one, sort=())) for one in choice)
        for choice in choices
    )


def _called(repository: Any, query: Callable[..., Any], entity: type[Any]) -> str | None:
    """Call a named query with the first value for each parameter that needs one; say why it could not be."""
    try:
        required, _ = arguments_of(query, entity, Candidates())
        given = {name: values[0] for name, values in required.items()}
    except (ConfigurationError, IndexError) as error:
        return str(error)
    try:
        found = getattr(repository, query.__name__)(**given)
        if isinstance(found, Iterator):
            next(found, None)
    except TristoreError as error:
        return str(error)
    except Exception as error:  # noqa: BLE001 - it was told that nothing was found, which may be more than it expects
        return f"{type(error).__name__}: {error}"
    return None
