"""What every backend must keep about subclasses of the types that are stored: an object of one is the value it is."""

import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import IntEnum, StrEnum
from typing import Any
from uuid import UUID

import pytest
from attrs import define, field

from tristore import (
    Documents,
    DocumentStore,
    Entity,
    Index,
    Repository,
    UnitOfWork,
    contains,
    from_dict,
    one_of,
    open_store,
    to_dict,
)


class Text(str):
    """Text of a user's own."""

    __slots__ = ()


class Letter(StrEnum):
    """Text with a name."""

    A = "a"


class Count(int):
    """A number of a user's own."""


class One(IntEnum):
    """A number with a name."""

    ONE = 1


class Share(float):
    """A double of a user's own."""


class Price(Decimal):
    """A decimal of a user's own."""


class Serial(UUID):
    """A UUID of a user's own."""


class Moment(datetime):
    """A datetime of a user's own."""


class Options(dict[str, Any]):
    """A dictionary of a user's own."""


class Row(list[Any]):
    """A list of a user's own."""


AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
ID = UUID(int=7)


@define(kw_only=True)
class Thing(Entity):
    """Something with a field of each type."""

    text: str = "a"
    count: int = 1
    share: float = 1.5
    price: Decimal = Decimal("9.90")
    serial: UUID = ID
    at: datetime = AT
    items: list[int] = field(factory=list)
    free: dict[str, Any] = field(factory=dict)


class Things(Repository[Thing]):
    """Things."""


class Shop(UnitOfWork):
    """A unit over them."""

    things: Things


DOCUMENTS = [Documents(Things, collection="things", indexes=(Index("at"), Index("-price"), Index("serial")))]
PAIRS: list[tuple[str, Any, Any]] = [
    ("text", Text("a"), "a"),
    ("text", Letter.A, "a"),
    ("count", Count(1), 1),
    ("count", One.ONE, 1),
    ("share", Share(1.5), 1.5),
    ("price", Price("9.90"), Decimal("9.90")),
    ("serial", Serial(int=7), ID),
    ("at", Moment(2026, 1, 2, 3, 4, 5, tzinfo=UTC), AT),
    ("items", Row([1, Count(2)]), [1, 2]),
]
RULES: list[Any] = [
    lambda thing: thing.text == Text("a"),
    lambda thing: thing.count >= Count(1),
    lambda thing: one_of(thing.share, [Share(1.5), 2.0]),
    lambda thing: thing.price <= Price("9.90"),
    lambda thing: thing.serial == Serial(int=7),
    lambda thing: thing.at <= Moment(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
    lambda thing: contains(thing.items, Count(1)),
    lambda thing: thing.free["x"] == Text("y"),
    lambda thing: thing.free["at"] >= Moment(2026, 1, 1, tzinfo=UTC),
    lambda thing: thing.free["id"] == Serial(int=7),
]
FREE = {
    "x": Text("y"),
    "letter": Letter.A,
    "count": Count(3),
    "one": One.ONE,
    "share": Share(1.5),
    "price": Price("1.10"),
    "at": Moment(2026, 1, 2, tzinfo=UTC),
    "id": Serial(int=7),
    "options": Options(a=Row([Text("b")])),
}
PLAIN = {
    "x": "y",
    "letter": "a",
    "count": 3,
    "one": 1,
    "share": 1.5,
    "price": Decimal("1.10"),
    "at": datetime(2026, 1, 2, tzinfo=UTC),
    "id": ID,
    "options": {"a": ["b"]},
}


class _OfFrozenTime(type):
    def __instancecheck__(cls, value: object) -> bool:
        return isinstance(value, datetime)


class FrozenDatetime(datetime, metaclass=_OfFrozenTime):
    """What a library that freezes time puts in the place of `datetime`, wherever a module has that name."""

    @classmethod
    def now(cls, tz: Any = None) -> "FrozenDatetime":
        return cls(2026, 3, 4, 5, 6, 7, 891_234, tzinfo=tz)


class SubclassesContract:
    """Fields, rules, and what is of any type."""

    @pytest.fixture
    def frozen_time(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Time stands still, as under a library that replaces `datetime` in every module."""
        for name, module in [*sys.modules.items()]:
            if name.partition(".")[0] in {"tristore", "bson"}:
                for attribute, value in [*vars(module).items()]:
                    if value is datetime:
                        monkeypatch.setattr(module, attribute, FrozenDatetime)

    @pytest.fixture
    def store(self, url: str) -> Iterator[DocumentStore[Shop]]:
        """An empty store."""
        store = open_store(Shop, url=url, documents=DOCUMENTS, prepare="create")
        yield store
        store.close()

    @pytest.mark.parametrize(("name", "value", "plain"), PAIRS, ids=lambda given: type(given).__name__)
    def test_a_field_holds_the_value_that_it_is(
        self, store: DocumentStore[Shop], name: str, value: Any, plain: Any
    ) -> None:
        """It is stored and loaded as a plain one, and putting one in the place of the other is no change."""
        with store.unit_of_work() as shop:
            shop.things.add(Thing(**{name: value}))
        with store.unit_of_work() as shop:
            (loaded,) = shop.things.find()
            found = getattr(loaded, name)
            setattr(loaded, name, value)
        with store.reader() as reader:
            version = reader.things.find()[0].version

        assert (plain, type(plain), 1) == (found, type(found), version)

    @pytest.mark.parametrize("rule", RULES)
    def test_a_rule_compares_with_it(self, store: DocumentStore[Shop], rule: Any) -> None:
        """A rule with such a value finds what one with the plain value finds."""
        with store.unit_of_work() as shop:
            shop.things.add(Thing(items=[1], free=dict(FREE)))
            shop.things.add(
                Thing(text="b", count=0, share=0.0, price=Decimal(10), serial=UUID(int=8), at=AT.replace(year=2027))
            )
        with store.reader() as reader:
            assert 1 == len(reader.things.find(rule))

    def test_values_of_any_type(self, store: DocumentStore[Shop]) -> None:
        """Inside a dictionary of anything they come back as plain values."""
        with store.unit_of_work() as shop:
            shop.things.add(Thing(free=FREE))
        with store.reader() as reader:
            found = reader.things.find()[0].free

        assert PLAIN == found
        assert [*map(type, PLAIN.values())] == [*map(type, found.values())]

    @pytest.mark.usefixtures("frozen_time")
    def test_while_time_is_frozen(self, store: DocumentStore[Shop]) -> None:
        """Where datetime is another class, entities are added, edited, asked for by time, paged and written as JSON."""
        now = FrozenDatetime.now(UTC)
        with store.unit_of_work() as shop:
            shop.things.add(Thing(at=now, free={"at": now, "all": [now]}))
        with store.unit_of_work() as shop:
            (thing,) = shop.things.find(lambda thing: thing.at <= now)
            thing.at = now + timedelta(days=1)
            thing.free["later"] = now
        with store.reader() as reader:
            found = reader.things.find(lambda thing: (thing.at > now) & (thing.free["at"] <= now), sort="-at")
            page = reader.things.page(lambda thing: thing.created_at <= now, page=1, limit=5, sort="at")
            times = reader.things.distinct(lambda thing: thing.at)

        assert [2] == [thing.version for thing in found] == [thing.version for thing in page.items]
        assert [datetime(2026, 3, 5, 5, 6, 7, 891_000, tzinfo=UTC)] == list(times)
        assert {datetime} == {type(found[0].at), type(found[0].created_at), type(found[0].free["later"])}
        assert found[0] == from_dict(Thing, to_dict(found[0]))


__all__ = ["SubclassesContract"]
