"""Histories: what units of work and readers do to a store, drawn from its own entities and repositories."""

from collections.abc import Callable, Iterable
from functools import partial
from itertools import chain
from typing import Any

from hypothesis import strategies as st

from ....domain.entities.entity import Entity
from ....domain.entities.schema import schema_of
from ....domain.errors import ConfigurationError
from ....domain.repository.unique import Unique
from ....domain.unit_of_work.store import Store
from ...documents.collections.bindings import Binding
from ...operations.observed_backend import document_store
from ...operations.upkeep.candidates import Values
from ...operations.upkeep.named_queries import named_queries
from .generated import PALETTES, Draw, Generated, Table, Topic, given, one
from .steps import READER, SNAPSHOT, UNITS, Add, Ask, Edit, End, History, Remove, Step

_OUT_OF_FOCUS = frozenset({"id", "updated_at"})
"""Every history has to do with ids; a history about any other field has a better chance to find something."""
_POPULATION = 4
_LONGEST_PART = 8

_WRITERS = (UNITS[0], UNITS[0], UNITS[1])
_READERS = (READER, UNITS[0], READER, UNITS[1], UNITS[0], SNAPSHOT)
_BOUNDS: tuple[dict[str, int], ...] = (
    *({}, {"limit": 1}, {"limit": 2}, {"skip": 1}, {"skip": 2}),
    *({"skip": 1, "limit": 1}, {"skip": 1, "limit": 3}),
)
_PAGES = tuple({"page": page, "limit": limit} for page in (1, 2, 3) for limit in (1, 2, 3))
_VERSIONS: tuple[dict[str, int], ...] = ({}, {"version": 1}, {"version": 2})
_ENDS = (
    *(End(slot, "commit", milliseconds) for milliseconds in (0, 1) for slot in UNITS),
    *(End(slot, how) for slot in UNITS for how in ("flush", "rollback")),
    End(SNAPSHOT, "close"),
)
_SHARE_OF_ENDS = 7
"""One step in so many ends something."""


def histories(store: Store[Any], *, values: Values | None = None) -> st.SearchStrategy[History]:
    """Return a strategy for histories over the repositories of a store.

    A history adds entities, edits fields in place or by assignment, removes, gets, finds, counts, pages, calls named
    queries, flushes, commits and rolls back, in two interleaved units of work, a reader that keeps its snapshot, and
    readers of one step each. Each is about one or two repositories, one or two fields of them, and often about a few
    of their values alone.

    Args:
        store: one that `open_store` made; nothing is asked of it.
        values: values of fields that cannot be guessed, by class and field, such as ``"Invoice.number"``.

    Raises:
        ConfigurationError: if a required field has no value that is known; the message says what to give.
    """
    generated = Generated(values)
    subjects = [_Subject(name, binding, generated) for name, binding in _bindings(store)]
    return _history(subjects)


def untried(store: Store[Any], *, values: Values | None = None) -> list[str]:
    """Name the named queries that no history calls, because a parameter has no value that is known."""
    generated = Generated(values)
    return [
        f"{name}.{query}"
        for name, binding in _bindings(store)
        for query, function in named_queries(binding.repository)
        if _arguments(function, binding, generated) is None
    ]


def _bindings(store: Store[Any]) -> list[tuple[str, Binding]]:
    return list(document_store(store).environment.bindings.items())


@st.composite
def _history(draw: Draw, subjects: "list[_Subject]") -> History:
    """Entities that one unit commits, and what follows; in parts, so that a history is longer than a list would be."""
    first, second = one(draw, subjects), one(draw, subjects)
    chosen = [subject.about(draw) for subject in dict.fromkeys((first, second))]
    begin = list(chain.from_iterable(draw(actor.population()) for actor in chosen))
    parts = draw(st.lists(st.lists(_step(chosen), max_size=_LONGEST_PART), max_size=_LONGEST_PART))
    return [*begin, *([End(UNITS[0], "commit")] if begin else []), *_joined(parts)]


@st.composite
def _step(draw: Draw, actors: "list[_Actor]") -> Step:
    if one(draw, range(_SHARE_OF_ENDS)) == _SHARE_OF_ENDS - 1:
        end: Step = one(draw, _ENDS)
        return end
    actor: _Actor = one(draw, actors)
    return actor.step(draw)


def _joined(parts: Iterable[History]) -> History:
    return list(chain.from_iterable(parts))


