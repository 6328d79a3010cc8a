"""Derived strategies: what they read from types and validators, what callers give, what is refused."""

import math
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from typing import Any, Self
from uuid import UUID

import attrs
import pytest
from attrs import define, field, validators
from contracts.billing import Address, Customer, Invoice, Status, customer
from hypothesis import given, settings
from hypothesis import strategies as st

from tristore import ConfigurationError, Entity, Specification, ValidationError, not_
from tristore.adapters.backend import EVERYTHING, All, AnyOf, Not, Predicate
from tristore.adapters.testing.data.rule_strategies import WORDS, targets
from tristore.domain.core import CreditTransfer, User
from tristore.fields import SECRET, at_least, member_of, text, whole
from tristore.testing import entities, specifications

FIRST = datetime(2026, 1, 1, tzinfo=UTC)


class Size(Enum):
    """An enum of numbers."""

    SMALL = 1
    LARGE = 2


@define
class Node:
    """Holds values of its own kind."""

    label: str = field(validator=validators.max_len(3))
    parent: Self | None = None
    children: "list[Node]" = field(factory=list)


def even(_: object, attribute: "attrs.Attribute[Any]", value: Any) -> None:
    """A validator that nobody can read."""
    if value % 2:
        raise ValueError(f"{attribute.name} must be even")


def country(_: object, attribute: "attrs.Attribute[Any]", value: str) -> None:
    """A validator for text that nobody can read."""
    if not re.fullmatch("[A-Z]{2}", value):
        raise ValidationError.of(attribute.name, "must be two capital letters")


@define(kw_only=True)
class Everything(Entity):
    """Every kind of field, with validators of attrs and of the project."""

    code: str = field(validator=validators.matches_re(r"[A-Z]{3}-[0-9]+"))
    short: str = field(validator=[validators.min_len(2), validators.max_len(4)])
    country: str = field(validator=country)
    flavour: str = field(validator=validators.in_(["sweet", "sour"]))
    note: str | None = field(default=None, validator=validators.optional(text(max=5)))
    age: int = field(validator=validators.and_(validators.ge(18), validators.lt(21)))
    pairs: int = field(default=0, validator=validators.and_(whole(min=0, max=10), even))
    ratio: float = field(validator=[validators.gt(0), validators.le(1)])
    rate: float = field(validator=at_least(0.5))
    price: Decimal = field(validator=validators.and_(validators.ge(Decimal("0.01")), validators.lt(Decimal(100))))
    anything: Decimal = Decimal(0)
    since: datetime = field(validator=validators.ge(FIRST))
    size: Size = field(validator=member_of(Size))
    key: UUID
    raw: bytes = field(validator=validators.max_len(2))
    scores: list[int] = field(validator=validators.deep_iterable(whole(min=1, max=3), validators.min_len(1)))
    labels: set[str] = field(factory=set, validator=validators.max_len(2))
    pair: tuple[int, ...] = ()
    frozen: frozenset[str] = frozenset()
    limits: dict[str, int] = field(
        factory=dict, validator=validators.deep_mapping(validators.instance_of(str), validators.ge(0))
    )
    free: dict[str, Any] = field(factory=dict)
    node: Node | None = None
    secret: str = field(default="", repr=False, metadata=SECRET)
    computed: int = field(init=False, default=3)
    hidden: int = field(default=1, metadata={"tristore.transient": True})


def is_plain(value: Any) -> bool:
    """Whether a value is one that a store keeps as it is."""
    if isinstance(value, datetime):
        return value.tzinfo is UTC and value.microsecond % 1000 == 0 and value.fold == 0
    if isinstance(value, Decimal):
        return value.is_finite() and len(value.as_tuple().digits) <= 34
    if isinstance(value, float):
        return not math.isnan(value)
    if isinstance(value, int):
        return -(2**63) <= value < 2**63
    if isinstance(value, dict):
        return all(key and "." not in key and key[0] != "$" and is_plain(item) for key, item in value.items())
    return not isinstance(value, list) or all(map(is_plain, value))


@settings(deadline=None)
@given(entities(Everything))
def test_validators_are_read(made: Everything) -> None:
    """Each value lies inside the bounds of its validators, and is one that a store keeps as it is."""
    attrs.validate(made)

    assert made.pairs % 2 == 0
    assert all(map(is_plain, attrs.asdict(made, recurse=False).values()))
    assert (0, 3, 1) == (made.version, made.computed, made.hidden)


@settings(deadline=None, max_examples=50)
@given(st.data())
def test_values_and_strategies_may_be_given(data: st.DataObject) -> None:
    """A field takes a plain value or a strategy; for a reference, an entity stands for its id."""
    ada = customer()
    made = data.draw(entities(Invoice, customer_id=ada, number="2026-001", total=st.just(Decimal(3))))
    other = data.draw(entities(Customer, referred_by=entities(Customer), address=Address("Paris")))

    assert (ada.id, "2026-001", Decimal(3)) == (made.customer_id, made.number, made.total)
    assert isinstance(other.referred_by, str)
    assert Address("Paris") == other.address


