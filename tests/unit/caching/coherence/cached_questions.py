"""What is asked through a cache, with the answer that each state would give, and what is written beside it."""

from collections.abc import Callable, Iterable
from typing import Any

from attrs import frozen
from contracts.caching.caching_base import Note, PerGroup, Thing, Things, ThingsReader, ThingStore
from hypothesis import strategies as st

from tristore import NotFound, cache_disabled, total

from .cache_law import Guard, State

IDS = (1, 2, 3)
GROUPS = ("a", "b")
TTLS = (60, 60, 60, 5)
MARKED_TTL = 60
"""What the marked query of the things is kept for."""

QUERIES = ("things", None)
Part = tuple[Guard, Any, Callable[[State], Any]]
"""A part of an answer that is guarded by itself, the answer, and what it would be in a state."""


@frozen
class Question:
    """A cached read.

    Attributes:
        method: its name below.
        ids: of what it asks for.
        group: of what it asks for.
        ttl: how long its result is kept.
    """

    method: str
    ids: tuple[int, ...]
    group: str
    ttl: float

    def ask(self, reader: ThingsReader) -> list[Part]:
        """Ask."""
        parts: list[Part] = METHODS[self.method](self, reader)
        return parts

    @property
    def guards(self) -> list[Guard]:
        """What it depends on."""
        if self.method in {"get", "get_many"}:
            return [("things", id) for id in self.ids]
        return [("notes", None)] if self.method == "notes" else [QUERIES]


def _in(state: State, group: str | None = None) -> list[tuple[int, int]]:
    """Ids and numbers, in the order of the numbers."""
    return _sorted((id, number) for id, (of, number) in state["things"].items() if group in {None, of})


