"""Histories: what units of work and readers do to a store, drawn from its own entities and repositories."""

import inspect
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import chain
from typing import Any

from hypothesis import strategies as st

from ...domain.entity import Entity
from ...domain.errors import ConfigurationError
from ...domain.repository import ReadRepository, Repository, Unique
from ...domain.schema import schema_of
from ...domain.unit_of_work import Store
from ..documents.tracking import Binding
from .generated import Generated, Values, one
from .observed_backend import document_store
from .steps import READER, SNAPSHOT, UNITS, Add, Ask, Edit, End, History, Remove, Step

Steps = st.SearchStrategy[Step]

_HOOKS = frozenset({"before_save", "before_remove", "after_commit"})
_BESIDE_EDITS = frozenset({"id", "version", "created_at", "updated_at"})
_POPULATION = 4
_LONGEST_PART = 8

_writers = one([UNITS[0], UNITS[0], UNITS[1]])
_readers = one([READER, UNITS[0], READER, UNITS[1], UNITS[0], SNAPSHOT])
_bounds = one(
    [{}, {"limit": 1}, {"limit": 2}, {"skip": 1}, {"skip": 2}, {"skip": 1, "limit": 1}, {"skip": 1, "limit": 3}]
)
_pages = one([{"page": page, "limit": limit} for page in (1, 2, 3) for limit in (1, 2, 3)])
_versions = one([{}, {"version": 1}, {"version": 2}])
_ends = one(
    [End(slot, "commit", milliseconds) for milliseconds in (0, 1) for slot in UNITS]
    + [End(slot, how) for slot in UNITS for how in ("flush", "rollback")]
    + [End(SNAPSHOT, "close")]
)


def histories(store: Store[Any], *, values: Values | None = None) -> st.SearchStrategy[History]:
    """Return a strategy for histories over the repositories of a store.

    A history adds entities, edits fields in place or by assignment, removes, gets, finds, counts, pages, calls named
    queries, flushes, commits and rolls back, in two interleaved units of work, a reader that keeps its snapshot, and
    readers of one step each. It touches one or two repositories.

    Args:
        store: one that `open_store` made; nothing is asked of it.
        values: strategies for fields whose values cannot be guessed, by class and field, such as ``"Invoice.number"``.

    Raises:
        ConfigurationError: if a required field has no value that is known; the message says what to give.
    """
    generated = Generated(values)
    subjects = [_Subject(name, binding, generated) for name, binding in _bindings(store)]
    chosen = st.lists(st.sampled_from(range(len(subjects))), min_size=1, max_size=2, unique=True)
    made: dict[tuple[int, ...], st.SearchStrategy[History]] = {}

    def of(numbers: list[int]) -> st.SearchStrategy[History]:
        key = tuple(sorted(numbers))
        if key not in made:
            made[key] = _over([subjects[number] for number in key])
        return made[key]

    return chosen.flatmap(of)


def untried(store: Store[Any], *, values: Values | None = None) -> list[str]:
    """Name the named queries that no history calls, because a parameter has no value that is known."""
    generated = Generated(values)
    return [
        f"{name}.{query}"
        for name, binding in _bindings(store)
        for query, _ in _named_queries(binding.repository)
        if not _arguments(binding, query, generated)
    ]


def _bindings(store: Store[Any]) -> list[tuple[str, Binding]]:
    return list(document_store(store).environment.bindings.items())


def _over(subjects: "list[_Subject]") -> st.SearchStrategy[History]:
    """Entities that one unit commits, and what follows; in parts, so that a history is longer than a list would be."""
    population = st.tuples(*(subject.population for subject in subjects)).map(_joined)
    step = st.one_of(*(subject.steps for subject in subjects), _ends)
    parts = st.lists(st.lists(step, max_size=_LONGEST_PART), max_size=_LONGEST_PART)
    commit: History = [End(UNITS[0], "commit")]

    def joined(begin: History, parts: list[History]) -> History:
        return [*begin, *(commit if begin else []), *_joined(parts)]

    return st.builds(joined, population, parts)


def _joined(parts: Iterable[History]) -> History:
    return list(chain.from_iterable(parts))


