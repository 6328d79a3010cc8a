"""Unique values that one edited entity gives up and another one takes, in one unit of work or one call."""

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any, ClassVar

import pytest
from attrs import define, field

from tristore import (
    Documents,
    DocumentStore,
    DuplicateKey,
    Entity,
    Repository,
    Unique,
    UnitOfWork,
    is_none,
    open_store,
)
from tristore.adapters.backend import Query, WritePlan
from tristore.errors import UnitOfWorkError


@define
class Place:
    """Where a locker is."""

    floor: int
    corner: str = "north"


@define(kw_only=True)
class Locker(Entity):
    """A unique value of every kind: plain, of two fields, nested, in a list, under a rule, optional."""

    number: int
    code: str | None = None
    place: Place = field(factory=lambda: Place(0))
    keys: list[str] = field(factory=list)
    owner: str | None = None
    left_at: int | None = None
    note: str = ""


class Numbered(Repository[Locker]):
    """One unique number."""

    unique: ClassVar[tuple[Unique, ...]] = (Unique("number"),)


class Lockers(UnitOfWork):
    """Lockers."""

    lockers: Numbered


LockerStore = DocumentStore[Lockers]
Change = Callable[[Locker], None]


def keyed(*unique: Unique, update: Any = "set") -> Documents:
    """Lockers with other keys, in a collection of their own."""
    parts = (part for key in unique for part in (*key.fields, "sparse" if key.sparse else "all"))
    name = "_".join(("lockers", update, *parts)).replace(".", "_")
    return Documents(type("Keyed", (Numbered,), {"unique": unique}), collection=name, update=update)


NUMBER = keyed(Unique("number"))


def added(store: LockerStore, *lockers: Locker) -> None:
    """Store new ones."""
    store.run(lambda uow: uow.lockers.add_many(lockers))


def set_numbers(store: LockerStore, lockers: Sequence[Locker], numbers: Sequence[int], order: Sequence[int]) -> None:
    """Give all of them other numbers in one unit, which loads them in some order."""
    with store.unit_of_work() as uow:
        loaded = {at: uow.lockers.get(lockers[at].id) for at in order}
        for at, number in enumerate(numbers):
            loaded[at].number = number


def numbers_of(store: LockerStore, lockers: Sequence[Locker]) -> list[tuple[int, int]]:
    """The number and the version of each."""
    with store.reader() as reader:
        return [(one.number, one.version) for one in reader.lockers.get_many([one.id for one in lockers])]


def each(**values: Any) -> Callable[[Locker], None]:
    """Set attributes, dotted for nested ones with two underscores."""

    def change(locker: Locker) -> None:
        for name, value in values.items():
            outer, _, inner = name.rpartition("__")
            setattr(getattr(locker, outer) if outer else locker, inner, value)

    return change


HANDED: dict[str, tuple[Documents, tuple[dict[str, Any], dict[str, Any]], Change, Change]] = {
    "two fields": (
        keyed(Unique("number", "note")),
        ({"number": 1, "note": "a"}, {"number": 2, "note": "a"}),
        each(note="b"),
        each(number=1),
    ),
    "nested": (
        keyed(Unique("place.floor", "place.corner")),
        ({"number": 1, "place": Place(1)}, {"number": 2, "place": Place(2)}),
        each(place__floor=3),
        each(place__floor=1),
    ),
    "in a list": (
        keyed(Unique("keys")),
        ({"number": 1, "keys": ["a", "b"]}, {"number": 2, "keys": ["c"]}),
        lambda giver: giver.keys.remove("b"),
        lambda taker: taker.keys.append("b"),
    ),
    "optional": (
        keyed(Unique("code", sparse=True)),
        ({"number": 1, "code": "a"}, {"number": 2}),
        each(code=None),
        each(code="a"),
    ),
    "None": (
        keyed(Unique("code")),
        ({"number": 1}, {"number": 2, "code": "a"}),
        each(code="b"),
        each(code=None),
    ),
    "under a rule": (
        keyed(Unique("owner", where=lambda one: is_none(one.left_at))),
        ({"number": 1, "owner": "ada"}, {"number": 2, "owner": "ada", "left_at": 5}),
        each(left_at=7),
        each(left_at=None),
    ),
    "whole documents": (
        keyed(Unique("number"), update="replace"),
        ({"number": 1}, {"number": 2}),
        each(number=3),
        each(number=1),
    ),
}


