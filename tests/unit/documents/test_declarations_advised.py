"""A mistake in a declaration or a URL is one short error: what comes close, and no chain that tells nothing."""

import traceback
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from attrs import define

from tristore import (
    ConfigurationError,
    Documents,
    Entity,
    Index,
    Repository,
    TimeSeries,
    Unique,
    UnitOfWork,
    open_store,
)


@define(kw_only=True)
class Room(Entity):
    """An entity."""

    title: str = ""
    seen_at: datetime


@define(kw_only=True)
class Secretive(Entity):
    """An entity with a field that cannot be stored."""

    key: complex = 1j


class Rooms(Repository[Room]):
    """Its repository."""


class Misspelt(Repository[Room]):
    """One with a key that no field has."""

    unique = (Unique("titel"),)


class Vague(Repository[Secretive]):
    """One of what cannot be stored."""


class Hotel(UnitOfWork):
    """Rooms."""

    rooms: Rooms


class Motel(UnitOfWork):
    """Rooms with a misspelt key."""

    rooms: Misspelt


class Hostel(UnitOfWork):
    """What cannot be stored."""

    rooms: Vague


class Unknown(UnitOfWork):
    """A repository that nobody knows."""

    rooms: "Roomz"  # type: ignore[name-defined]  # noqa: F821 - that is the mistake


def _indexed(*indexes: Index) -> Callable[[], object]:
    documents = Documents(Rooms, collection="rooms", indexes=indexes)
    return lambda: open_store(Hotel, url="memory://", documents=[documents])


def _at(url: str) -> Callable[[], object]:
    return lambda: open_store(Hotel, url=url, documents=[Documents(Rooms, collection="rooms")])


def _opened(unit: type[UnitOfWork[Any]], documents: Documents) -> Callable[[], object]:
    return lambda: open_store(unit, url="memory://", documents=[documents])


SERIES = Documents(Rooms, collection="rooms", time_series=TimeSeries(time="seen_at", meta="titel"))

MISTAKES: dict[str, tuple[Callable[[], object], str]] = {
    "an index": (_indexed(Index("titel")), "Room has no field 'titel'; did you mean 'title'?"),
    "a descending index": (_indexed(Index("-sean_at")), "did you mean 'seen_at'?"),
    "another kind of index": (_indexed(Index("titel:text")), "did you mean 'title'?"),
    "nothing close": (_indexed(Index("zzz")), "Room has no field 'zzz'; it has id, version"),
    "the rule of an index": (_indexed(Index("title", where=lambda r: r.titel == "x")), "did you mean 'title'?"),
    "a unique key": (_opened(Motel, Documents(Misspelt, collection="rooms")), "did you mean 'title'?"),
    "a time series": (_opened(Hotel, SERIES), "Room has no field 'titel'; did you mean 'title'?"),
    "a type": (_opened(Hostel, Documents(Vague, collection="rooms")), "Secretive cannot be mapped: key"),
    "an annotation": (_opened(Unknown, Documents(Rooms, collection="rooms")), "'Roomz' is not defined"),
    "a port": (_at("mongodb://localhost:99999/x"), "Port must be an integer between 0 and 65535"),
    "an option": (_at("mongodb://localhost/x?foo=1"), "option foo: Unknown option"),
    "the value of an option": (_at("mongodb://localhost/x?maxPoolSize=a"), "must be an integer"),
}


@pytest.mark.parametrize(("mistake", "words"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_one_error(mistake: Callable[[], object], words: str) -> None:
    """The traceback has one error, whose message says what is wrong and what was probably meant."""
    with pytest.raises(ConfigurationError) as refused:
        mistake()

    shown = "".join(traceback.format_exception(refused.value))
    assert words in str(refused.value)
    assert 1 == shown.count("Traceback")
