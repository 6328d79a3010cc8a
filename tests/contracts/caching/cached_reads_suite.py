"""Reads through the cache, on every backend and in every cache: what is cached, what is not, and what comes back."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import attrs
import pytest
from attrs import frozen

from tristore import (
    NotFound,
    Page,
    VersionConflict,
    any_of,
    contains,
    count,
    exists,
    is_none,
    not_,
    one_of,
    some,
    total,
)
from tristore.errors import UnitOfWorkClosed

from .caching_base import (
    Brief,
    Note,
    Part,
    PerGroup,
    Thing,
    ThingQueries,
    ThingsContract,
    ThingStore,
    change,
    number_of,
    observed,
    outcomes,
    read,
    save,
)

Ask = Callable[[ThingQueries], Any]


@frozen
class HowMany:
    """How many there are."""

    n: int


def second_page(things: ThingQueries, *, counted: bool | None = None) -> Page[Thing]:
    """The page that follows the first one, from a cursor."""
    first = things.page(limit=2, sort="number", total=False)
    return things.page(limit=2, sort="number", after=first.next_cursor, total=counted)


READS: dict[str, tuple[str, Ask]] = {
    "get": ("get", lambda t: t.get(1)),
    "get with its version": ("get", lambda t: t.get(1, version=1)),
    "get_many": ("get_many", lambda t: t.get_many([2, 1, 2])),
    "populate": ("get_many", lambda t: t.populate([1, 2, 99], lambda n: n)),
    "find": ("find", lambda t: t.find(lambda t: t.number > 1, sort="-number", skip=1, limit=2)),
    "find all": ("find", lambda t: t.find()),
    "select": ("find", lambda t: t.find(sort="number", select=Brief)),
    "first": ("find", lambda t: t.first(lambda t: t.group == "a", sort="-number")),
    "first of none": ("find", lambda t: t.first(lambda t: t.group == "none")),
    "first, selected": ("find", lambda t: t.first(sort="number", select=Brief)),
    "page": ("find", lambda t: t.page(page=2, limit=2, sort="number")),
    "page from a cursor": ("find", second_page),
    "page from a cursor, counted": ("count", lambda t: second_page(t, counted=True)),
    "count": ("count", lambda t: t.count(lambda t: t.group == "a")),
    "exists": ("count", lambda t: t.exists(lambda t: t.number == 3)),
    "exists not": ("count", lambda t: t.exists(lambda t: t.number == 99)),
    "distinct": ("distinct", lambda t: t.distinct(lambda t: t.group)),
    "distinct of lists": ("distinct", lambda t: t.distinct(lambda t: t.tags)),
    "rollup": (
        "rollup",
        lambda t: t.rollup(PerGroup, by=lambda t: {"group": t.group}, values=lambda t: {"total": total(t.number)}),
    ),
    "rollup of all": ("rollup", lambda t: t.rollup(HowMany, values=lambda t: {"n": count()})),
    "named query": ("find", lambda t: t.plain_in_group("a")),
}
"""Every kind of read, with the method that counts it."""

RULES: dict[str, Callable[[Thing], Any]] = {
    "equal": lambda t: t.group == "a",
    "not equal": lambda t: t.group != "a",
    "ordered": lambda t: (t.number >= 1) & (t.number < 4),
    "either": lambda t: (t.number == 1) | (t.group == "b"),
    "not": lambda t: not_(t.group == "a"),
    "one of": lambda t: one_of(t.number, [1, 2]),
    "contains": lambda t: contains(t.tags, "x"),
    "none": lambda t: is_none(t.seen_at),
    "starts": lambda t: t.group.startswith("a"),
    "exists": lambda t: exists(t.data["kind"]),
    "nested": lambda t: t.part.label == "first",
    "in a dictionary": lambda t: t.data["kind"]["x"] == 1,
    "any of a list": lambda t: any_of(t.parts, lambda p: p.label == "p"),
    "moment": lambda t: some(t.seen_at) < datetime(2030, 1, 1, tzinfo=UTC),
    "bytes": lambda t: t.raw == b"\0\xff",
}


def five(store: ThingStore) -> list[Thing]:
    """Store five things of two groups."""
    made = [
        Thing(
            id=number,
            group="a" if number < 4 else "b",
            number=number,
            seen_at=datetime(2026, 1, number, tzinfo=UTC),
            parts=[Part("p", [number])],
            tags=["x", f"t{number}"],
            data={"kind": {"x": 1, "y": [2, None]}, "n": number},
            raw=b"\0\xff",
        )
        for number in range(1, 6)
    ]
    save(store, *made)
    return made


def plain(answer: Any) -> Any:
    """An answer with every field of its entities, which are equal as soon as their ids are."""
    if attrs.has(type(answer)):
        shown = {one.name: plain(getattr(answer, one.name)) for one in attrs.fields(type(answer))}
        return (type(answer).__name__, shown)
    if isinstance(answer, dict):
        return {key: plain(value) for key, value in answer.items()}
    if isinstance(answer, list | tuple):
        return [plain(value) for value in answer]
    return answer


class CachedReadsContract(ThingsContract):
    """C1, C2, C7, C9, C14 and C19 as readers see them."""

    @pytest.fixture
    def things(self, store: ThingStore) -> list[Thing]:
        """Five things of two groups."""
        return five(store)

    @pytest.mark.parametrize("name", READS)
    def test_what_was_asked_before_costs_nothing(self, store: ThingStore, things: list[Thing], name: str) -> None:
        """C2, C7: the first ask loads, the second one asks the backend for nothing, and all answers are the same."""
        method, ask = READS[name]
        with store.reader() as reader:
            uncached = ask(reader.things)
        assert [0, 0, 0] == outcomes(store, "hit", "miss", "bypass")

        missed = read(store, ask)
        loads = outcomes(store, "miss", "load", method=method)
        with observed(store) as asked:
            hit = read(store, ask)

        assert plain(uncached) == plain(missed) == plain(hit)
        assert {} == asked
        assert all(loads), loads
        assert loads == outcomes(store, "miss", "load", method=method)
        assert outcomes(store, "hit", method=method) >= [1]
        assert [0, 0, 0] == outcomes(store, "bypass", "error", "load error")

    @pytest.mark.parametrize("name", RULES)
    def test_every_rule_can_be_cached(self, store: ThingStore, things: list[Thing], name: str) -> None:
        """C7: no kind of rule goes past the cache, and each finds what it finds without one."""

        def ask(things: ThingQueries) -> Any:
            return things.find(RULES[name], sort="number"), things.count(RULES[name])

        with store.reader() as reader:
            uncached = ask(reader.things)
        read(store, ask)
        with observed(store) as asked:
            hit = read(store, ask)

        assert plain(uncached) == plain(hit)
        assert {} == asked

    def test_without_cached_nothing_is_cached(self, store: ThingStore, things: list[Thing]) -> None:
        """Reads that do not ask for the cache leave nothing there and find nothing there."""
        read(store, lambda t: t.get(1))
        with observed(store) as asked, store.reader() as reader:
            reader.things.get(1)
            reader.things.plain_in_group("a")
            reader.things.plain_in_group("a")

        assert {"find things": 3} == asked
        assert [0, 1, 0] == outcomes(store, "hit", "miss", "bypass")

    def test_a_query_with_a_mark_is_cached_by_default(self, store: ThingStore, things: list[Thing]) -> None:
        """A @cacheable query is cached where nobody says so, and its keyword arguments tell questions apart (C1)."""
        with store.reader() as reader:
            asked = [reader.things.in_group("a"), reader.things.in_group("a"), reader.things.in_group("b")]
            asked += [reader.things.in_group("a", at_least=2), reader.things.in_group("a", at_least=3)]

        assert [[1, 2, 3], [1, 2, 3], [4, 5], [2, 3], [3]] == [[one.number for one in found] for found in asked]
        assert [1, 4] == outcomes(store, "hit", "miss")

    def test_what_a_reader_says_goes_before_the_mark(self, store: ThingStore, things: list[Thing]) -> None:
        """cached(key=...) before a marked query keeps its own options: the label is part of another key."""
        read(store, lambda t: t.in_group("a"))
        read(store, lambda t: t.in_group("a"), key="mine")

        assert [0, 2] == outcomes(store, "hit", "miss")

    def test_some_of_several_are_kept(self, store: ThingStore, things: list[Thing]) -> None:
        """C7: get_many takes what is kept from the cache, also what get kept, and loads the rest by one query."""
        read(store, lambda t: [t.get(1), t.get_many([2, 3])])
        with observed(store) as asked:
            found = read(store, lambda t: t.get_many([5, 3, 1, 4, 2]))

        assert [5, 3, 1, 4, 2] == [one.id for one in found]
        assert {"find things": 1} == asked
        assert [3, 4, 2] == outcomes(store, "hit", "miss", "load", method="get_many")
        with observed(store) as asked:
            assert 4 == number_of(store, 4)
        assert {} == asked

    def test_what_is_not_there_is_remembered(self, store: ThingStore) -> None:
        """C14: that nothing is there is cached like everything else, and is forgotten with the insert."""

        def missing(things: ThingQueries) -> Any:
            with pytest.raises(NotFound):
                things.get(7)
            return things.populate([7], lambda n: n), things.first(), things.count(), things.exists()

        read(store, missing)
        with observed(store) as asked:
            assert ({}, None, 0, False) == read(store, missing)
        assert {} == asked
        save(store, Thing(id=7, number=7))

        assert 7 == number_of(store, 7)
        assert (1, True, 7) == read(store, lambda t: (t.count(), t.exists(), t.populate([7], lambda n: n)[7].number))

    def test_a_hit_is_held_against_the_version(self, store: ThingStore, things: list[Thing]) -> None:
        """A version that the caller expects is compared on a hit as on a miss."""
        read(store, lambda t: t.get(1))

        with pytest.raises(VersionConflict):
            read(store, lambda t: t.get(1, version=2))

    @pytest.mark.parametrize("ask", [READS["get"][1], READS["get_many"][1], READS["find all"][1]])
    def test_whoever_changes_a_hit_changes_nobody_elses(self, store: ThingStore, things: list[Thing], ask: Ask) -> None:
        """C2: neither what a miss returns nor what a hit returns is what the next caller gets."""
        with store.reader() as reader:
            truth = plain(ask(reader.things))
        for _ in range(3):
            found = read(store, ask)
            assert truth == plain(found)
            for one in found if isinstance(found, list | tuple) else [found]:
                one.group, one.number, one.seen_at, one.raw = "changed", -1, None, b"changed"
                one.part.label = one.parts[0].label = "changed"
                one.part.sizes.append(99)
                one.parts[0].sizes.clear()
                one.parts.append(Part("new"))
                one.tags.append("changed")
                one.data["kind"]["y"].append("changed")
                one.data["kind"]["x"] = one.data["new"] = "changed"

        assert truth == plain(read(store, ask))

    def test_a_reader_that_has_ended_answers_nothing(self, store: ThingStore, things: list[Thing]) -> None:
        """A kept result is no way around the end of a reader."""
        with store.reader() as reader:
            kept = reader.things.cached()
            kept.get(1)
        for ask in (lambda: kept.get(1), lambda: kept.get_many([1]), lambda: kept.in_group("a"), kept.count):
            with pytest.raises(UnitOfWorkClosed):
                ask()

    def test_compressed_and_plain_entries_side_by_side(self, store: ThingStore) -> None:
        """C21: what one reader kept compressed another one reads who does not compress, and the other way round."""
        save(store, Thing(id=1, number=1, tags=["again and again"] * 500), Thing(id=2, number=2, tags=["y" * 9_000]))
        before = [plain(read(store, lambda t: t.get(1), compress=True)), plain(read(store, lambda t: t.get(2)))]
        with observed(store) as asked:
            after = [plain(read(store, lambda t: t.get(1))), plain(read(store, lambda t: t.get(2), compress=True))]

        assert before == after
        assert {} == asked

    def test_notes_and_things_are_apart(self, store: ThingStore, things: list[Thing]) -> None:
        """C1: one question about two collections of a store has two answers."""
        save(store, Note(text="one"))
        with store.reader() as reader:
            counted = [(reader.things.cached().count(), reader.notes.cached().count()) for _ in range(2)]

        assert [(5, 1), (5, 1)] == counted
        change(store, 1, number=10)
        with observed(store) as asked, store.reader() as reader:
            reader.notes.cached().count()
        assert {} == asked