class HandoverContract:
    """Givers are written before takers; circles are solved where a transaction allows it."""

    @pytest.fixture
    def open_lockers(self, url: str) -> Iterator[Callable[..., LockerStore]]:
        """Open an empty store with a declaration."""
        opened: list[LockerStore] = []

        def open_it(documents: Documents = NUMBER, **options: Any) -> LockerStore:
            store = open_store(Lockers, url=url, documents=[documents], prepare="create", **options)
            opened.append(store)
            with store.bulk() as bulk:
                bulk.lockers.remove_where(None)
            return store

        yield open_it
        for store in opened:
            store.close()

    def test_every_way_to_hand_numbers_round(self, open_lockers: Callable[..., LockerStore]) -> None:
        """Whichever of four entities gets whose number, or a new one, and however they were loaded: it is written."""
        store = open_lockers()
        lockers = [Locker(number=number) for number in range(4)]
        added(store, *lockers)
        wanted = [*itertools.permutations(range(4)), (4, 0, 1, 2), (1, 2, 3, 4), (1, 0, 4, 2), (4, 5, 0, 1)]
        versions = [1] * 4
        for step, numbers in enumerate(wanted):
            before = numbers_of(store, lockers)
            order = [(step + at) % 4 for at in range(4)][:: 1 if step % 2 else -1]
            set_numbers(store, lockers, numbers, order)
            versions = [
                version + (old != new) for version, (old, _), new in zip(versions, before, numbers, strict=True)
            ]

            assert [*zip(numbers, versions, strict=True)] == numbers_of(store, lockers)

    @pytest.mark.parametrize("taker_first", [True, False])
    def test_values_of_every_kind(self, open_lockers: Callable[..., LockerStore], taker_first: bool) -> None:
        """Keys of two fields, nested, in lists, sparse, with a rule; changed fields and whole documents."""
        for name, (documents, (of_giver, of_taker), give, take) in HANDED.items():
            store = open_lockers(documents)
            giver, taker = Locker(**of_giver), Locker(**of_taker)
            added(store, giver, taker)
            with store.unit_of_work() as uow:
                for one in (taker, giver) if taker_first else (giver, taker):
                    uow.lockers.get(one.id)
                give(uow.lockers.get(giver.id))
                take(uow.lockers.get(taker.id))

            assert [2, 2] == [version for _, version in numbers_of(store, (giver, taker))], name

    def test_a_circle_keeps_what_the_entity_does_not_know(self, open_lockers: Callable[..., LockerStore]) -> None:
        """Two that swap: fields of other programs stay, and who was added takes a value that became free."""
        store = open_lockers()
        first, second, third = (Locker(number=number) for number in range(3))
        added(store, first, second, third)
        documents = store.backend.find(NUMBER.collection, Query(), transaction=None, timeout=5.0).to_list()
        store.run(lambda uow: uow.lockers.remove_where(None))
        for document in documents:
            document["foreign"] = {"kept": str(document["number"])}
        plan = WritePlan(NUMBER.collection, "version", inserts=documents)
        store.backend.write(plan, transaction=None, timeout=5.0)
        with store.unit_of_work() as uow:
            one, two, three = uow.lockers.get_many([first.id, second.id, third.id])
            one.number, two.number, two.note, three.number = 1, 0, "swapped", 7
            uow.lockers.add(Locker(number=2))

        found = store.backend.find(NUMBER.collection, Query(), transaction=None, timeout=5.0).to_list()
        by_number = {one["number"]: (one.get("foreign"), one["note"], one["version"]) for one in found}
        assert {
            0: ({"kept": "1"}, "swapped", 2),
            1: ({"kept": "0"}, "", 2),
            2: (None, "", 1),
            7: ({"kept": "2"}, "", 2),
        } == by_number
        store.run(lambda uow: setattr(uow.lockers.get(first.id), "note", "again"))

    def test_a_value_of_somebody_outside_is_taken(self, open_lockers: Callable[..., LockerStore]) -> None:
        """Who gives up nothing is not in the way of the error: it names the entity that was refused."""
        store = open_lockers()
        lockers = [Locker(number=number) for number in range(4)]
        added(store, *lockers)
        with pytest.raises(DuplicateKey) as taken, store.unit_of_work() as uow:
            one, two, three = uow.lockers.get_many([one.id for one in lockers[:3]])
            one.number, two.number, three.number = 1, 0, 3

        assert (("number",), lockers[2].id) == (taken.value.fields, taken.value.id)
        assert [(number, 1) for number in range(4)] == numbers_of(store, lockers)

    @pytest.mark.parametrize("backwards", [True, False])
    @pytest.mark.parametrize(("count", "note"), [(100, ""), (12, "x" * 900_000)])
    def test_a_row_in_bulk(
        self, open_lockers: Callable[..., LockerStore], backwards: bool, count: int, note: str
    ) -> None:
        """`bulk_update` moves a row of numbers up by one, whichever end comes first and over the end of a chunk."""
        store = open_lockers()
        with store.bulk() as bulk:
            bulk.lockers.add_many(Locker(number=number, note=note) for number in range(count))
            moved = [*bulk.lockers.stream(sort="number")][:: -1 if backwards else 1]
            for one in moved:
                one.number += 1
            result = bulk.lockers.bulk_update(moved)

        assert (count, ()) == (result.modified, result.errors)
        assert [(one.number, 2) for one in moved] == numbers_of(store, moved)
        assert [one.updated_at for one in moved] == [one.updated_at for one in reread(store, moved)]

    def test_bulk_update_in_a_unit(self, open_lockers: Callable[..., LockerStore]) -> None:
        """There a circle is solved; outside, each of it is an error that says where to write it."""
        store = open_lockers()
        lockers = [Locker(number=number) for number in range(3)]
        added(store, *lockers)
        for one in lockers:
            one.number = (one.number + 1) % 3
        with store.bulk() as bulk:
            errors = bulk.lockers.bulk_update(lockers).errors
        assert [DuplicateKey] * 3 == [type(one.error) for one in errors]
        assert ["where two of the call take each other's values, write them in a unit of work"] == (
            errors[0].error.__notes__
        )
        store.run(lambda uow: uow.lockers.bulk_update(lockers))

        assert [(1, 2), (2, 2), (0, 2)] == numbers_of(store, lockers)

    def test_without_transactions(self, open_lockers: Callable[..., LockerStore]) -> None:
        """The order serves there too; a circle is refused before anything is written, and solved in two steps."""
        store = open_lockers(transactions="off")
        lockers = [Locker(number=number) for number in range(2)]
        added(store, *lockers)
        set_numbers(store, lockers, (1, 2), (0, 1))
        with pytest.raises(UnitOfWorkError, match=r"give it a value that nobody has, flush\(\)"):
            set_numbers(store, lockers, (2, 1), (0, 1))
        assert [(1, 2), (2, 2)] == numbers_of(store, lockers)
        with store.unit_of_work() as uow:
            one, two = uow.lockers.get_many([one.id for one in lockers])
            one.number = -1
            uow.flush()
            one.number, two.number = 2, 1

        assert [(2, 3), (1, 3)] == numbers_of(store, lockers)


def reread(store: LockerStore, lockers: Sequence[Locker]) -> Sequence[Locker]:
    """What is stored of them."""
    with store.reader() as reader:
        return reader.lockers.get_many([one.id for one in lockers])