def _sorted(found: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    return sorted(found, key=lambda one: (one[1], one[0]))


def _listed(things: Any) -> list[tuple[int, int]]:
    return [(one.id, one.number) for one in things]


def _things(question: Question, reader: ThingsReader) -> Any:
    return reader.things.cached(ttl=question.ttl)


def _get(question: Question, reader: ThingsReader) -> list[Part]:
    parts: list[Part] = []
    for id in question.ids:
        try:
            found = _things(question, reader).get(id)
            answer = (found.group, found.number)
        except NotFound:
            answer = None
        parts.append((("things", id), answer, lambda state, id=id: state["things"].get(id)))  # type: ignore[misc]
    return parts


def _get_many(question: Question, reader: ThingsReader) -> list[Part]:
    found = _things(question, reader).populate(question.ids, lambda id: id)
    answers = {id: (one.group, one.number) for id, one in found.items()}
    return [
        (("things", id), answers.get(id), lambda state, id=id: state["things"].get(id))  # type: ignore[misc]
        for id in question.ids
    ]


def _find(question: Question, reader: ThingsReader) -> list[Part]:
    group = question.group
    answer = _listed(_things(question, reader).find(lambda t: t.group == group, sort=("number", "id")))
    return [(QUERIES, answer, lambda state: _in(state, group))]


def _marked(question: Question, reader: ThingsReader) -> list[Part]:
    answer = _sorted(_listed(reader.things.in_group(question.group)))  # which leaves open who of two equals comes first
    return [(QUERIES, answer, lambda state: _in(state, question.group))]


def _first(question: Question, reader: ThingsReader) -> list[Part]:
    found = _things(question, reader).first(sort=("-number", "id"))
    return [
        (
            QUERIES,
            _listed([] if found is None else [found]),
            lambda state: sorted(_in(state), key=lambda one: (-one[1], one[0]))[:1],
        )
    ]


def _highest(state: State) -> list[tuple[int, int]]:
    return sorted(_in(state), key=lambda one: (-one[1], one[0]))[:1]


def _count(question: Question, reader: ThingsReader) -> list[Part]:
    return [(QUERIES, _things(question, reader).count(), lambda state: len(_in(state)))]


def _exists(question: Question, reader: ThingsReader) -> list[Part]:
    group = question.group
    answer = _things(question, reader).exists(lambda t: t.group == group)
    return [(QUERIES, answer, lambda state: bool(_in(state, group)))]


def _distinct(question: Question, reader: ThingsReader) -> list[Part]:
    answer = sorted(_things(question, reader).distinct(lambda t: t.number))
    return [(QUERIES, answer, lambda state: sorted({number for _, number in _in(state)}))]


def _rollup(question: Question, reader: ThingsReader) -> list[Part]:
    rows = _things(question, reader).rollup(
        PerGroup, by=lambda t: {"group": t.group}, values=lambda t: {"total": total(t.number)}
    )
    return [(QUERIES, {row.group: row.total for row in rows}, _totals)]


def _totals(state: State) -> dict[str, int]:
    return {group: sum(number for _, number in found) for group in GROUPS if (found := _in(state, group))}


def _page(question: Question, reader: ThingsReader) -> list[Part]:
    """Two reads, each of which is right by itself."""
    page = _things(question, reader).page(limit=1, sort=("number", "id"))
    return [
        (QUERIES, _listed(page.items), lambda state: _in(state)[:1]),
        (QUERIES, page.total_count, lambda state: len(_in(state))),
    ]


def _notes(question: Question, reader: ThingsReader) -> list[Part]:
    return [(("notes", None), reader.notes.cached(ttl=question.ttl).count(), lambda state: len(state["notes"]))]


METHODS: dict[str, Callable[[Question, ThingsReader], list[Part]]] = {
    "get": _get,
    "get_many": _get_many,
    "find": _find,
    "in_group": _marked,
    "first": _first,
    "count": _count,
    "exists": _exists,
    "distinct": _distinct,
    "rollup": _rollup,
    "page": _page,
    "notes": _notes,
}

some_ids = st.lists(st.sampled_from(IDS), min_size=1, max_size=3, unique=True).map(tuple)


def _question(method: str, ids: tuple[int, ...], group: str, ttl: float) -> Question:
    if method == "get":
        ids = ids[:1]
    return Question(method, ids, group, MARKED_TTL if method == "in_group" else ttl)


questions = st.builds(
    _question,
    st.sampled_from([*METHODS, "get", "get", "count"]),
    some_ids,
    st.sampled_from(GROUPS),
    st.sampled_from(TTLS),
)


@frozen
class Write:
    """Something that is written.

    Attributes:
        way: its name below.
        ids: of what it writes.
        group: what it gives them, or whom it changes.
        switched_off: whether the cache is, meanwhile.
    """

    way: str
    ids: tuple[int, ...]
    group: str
    switched_off: bool = False

    def carry_out(self, store: ThingStore, number: int) -> None:
        """Write, with a number that nobody has written before."""
        if self.switched_off:
            with cache_disabled():
                self._carry_out(store, number)
        else:
            self._carry_out(store, number)

    def _carry_out(self, store: ThingStore, number: int) -> None:
        if self.way in UNITS:
            with store.unit_of_work() as uow:
                UNITS[self.way](self, uow, number)
        else:
            with store.bulk() as bulk:
                BULKS[self.way](self, bulk, number)


def _put(write: Write, uow: Things, number: int) -> None:
    found = {one.id: one for one in uow.things.find()}
    for id in write.ids:
        if id in found:
            found[id].group, found[id].number = write.group, number
        else:
            uow.things.add(Thing(id=id, group=write.group, number=number))


def _roll_back(write: Write, uow: Things, number: int) -> None:
    _put(write, uow, number)
    uow.flush()
    uow.rollback()


def _put_and_note(write: Write, uow: Things, number: int) -> None:
    _put(write, uow, number)
    uow.notes.add(Note(text=str(number)))


def _remove(write: Write, uow: Things, number: int) -> None:
    for one in uow.things.find(lambda t: t.group == write.group):
        uow.things.remove(one)


def _update_where(write: Write, uow: Things, number: int) -> None:
    group = write.group
    uow.things.update_where(lambda t: t.group == group, set={"number": number})


def _remove_where(write: Write, uow: Things, number: int) -> None:
    group = write.group
    uow.things.remove_where(lambda t: t.group == group)


def _add_many(write: Write, uow: Things, number: int) -> None:
    uow.things.add_many(Thing(id=id, group=write.group, number=number) for id in write.ids)


def _bulk_update(write: Write, uow: Things, number: int) -> None:
    found = uow.things.find(lambda t: t.number >= 0)
    for one in found:
        one.group, one.number = write.group, number
    uow.things.bulk_update(found)


def _upsert(write: Write, uow: Things, number: int) -> None:
    uow.things.upsert(Thing(id=write.ids[0], group=write.group, number=number), by="id")


Way = Callable[[Write, Things, int], None]
UNITS: dict[str, Way] = {
    "put": _put,
    "roll back": _roll_back,
    "put and note": _put_and_note,
    "remove": _remove,
    "update_where in a unit": _update_where,
    "remove_where in a unit": _remove_where,
}
BULKS: dict[str, Way] = {
    "add_many": _add_many,
    "bulk_update": _bulk_update,
    "update_where": _update_where,
    "remove_where": _remove_where,
    "upsert": _upsert,
}
writes = st.builds(
    Write,
    st.sampled_from(["put", "put", "put", "put and note", "update_where", *UNITS, *BULKS]),
    some_ids,
    st.sampled_from(GROUPS),
    st.sampled_from([False, False, False, True]),
)
puts = st.builds(Write, st.just("put"), some_ids, st.sampled_from(GROUPS))

__all__ = ["Question", "Write", "puts", "questions", "writes"]
