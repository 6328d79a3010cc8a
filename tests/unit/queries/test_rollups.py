"""Rollups without a server: zones, backends without rollups, what the view and the words refuse."""

from collections.abc import Iterator
from typing import Any

import pytest
from attrs import define, field, frozen

from tristore import (
    ConfigurationError,
    Documents,
    Entity,
    InvalidQuery,
    Repository,
    UnitOfWork,
    ValidationError,
    count,
    distinct_count,
    make_converter,
    open_store,
    smallest,
    total,
)
from tristore.adapters.backend import Backend, BackendOptions, Rollup
from tristore.domain.queries import time_zones as zones
from tristore.domain.queries.time_zones import check_zone
from tristore.fields import at_least
from tristore.testing import MemoryBackend


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires"])
def test_zones(zone: str) -> None:
    """A name of the tz database is a zone."""
    assert zone == check_zone(zone)


@pytest.mark.parametrize(
    ("zone", "words"),
    [
        ("europe/berlin", "did you mean 'Europe/Berlin'"),
        ("Europe/Berln", "did you mean 'Europe/Berlin'"),
        ("+02:00", "write a name of the tz database"),
        ("Europe", "there is no time zone 'Europe'"),
        ("../../etc/passwd", "there is no time zone"),
        ("posix/UTC", "there is no time zone"),
        ("localtime", "there is no time zone"),
        ("", "there is no time zone ''"),
        ("\0", "there is no time zone"),
        (None, "not a NoneType"),
    ],
)
def test_what_is_no_zone(zone: Any, words: str) -> None:
    """Anything else is refused, with what comes closest."""
    with pytest.raises(InvalidQuery, match=words):
        check_zone(zone)


def test_machine_without_a_tz_database(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there are no zones at all, the error says what to install."""
    monkeypatch.setattr(zones, "available_timezones", set)

    with pytest.raises(ConfigurationError, match="pip install tzdata"):
        check_zone("Nowhere/City")


@pytest.mark.parametrize("call", ["rollup", "aggregate"])
def test_a_backend_need_not_have_them(call: str) -> None:
    """A backend that declares neither rollups nor pipelines raises, and says which one it is."""
    backend = MemoryBackend.open("memory://", BackendOptions("plain", ()))
    asked = getattr(Backend, call)

    with pytest.raises(ConfigurationError, match=r"the backend of memory:// has no (rollups|aggregation pipelines)"):
        asked(backend, "things", Rollup() if call == "rollup" else [], transaction=None, timeout=1.0)


@define
class Part:
    """A nested value."""

    size: int


class Shade:
    """A type of the user's own, stored as text."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Shade) and self.name == other.name

    __hash__ = None  # type: ignore[assignment]


@define(kw_only=True)
class Thing(Entity):
    """An entity."""

    name: str
    weight: int | None = None
    prices: dict[str, int] = field(factory=dict)
    parts: list[Part] = field(factory=list)
    shade: Shade


class Things(Repository[Thing]):
    """The things."""


class ThingsUnitOfWork(UnitOfWork):
    """The unit."""

    things: Things


@pytest.fixture
def things() -> Iterator[Things]:
    """A repository with three things."""
    converter = make_converter()
    converter.register_structure_hook(Shade, lambda stored, _: Shade(stored))
    converter.register_unstructure_hook(Shade, lambda shade: shade.name)
    documents = [Documents(Things, collection="things")]
    store = open_store(ThingsUnitOfWork, url="memory://", documents=documents, converter=converter)
    with store.unit_of_work() as uow:
        for weight in (1, 2, None):
            uow.things.add(Thing(name="a", weight=weight, prices={"eur": 3}, shade=Shade("red" if weight else "blue")))
    with store.reader() as reader:
        yield reader.things


@frozen
class Checked:
    """A row with rules and a computed field of its own."""

    name: str
    n: int = field(validator=at_least(3))
    doubled: int = field(init=False)

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "doubled", 2 * self.n)


def test_a_view_has_rules_of_its_own(things: Things) -> None:
    """Rows are made by the constructor of the view: what it computes is there, what it refuses is a ValidationError."""
    rows = things.rollup(Checked, by=lambda t: {"name": t.name}, values=lambda t: {"n": count()})
    with pytest.raises(ValidationError, match="Checked"):
        things.rollup(Checked, by=lambda t: {"name": t.name}, values=lambda t: {"n": distinct_count(t.weight)})

    assert [("a", 3, 6)] == [(row.name, row.n, row.doubled) for row in rows]


@frozen
class Sums:
    """Sums of values of a dictionary."""

    euros: int
    least: int | None


def test_values_of_dictionaries(things: Things) -> None:
    """A key of a dictionary has the type of its values, and may be missing."""
    rows = things.rollup(Sums, values=lambda t: {"euros": total(t.prices["eur"]), "least": smallest(t.prices["usd"])})

    assert [Sums(9, None)] == rows


@frozen
class Shades:
    """How many things have a shade."""

    shade: Shade
    n: int


def test_types_of_the_users_own(things: Things) -> None:
    """A group by a type that has hooks in the converter gives values of that type."""
    rows = things.rollup(Shades, by=lambda t: {"shade": t.shade}, values=lambda t: {"n": count()})

    assert [Shades(Shade("blue"), 1), Shades(Shade("red"), 2)] == rows


def test_lists_and_values_without_an_order(things: Things) -> None:
    """What leads into a list, and a smallest value of what has no order, are refused."""
    with pytest.raises(InvalidQuery, match="parts is list"):
        things.rollup(Sums, values=lambda t: {"euros": count(), "least": smallest(t.parts)})
    with pytest.raises(InvalidQuery, match="shade is Shade, whose values have no order"):
        things.rollup(Sums, values=lambda t: {"euros": count(), "least": smallest(t.shade)})


def test_the_error_of_the_lambda_itself(things: Things) -> None:
    """An error that is not about the rollup is the caller's own."""
    with pytest.raises(TypeError, match="unsupported operand"):
        things.rollup(Sums, values=lambda t: {"euros": 1 + None})  # type: ignore[operator]
