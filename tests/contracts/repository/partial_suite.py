"""Unique keys and indexes with a rule, as a repository declares them, on every backend."""

from collections.abc import Callable, Iterator
from enum import Enum
from typing import Any

import pytest
from attrs import define

from tristore import (
    ConfigurationError,
    Documents,
    DocumentStore,
    DuplicateKey,
    Entity,
    Index,
    Repository,
    Unique,
    UnitOfWork,
    is_none,
    not_,
    one_of,
    open_store,
    some,
)
from tristore.errors import WriteConflict

from ..unit_of_work.lifecycle_suite import in_its_own_context


class State(Enum):
    """Where a booking stands."""

    ASKED = "asked"
    HELD = "held"
    GONE = "gone"


@define(kw_only=True)
class Booking(Entity):
    """A seat for somebody."""

    seat: str
    state: State = State.ASKED
    price: int = 0
    note: str | None = None


class BookingRepository(Repository[Booking]):
    """Bookings; a seat is held once."""

    unique = (
        Unique("seat", where=lambda b: one_of(b.state, [State.HELD]) & (b.price >= 0)),
        Unique("note", where=lambda b: some(b.note) >= ""),
    )

    def held(self, seat: str) -> Booking | None:
        """Who holds the seat."""
        return self.first(lambda b: (b.seat == seat) & one_of(b.state, [State.HELD]) & (b.price >= 0))


class Theatre(UnitOfWork):
    """Bookings."""

    bookings: BookingRepository


BOOKINGS = Documents(
    BookingRepository,
    collection="bookings",
    indexes=(Index("price", "-seat", where=lambda b: is_none(b.note) | (b.price > 3)),),
)


def declared(unique: Any = (), indexes: Any = ()) -> Documents:
    """Bookings with other keys."""
    return Documents(type("Others", (BookingRepository,), {"unique": unique}), collection="bookings", indexes=indexes)


def opened(theatre: DocumentStore[Theatre]) -> Theatre:
    """Return a unit whose snapshot is taken."""
    unit = theatre.unit_of_work()
    in_its_own_context(unit.__enter__)
    unit.bookings.count()
    return unit


class PartialContract:
    """What a rule in a declaration means; a subclass adds where."""

    @pytest.fixture
    def theatre(self, url: str) -> Iterator[DocumentStore[Theatre]]:
        """The store, prepared and empty."""
        store = open_store(Theatre, url=url, documents=[BOOKINGS], prepare="create")
        yield store
        store.close()

    def test_a_rule_decides_who_is_held_to_a_key(self, theatre: DocumentStore[Theatre]) -> None:
        """Only entities that meet the rule of a unique key are refused; a later edit counts as well."""
        first = Booking(seat="A1", state=State.HELD)
        with theatre.unit_of_work() as uow:
            uow.bookings.add(first)
            uow.bookings.add(Booking(seat="A1"))
            uow.bookings.add(Booking(seat="A1"))
        with pytest.raises(DuplicateKey) as caught, theatre.unit_of_work() as uow:
            other = uow.bookings.first(lambda b: b.state == State.ASKED)
            assert other is not None
            other.state = State.HELD
        with theatre.unit_of_work() as uow:
            uow.bookings.get(first.id).state = State.GONE
            uow.bookings.add(Booking(seat="A1", state=State.HELD, price=5))

        assert ("seat",) == caught.value.fields
        with theatre.reader() as reader:
            held = reader.bookings.held("A1")
            assert held is not None
            assert 5 == held.price

    def test_a_rule_over_an_optional_field(self, theatre: DocumentStore[Theatre]) -> None:
        """A key with a rule leaves out the entities whose field is None."""
        with theatre.unit_of_work() as uow:
            for note in (None, None, "x"):
                uow.bookings.add(Booking(seat="B", note=note))
        with pytest.raises(DuplicateKey, match="note"), theatre.unit_of_work() as uow:
            uow.bookings.add(Booking(seat="C", note="x"))

    def test_a_removal_meets_who_takes_the_key(self, theatre: DocumentStore[Theatre]) -> None:
        """Removing an entity conflicts with an open unit that took a key which it would have had under the rule."""
        asked = Booking(seat="A1")
        with theatre.unit_of_work() as uow:
            uow.bookings.add(asked)
        taker, remover = opened(theatre), opened(theatre)
        taker.bookings.add(Booking(seat="A1", state=State.HELD))
        taker.flush()
        remover.bookings.remove(remover.bookings.get(asked.id))
        with pytest.raises(WriteConflict):
            remover.flush()
        remover.rollback()
        taker.commit()

        with theatre.reader() as reader:
            assert 2 == reader.bookings.count()

    def test_who_takes_the_key_does_not_meet_a_removal(self, theatre: DocumentStore[Theatre]) -> None:
        """Behind an open unit that removed such an entity the key can be taken."""
        asked = Booking(seat="A1")
        with theatre.unit_of_work() as uow:
            uow.bookings.add(asked)
        remover, taker = opened(theatre), opened(theatre)
        remover.bookings.remove(remover.bookings.get(asked.id))
        remover.flush()
        taker.bookings.add(Booking(seat="A1", state=State.HELD))
        taker.commit()
        remover.commit()

        with theatre.reader() as reader:
            assert [State.HELD] == [one.state for one in reader.bookings.find()]

    def test_preparing_again(self, theatre: DocumentStore[Theatre]) -> None:
        """A store whose rules are those of the database is ready; nothing is missing."""
        theatre.prepare()

        assert () == theatre.check().missing

    @pytest.mark.parametrize(
        ("rule", "words"),
        [
            (lambda b: b.state != State.GONE, "state != ..."),
            (lambda b: not_(is_none(b.note)), r"not_\(...\).* write sparse=True"),
            (lambda b: (b.price > 1) & b.seat.startswith("A"), r"seat.startswith\(...\)"),
            (lambda b: b.sale == 1, "no field 'sale'"),
            (lambda b: True, "seat of Booking"),
            (7, "not int"),
        ],
    )
    @pytest.mark.parametrize("kind", ["unique", "indexes"])
    def test_a_rule_that_no_index_can_have(self, url: str, kind: str, rule: Callable[[Any], Any], words: str) -> None:
        """A rule that MongoDB does not take for an index is refused when the store is opened, and named."""
        key = Unique("seat", where=rule) if kind == "unique" else Index("seat", where=rule)
        with pytest.raises(ConfigurationError, match=f"the index on seat of Booking.*{words}|{words}"):
            open_store(Theatre, url=url, documents=[declared(**{kind: (key,)})])

    def test_a_rule_beside_sparse(self, url: str) -> None:
        """A server takes a rule or sparse; both are refused."""
        key = Unique("seat", sparse=True, where=lambda b: b.price > 1)
        with pytest.raises(ConfigurationError, match="leave sparse out"):
            open_store(Theatre, url=url, documents=[declared(unique=(key,))])