@settings(deadline=None, max_examples=50)
@given(entities(Address))
def test_values_that_are_no_entities_are_derived_too(made: Address) -> None:
    """Any attrs class will do."""
    assert isinstance(made.city, str)


@settings(deadline=None, max_examples=50)
@given(entities(CreditTransfer))
def test_rules_between_fields_are_obeyed(made: CreditTransfer) -> None:
    """What only the constructor can tell is asked of it."""
    assert made.sender_id != made.receiver_id


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: entities(User, emial="x"), "User has no field 'emial'; did you mean 'email'"),
        (lambda: entities(Everything, computed=1), "does not take 'computed'"),
        (lambda: entities(int), "attrs class"),
        (lambda: specifications(User, emial=st.text()), "did you mean 'email'"),
        (lambda: specifications(Address), "entity class"),  # type: ignore[type-var]
    ],
)
def test_wrong_names_and_classes_are_refused(call: Any, words: str) -> None:
    """A name that the class does not have is refused at once, with the one that comes close."""
    with pytest.raises(ConfigurationError, match=re.escape(words)):
        call()


def test_a_field_without_a_value_is_named() -> None:
    """A type of the user's own, and text of a form that nobody knows, must be given; a default stands in for them."""

    @define(kw_only=True)
    class Odd(Entity):
        colour: complex

    @define(kw_only=True)
    class Password(Entity):
        word: str = field(validator=validators.not_(validators.matches_re(".*", re.DOTALL)))

    @define(kw_only=True)
    class Fallback(Entity):
        colour: complex = 1j

    with pytest.raises(ConfigurationError, match=r"Odd\.colour.*entities\(Odd, colour="):
        entities(Odd)
    with pytest.raises(ConfigurationError, match=r"Password\.word"):
        entities(Password)

    assert 1j == drawn(entities(Fallback)).colour
    assert 2j == drawn(entities(Odd, colour=2j)).colour


def test_a_class_that_refuses_everything_says_why() -> None:
    """When no set of values is ever accepted, the last refusal is told instead of a failed health check."""

    @define(kw_only=True)
    class Never(Entity):
        name: str

        def __attrs_post_init__(self) -> None:
            raise ValueError("the moon is wrong")

    with pytest.raises(ConfigurationError, match=r"the moon is wrong.*entities\(Never"):
        drawn(entities(Never))


@settings(deadline=None)
@given(specifications(Customer), entities(Customer))
def test_rules_are_specifications_of_the_entity(rule: Specification[Customer], one: Customer) -> None:
    """Each can be tried on an entity, and combined by hand."""
    assert Customer is rule.entity
    assert not (rule & not_(rule)).is_satisfied_by(one)
    assert (rule | not_(rule)).is_satisfied_by(one)


def test_every_word_is_asked_of_some_field() -> None:
    """Each word of the language finds a field of the sample entity, nested ones and keys of dictionaries among them."""
    places = targets(Customer, {})

    assert all(any(word.asks(place.type) for place in places) for word in WORDS)
    assert len(places) > len(attrs.fields(Customer)) - 1


def test_sets_and_lists_of_nested_values_are_asked_about() -> None:
    """A rule asks for an item of a set, and whether one item of a list obeys a rule about its fields."""

    @define
    class Line:
        sku: str
        marks: frozenset[str] = frozenset()

    @define(kw_only=True)
    class Basket(Entity):
        lines: list[Line] = field(factory=list)
        labels: set[str] = field(factory=set)

    found: set[str] = set()

    @settings(deadline=None, database=None, max_examples=2_000)
    @given(specifications(Basket, max_leaves=1), entities(Basket))
    def try_them(rule: Specification[Basket], one: Basket) -> None:
        rule.is_satisfied_by(one)
        for part in leaves(rule.predicate):
            name = type(part).__name__
            found.add(f"{name} {'.'.join(part.path)}")
            found.update(f"{name} {'.'.join(inner.path)}" for inner in leaves(getattr(part, "part", EVERYTHING)))

    try_them()

    assert {"Contains labels", "Size lines", "AnyItem lines", "AnyItem sku", "AnyItem marks"} <= found


def leaves(predicate: Predicate) -> Iterator[Any]:
    """The parts that ask about a place."""
    if isinstance(predicate, All | AnyOf):
        for part in predicate.parts:
            yield from leaves(part)
    elif isinstance(predicate, Not):
        yield from leaves(predicate.part)
    else:
        yield predicate


def test_given_values_are_what_rules_compare_with() -> None:
    """With the same few values in entities and rules, many rules hold."""
    holds: list[bool] = []
    status = st.sampled_from(Status)

    @settings(deadline=None, database=None)
    @given(entities(Customer, status=status), specifications(Customer, status=status, name="Ada"))
    def try_them(one: Customer, rule: Specification[Customer]) -> None:
        holds.append(rule.is_satisfied_by(one))

    try_them()

    assert {True, False} == set(holds)


def drawn(strategy: st.SearchStrategy[Any]) -> Any:
    """One value of a strategy."""
    found: list[Any] = []

    @settings(max_examples=20, deadline=None, database=None)
    @given(strategy)
    def draw(value: Any) -> None:
        found.append(value)

    draw()
    return found[0]