class _Subject:
    """One repository."""

    def __init__(self, name: str, binding: Binding, generated: Generated) -> None:
        self.name = name
        self.binding = binding
        self.entity: type[Entity[Any]] = binding.repository.entity
        self._generated = generated
        self._fields = [name for name in schema_of(self.entity).fields if name not in _OUT_OF_FOCUS]
        self.queries = {
            query: arguments
            for query, function in named_queries(binding.repository)
            if (arguments := _arguments(function, binding, generated)) is not None
        }
        generated.topic(self.entity, ())  # what cannot be guessed is said at once

    def about(self, draw: Draw) -> "_Actor":
        """Draw the one or two fields that a history is about, and which values of them."""
        focus = one(draw, self._fields), one(draw, self._fields)
        return _Actor(self, self._generated.topic(self.entity, focus, one(draw, range(PALETTES))))


class _Actor:
    """Draws the steps of one repository in one history."""

    def __init__(self, subject: _Subject, topic: Topic) -> None:
        self._name = subject.name
        self._subject = subject
        self._topic = topic
        named: list[Callable[[Draw], Step]] = [partial(self._named, query=query) for query in subject.queries]
        self._kinds: list[Callable[[Draw], Step]] = [
            *[self._find, self._add, self._edit, self._find, self._page, self._remove, self._edit],
            *[self._stream, self._first, self._count, self._exists, self._get, self._add, *named],
        ]

    def population(self) -> st.SearchStrategy[History]:
        """Return a strategy for entities that one unit can commit together."""
        keys = (Unique("id"), *self._subject.binding.repository.unique)
        return st.lists(_first_add(self), max_size=_POPULATION, unique_by=tuple(partial(_values, key) for key in keys))

    def first_add(self, draw: Draw) -> Add:
        """Draw an entity to begin with."""
        return Add(UNITS[0], self._name, self._topic.entity(draw))

    def step(self, draw: Draw) -> Step:
        """Draw a step."""
        kind: Callable[[Draw], Step] = one(draw, self._kinds)
        return kind(draw)

    def _add(self, draw: Draw) -> Step:
        return Add(one(draw, _WRITERS), self._name, self._topic.entity(draw))

    def _edit(self, draw: Draw) -> Step:
        slot, id_, edit = one(draw, _WRITERS), self._topic.id(draw), self._topic.edit(draw)
        return Ask(slot, self._name, "get", (id_,)) if edit is None else Edit(slot, self._name, id_, *edit)

    def _remove(self, draw: Draw) -> Step:
        return Remove(one(draw, _WRITERS), self._name, self._topic.id(draw))

    def _sorted(self, draw: Draw, method: str, bounds: dict[str, int]) -> Step:
        """In total orders: what a store may answer in any order cannot be compared."""
        named = {"sort": self._topic.order(draw), **bounds}
        return Ask(one(draw, _READERS), self._name, method, (self._topic.rule(draw),), named)

    def _find(self, draw: Draw) -> Step:
        return self._sorted(draw, "find", one(draw, _BOUNDS))

    def _page(self, draw: Draw) -> Step:
        return self._sorted(draw, "page", one(draw, _PAGES))

    def _stream(self, draw: Draw) -> Step:
        return self._sorted(draw, "stream", {})

    def _first(self, draw: Draw) -> Step:
        return self._sorted(draw, "first", {})

    def _count(self, draw: Draw) -> Step:
        return Ask(one(draw, _READERS), self._name, "count", (self._topic.rule(draw),))

    def _exists(self, draw: Draw) -> Step:
        return Ask(one(draw, _READERS), self._name, "exists", (self._topic.rule(draw),))

    def _get(self, draw: Draw) -> Step:
        return Ask(one(draw, _READERS), self._name, "get", (self._topic.id(draw),), one(draw, _VERSIONS))

    def _named(self, draw: Draw, query: str) -> Step:
        return Ask(one(draw, _READERS), self._name, query, (), given(draw, *self._subject.queries[query]))


@st.composite
def _first_add(draw: Draw, actor: _Actor) -> Add:
    return actor.first_add(draw)


def _values(key: Unique, step: Add) -> str:
    """The values of a unique key; of a sparse one that has none, the id in their place."""
    values = [getattr(step.entity, name, None) for name in key.fields]
    left_out = key.sparse and all(value is None for value in values)
    return repr(step.entity.id if left_out else values)


def _arguments(
    function: Callable[..., Any], binding: Binding, generated: Generated
) -> tuple[Table, list[dict[str, Any]]] | None:
    """What the arguments of a named query are drawn from; None if a parameter has no value that is known."""
    try:
        return generated.arguments(function, binding.repository.entity)
    except (ConfigurationError, NameError, TypeError):
        return None
