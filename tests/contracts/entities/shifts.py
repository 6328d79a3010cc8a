"""Shifts: an entity with dates, times of the day and durations wherever a type can stand."""

from collections.abc import Iterator
from datetime import date, time, timedelta

import pytest
from attrs import define, field, frozen, validators

from tristore import (
    Documents,
    DocumentStore,
    Entity,
    Index,
    Repository,
    Unique,
    UnitOfWork,
    Validation,
    open_store,
)


@frozen
class Stay:
    """A nested value."""

    day: date
    until: time | None = None


@define(kw_only=True)
class Shift(Entity):
    """When somebody works."""

    worker: str = ""
    day: date
    begins: time
    lasts: timedelta = field(default=timedelta(), validator=validators.ge(timedelta()))
    left: timedelta = timedelta()
    last_day: date | None = None
    ends: time | None = None
    rest: timedelta | None = None
    breaks: list[time] = field(factory=list)
    off: set[date] = field(factory=set)
    spent: dict[str, timedelta] = field(factory=dict)
    stay: Stay | None = None


class ShiftRepository(Repository[Shift]):
    """The shifts: one of a worker at a time."""

    unique = (Unique("worker", "day", "begins"),)


class ShiftUnitOfWork(UnitOfWork):
    """Of the shifts."""

    shifts: ShiftRepository


SHIFTS = (
    Documents(
        ShiftRepository,
        collection="shifts",
        indexes=(
            Index("-day", "begins"),
            Index("lasts", where=lambda s: s.lasts >= timedelta(hours=8)),
        ),
        validation=Validation(),
    ),
)

ShiftStore = DocumentStore[ShiftUnitOfWork]


@frozen
class When:
    """A view, and the rows of a rollup by days."""

    day: date
    begins: time


@frozen
class Day:
    """The rows of a rollup."""

    day: date
    lasts: timedelta
    first: time
    longest: timedelta


class ShiftContract:
    """The store that every contract over shifts uses; a subclass adds where."""

    @pytest.fixture
    def store(self, url: str) -> Iterator[ShiftStore]:
        """An empty store of shifts."""
        store = open_store(ShiftUnitOfWork, url=url, documents=SHIFTS, prepare="create")
        with store.bulk() as bulk:
            bulk.shifts.remove_where(None)
        yield store
        store.close()

    @pytest.fixture
    def unvalidated(self, url: str) -> Iterator[ShiftStore]:
        """A store of another collection, into which other programs may write what they like."""
        documents = [Documents(ShiftRepository, collection="loose")]
        store = open_store(ShiftUnitOfWork, url=url, documents=documents, prepare="create")
        with store.bulk() as bulk:
            bulk.shifts.remove_where(None)
        yield store
        store.close()
