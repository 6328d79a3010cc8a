"""Entities: identity, version, recorded events."""

from copy import copy
from typing import NewType

import attrs
import pytest
from attrs import define, field, frozen

from tristore import NEVER, Entity, Event, Id
from tristore.domain.entities.events import event_name
from tristore.domain.entities.ids import is_id

BookId = NewType("BookId", Id)


@frozen(kw_only=True)
class BookLent(Event):
    """Somebody took it."""

    reader: str


@frozen(kw_only=True)
class BookReturned(Event):
    """It came back."""

    name = "book.returned"


@define(kw_only=True)
class Book(Entity[BookId]):
    """An entity with a typed id."""

    title: str = ""
    tags: list[str] = field(factory=list)


@define(kw_only=True)
class Country(Entity[str]):
    """An entity with an id of another type."""

    id: str = field()


@define(kw_only=True)
class Novel(Book):
    """A narrower class."""


def test_an_entity_is_born_with_an_id_and_no_past() -> None:
    """A new entity has an id of its own, version 0, and was never added."""
    book = Book()

    assert is_id(book.id)
    assert book.id != Book().id
    assert (0, NEVER, NEVER, ()) == (book.version, book.created_at, book.updated_at, book.recorded_events)


def test_equality_is_identity() -> None:
    """Two objects of one class with one id are the same entity, whatever their values."""
    book = Book(title="a")
    same = Book(id=book.id, title="b")

    assert book == same
    assert hash(book) == hash(same)
    assert {book} == {same}
    assert book != Book(title="a")


def test_entities_of_two_classes_are_never_the_same() -> None:
    """One id in two classes is two entities; nothing else equals an entity."""
    book = Book()

    assert book != Novel(id=book.id)
    assert book != Country(id=book.id)
    assert book != book.id


def test_an_entity_may_have_another_type_of_id() -> None:
    """A declared id is required, and takes part in the identity."""
    assert Country(id="NO") == Country(id="NO")
    with pytest.raises(TypeError, match="id"):
        Country()  # type: ignore[call-arg]


def test_attrs_keeps_the_equality_of_entities() -> None:
    """A subclass decorated as documented is compared by identity, however often it is subclassed."""
    assert all(cls.__eq__ is Entity.__eq__ for cls in (Book, Novel, Country))
    assert all(cls.__hash__ is Entity.__hash__ for cls in (Book, Novel, Country))


def test_entities_have_slots() -> None:
    """A misspelt attribute is an error, not a new attribute."""
    book = Book()

    assert not hasattr(book, "__dict__")
    with pytest.raises(AttributeError):
        book.titel = "a"  # type: ignore[attr-defined]


def test_entities_take_names_only() -> None:
    """Values are given by name."""
    with pytest.raises(TypeError):
        Book("a title")  # type: ignore[call-arg, arg-type]


def test_events_are_kept_in_order_until_they_are_forgotten() -> None:
    """An entity remembers what happened; it is no part of its values."""
    book = Book()
    book.record(BookLent(reader="Ada"))
    book.record(BookReturned())
    recorded = book.recorded_events
    book.forget_events()

    assert (BookLent(reader="Ada"), BookReturned()) == recorded
    assert () == book.recorded_events


def test_events_stay_with_the_object_that_recorded_them() -> None:
    """What a copy records, the original does not."""
    book = Book()
    book.record(BookLent(reader="Ada"))
    other = copy(book)
    other.record(BookReturned())

    assert (1, 2) == (len(book.recorded_events), len(other.recorded_events))


def test_events_are_not_shown_and_not_given() -> None:
    """The record of events is neither in the repr nor a parameter."""
    book = Book(title="a")
    book.record(BookLent(reader="Ada"))

    assert "Ada" not in repr(book)
    assert not attrs.fields_dict(Book)["_events"].init


def test_an_event_has_the_name_of_its_class_unless_it_has_its_own() -> None:
    """Handlers and the outbox know events by their names."""
    assert ("BookLent", "book.returned") == (event_name(BookLent), event_name(BookReturned))


def test_events_cannot_be_changed() -> None:
    """What happened, happened."""
    event = BookLent(reader="Ada")

    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        event.reader = "Bob"  # type: ignore[misc]