class _Subject:
    """The steps that one repository can take part in."""

    def __init__(self, name: str, binding: Binding, generated: Generated) -> None:
        self._name = name
        self._binding = binding
        self._generated = generated
        self._entity: type[Entity[Any]] = binding.repository.entity
        self._entities = generated.entities(self._entity)
        self._ids = generated.values(self._entity, schema_of(self._entity).fields["id"])
        self.population: st.SearchStrategy[History] = st.lists(
            self._entities.map(lambda entity: Add(UNITS[0], name, entity)),
            max_size=_POPULATION,
            unique_by=tuple(self._keys()),
        )
        self.steps: Steps = st.one_of(*self._writing(), *self._reading(), *self._named())

    def _keys(self) -> Iterator[Callable[[Add], str]]:
        """What must differ, so that one unit can commit them all."""
        for key in (Unique("id"), *self._binding.repository.unique):
            yield partial(_values, key)

    def _writing(self) -> Iterator[Steps]:
        yield st.builds(partial(Add, repository=self._name), slot=_writers, entity=self._entities)
        edits = [st.tuples(st.just(name), values) for name, values in self._editable()]
        for _ in range(2):
            yield st.builds(
                lambda slot, id_, edit: Edit(slot, self._name, id_, *edit), _writers, self._ids, st.one_of(edits)
            )
        yield st.builds(partial(Remove, repository=self._name), slot=_writers, id=self._ids)

    def _editable(self) -> Iterator[tuple[str, st.SearchStrategy[Any]]]:
        for field in schema_of(self._entity).fields.values():
            if field.name not in _BESIDE_EDITS:
                try:
                    yield field.name, self._generated.values(self._entity, field)
                except ConfigurationError:
                    continue  # of a type that only the user knows, with a default

    def _reading(self) -> Iterator[Steps]:
        """Finds and pages, in total orders: what a store may answer in any order cannot be compared."""
        rules = self._generated.specifications(self._entity)
        sort = self._generated.orders(self._entity)
        for _ in range(2):
            yield self._ask("find", rules, _bounds, sort)
        yield self._ask("page", rules, _pages, sort)
        yield self._ask("first", rules, st.just({}), sort)
        yield self._ask("stream", rules, st.just({}), sort)
        yield self._ask("count", rules, st.just({}))
        yield self._ask("exists", rules, st.just({}))
        yield self._ask("get", self._ids, _versions)

    def _named(self) -> Iterator[Steps]:
        for query, _ in _named_queries(self._binding.repository):
            arguments = _arguments(self._binding, query, self._generated)
            if arguments:
                asked = partial(Ask, repository=self._name, method=query)
                yield st.builds(asked, slot=_readers, named=arguments[0])

    def _ask(
        self,
        method: str,
        about: st.SearchStrategy[Any],
        named: st.SearchStrategy[dict[str, Any]],
        sort: st.SearchStrategy[tuple[str, ...]] | None = None,
    ) -> Steps:
        """A method that takes one argument without a name, and where it has one, an order."""

        def ask(slot: str, argument: Any, given: dict[str, Any], order: tuple[str, ...] | None) -> Ask:
            return Ask(slot, self._name, method, (argument,), given if order is None else {"sort": order, **given})

        return st.builds(ask, _readers, about, named, st.none() if sort is None else sort)


def _values(key: Unique, step: Add) -> str:
    """The values of a unique key; of a sparse one that has none, the id in their place."""
    values = [getattr(step.entity, name, None) for name in key.fields]
    left_out = key.sparse and all(value is None for value in values)
    return repr(step.entity.id if left_out else values)


def _named_queries(repository: type[Repository[Any, Any]]) -> Iterator[tuple[str, Callable[..., Any]]]:
    """Yield the public methods that a repository adds to those of the framework."""
    for name, function in inspect.getmembers(repository, inspect.isfunction):
        if not (name.startswith("_") or name in _HOOKS or hasattr(Repository, name) or hasattr(ReadRepository, name)):
            yield name, function


def _arguments(binding: Binding, query: str, generated: Generated) -> list[st.SearchStrategy[dict[str, Any]]]:
    """The strategy for the arguments of a named query; none if a parameter has no value that is known."""
    function = getattr(binding.repository, query)
    try:
        return [generated.arguments(function, binding.repository.entity)]
    except (ConfigurationError, NameError, TypeError):
        return []


__all__ = ["histories", "untried"]
