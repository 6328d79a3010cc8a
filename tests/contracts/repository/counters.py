"""A small domain for calls on many entities: a class with a rule of every sort on its numbers, and hooks to bypass."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from attrs import define, field, frozen, setters
from attrs.validators import and_, ge, gt, instance_of, le, lt, optional

from tristore import (
    Change,
    Documents,
    DocumentStore,
    Entity,
    Event,
    FixedClock,
    Repository,
    Unique,
    UnitOfWork,
    ValidationError,
    open_store,
)
from tristore.fields import at_least, text, trimmed, whole

from ..stores import BillingContract


def _even(_: object, attribute: Any, value: int) -> None:
    if value % 2:
        raise ValidationError.of(attribute.name, "must be even")


def _below_ceiling(counter: "Counter", _: object, value: int) -> None:
    if value > counter.high:
        raise ValueError("must be below high")


@define
class Stats:
    """A nested value that can be edited."""

    views: int = field(default=0, validator=ge(0))
    label: str = field(default="", converter=trimmed, validator=text(max=5))


@frozen
class Point:
    """A nested value that is made as a whole."""

    x: int
    y: int


@define(kw_only=True)
class Counter(Entity):
    """Numbers with bounds."""

    name: str = field(converter=trimmed, validator=text(min=1, max=20))
    plain: int = 0
    low: int = field(default=0, validator=ge(0))
    high: int = field(default=0, validator=[instance_of(int), le(10)])
    both: int = field(default=5, validator=and_(gt(0), lt(10)))
    some: int | None = field(default=None, validator=optional(ge(-3)))
    within: int = field(default=0, validator=whole(min=-5, max=5))
    amount: Decimal = field(default=Decimal(0), validator=ge(Decimal("-1.50")))
    score: float = field(default=0.0, validator=and_(gt(0.3), le(0.9)))
    rate: float = field(default=0.0, validator=at_least(0))
    even: int = field(default=0, validator=_even)
    relative: int = field(default=0, validator=_below_ceiling)
    rounded: float = field(default=0.0, converter=round)
    hooked: int = field(default=0, on_setattr=setters.pipe(setters.convert))
    fixed: str = field(default="", on_setattr=setters.frozen)
    stats: Stats | None = None
    point: Point = field(factory=lambda: Point(0, 0))
    tags: list[str] = field(factory=list)
    data: dict[str, Any] = field(factory=dict)


class CounterRepository(Repository[Counter]):
    """Counters without hooks."""

    unique = (Unique("name"),)


@frozen(kw_only=True)
class Noticed(Event):
    """Something about an order."""

    words: str


@define(kw_only=True)
class Order(Entity):
    """What has hooks."""

    number: str
    note: str = ""
    saved: list[str] = field(factory=list)


class OrderRepository(Repository[Order]):
    """Orders with every hook."""

    unique = (Unique("number"),)
    committed: "list[str]" = []  # noqa: RUF012 - read and emptied by the tests

    def before_save(self, entity: Order, change: Change, uow: UnitOfWork[Any]) -> None:
        """Refuse some, note what is changed."""
        if entity.note == "refused":
            raise ValueError("this note is refused")
        if entity.note == "noticed":
            entity.record(Noticed(words=entity.number))
        if entity.note == "broken":
            raise RuntimeError("a hook with a fault")
        entity.saved = ["new"] if change.is_new else sorted(change.fields)

    def after_commit(self, entity: Order) -> None:
        """Remember who was told."""
        self.committed.append(entity.number)

    def before_remove(self, entity: Order, uow: UnitOfWork[Any]) -> None:
        """Nothing, but it is there."""


@define(kw_only=True)
class Tree(Entity):
    """A value that holds others of its kind, as deep as one likes."""

    inner: "Branch | None" = None


@define
class Branch:
    """One level."""

    inner: "Branch | None" = None


class TreeRepository(Repository[Tree]):
    """Trees."""


class Numbers(UnitOfWork):
    """All of it."""

    counters: CounterRepository
    orders: OrderRepository
    trees: TreeRepository


NUMBERS = (
    Documents(CounterRepository, collection="counters"),
    Documents(OrderRepository, collection="orders"),
    Documents(TreeRepository, collection="trees"),
)
NumberStore = DocumentStore[Numbers]


class NumbersContract(BillingContract):
    """The fixtures of contracts over counters and orders."""

    @pytest.fixture
    def numbers(self, url: str, clock: FixedClock) -> Iterator[NumberStore]:
        """The store."""
        OrderRepository.committed.clear()
        store = open_store(Numbers, url=url, documents=NUMBERS, prepare="create", clock=clock)
        yield store
        store.close()


def counter(name: str = "one", **values: Any) -> Counter:
    """A counter with values that its rules accept."""
    return Counter(name=name, **{"score": 0.5, **values})


def add(store: NumberStore, *counters: Counter) -> None:
    """Store counters in one unit."""
    with store.unit_of_work() as uow:
        for one in counters:
            uow.counters.add(one)
