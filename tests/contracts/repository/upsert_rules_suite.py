"""Upserts by a unique key that has a rule: only the entities count that meet it."""

from collections.abc import Callable, Iterator

import pytest

from tristore import Documents, DocumentStore, InvalidQuery, Unique, is_none, open_store

from .partial_suite import BOOKINGS, Booking, BookingRepository, State, Theatre

TheatreStore = DocumentStore[Theatre]
WAYS = ("bulk", "unit_of_work")


PERMUTED = (
    Unique("seat", "note", where=lambda b: b.state == State.HELD),
    Unique("note", "seat", where=lambda b: b.state == State.GONE),
)
"""The same fields in two keys, each of those in one state."""


def declared(collection: str, *unique: Unique) -> Documents:
    """Bookings with other keys."""
    return Documents(type("Others", (BookingRepository,), {"unique": unique}), collection=collection)


def seat(state: State, price: int = 0) -> Booking:
    """The one seat, in a state."""
    return Booking(seat="A1", state=state, price=price)


@pytest.mark.parametrize("way", WAYS)
class UpsertRulesContract:
    """What a key with a rule does not hold is not touched."""

    @pytest.fixture
    def open_theatre(self, url: str) -> Iterator[Callable[..., TheatreStore]]:
        """Open an empty store with a declaration."""
        opened: list[TheatreStore] = []

        def open_it(documents: Documents = BOOKINGS) -> TheatreStore:
            store = open_store(Theatre, url=url, documents=[documents], prepare="create")
            opened.append(store)
            with store.bulk() as theatre:
                theatre.bookings.remove_where(None)
            return store

        yield open_it
        for store in opened:
            store.close()

    def test_what_the_key_does_not_hold_is_not_overwritten(
        self, open_theatre: Callable[..., TheatreStore], way: str
    ) -> None:
        """A waiting booking of the same seat stays; the first held one is new, the second takes its place."""
        store = open_theatre()
        waiting, first, second = seat(State.ASKED), seat(State.HELD, 1), seat(State.HELD, 2)
        store.run(lambda uow: uow.bookings.add(waiting))
        for held in (first, second):
            with getattr(store, way)() as theatre:
                theatre.bookings.upsert(held, by="seat")

        with store.reader() as theatre:
            found = {b.id: (b.state, b.price, b.version) for b in theatre.bookings.find(None)}
        assert {waiting.id: (State.ASKED, 0, 1), first.id: (State.HELD, 2, 2)} == found

    def test_what_is_deleted_softly_stays_deleted(self, open_theatre: Callable[..., TheatreStore], way: str) -> None:
        """A unique key of those that are not deleted: the deleted one does not come back to life."""
        store = open_theatre(declared("undeleted", Unique("seat", where=lambda b: is_none(b.note))))
        deleted, new = Booking(seat="A1", note="deleted"), Booking(seat="A1", price=7)
        store.run(lambda uow: uow.bookings.add(deleted))
        with getattr(store, way)() as theatre:
            theatre.bookings.upsert(new, by=["seat"])

        with store.reader() as theatre:
            found = {b.id: (b.note, b.price) for b in theatre.bookings.find(None)}
        assert {deleted.id: ("deleted", 0), new.id: (None, 7)} == found

    def test_an_entity_that_does_not_meet_the_rule_is_refused(
        self, open_theatre: Callable[..., TheatreStore], way: str
    ) -> None:
        """The key says nothing of it, so it does not tell which one is meant."""
        store = open_theatre()
        with getattr(store, way)() as theatre, pytest.raises(InvalidQuery) as refused:
            theatre.bookings.upsert(seat(State.ASKED), by="seat")

        assert (
            "this Booking does not meet the rule of the unique key seat, which tells only those apart that do: add() it"
        ) == str(refused.value)

    def test_of_several_keys_over_the_same_fields_the_met_one_counts(
        self, open_theatre: Callable[..., TheatreStore], way: str
    ) -> None:
        """A booking that is gone is found by the key of those, not by that of the held."""
        store = open_theatre(declared("permuted", *PERMUTED))
        held, gone, new = (Booking(seat="A1", note="x", state=state) for state in (State.HELD, State.GONE, State.GONE))
        new.price = 9
        store.run(lambda uow: uow.bookings.add_many([held, gone]))
        with getattr(store, way)() as theatre:
            stored = theatre.bookings.upsert(new, by=("seat", "note"))

        assert (gone.id, 9) == (stored.id, stored.price)
        with store.reader() as theatre:
            assert 0 == theatre.bookings.get(held.id).price
