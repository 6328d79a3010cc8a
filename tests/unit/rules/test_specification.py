"""Rules over an entity: what is captured, what is refused and with which words, what holds."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum
from typing import Any, NewType, cast

import pytest
from attrs import define, field
from hypothesis import given
from hypothesis import strategies as st

from tristore import (
    Entity,
    Id,
    InvalidQuery,
    Specification,
    any_of,
    between,
    contains,
    contains_all,
    exists,
    icontains,
    is_none,
    matches,
    new_id,
    not_,
    not_one_of,
    one_of,
    size,
    some,
    specification,
    where,
)
from tristore.adapters.backend import (
    EVERYTHING,
    All,
    AnyItem,
    AnyOf,
    Comparator,
    Compare,
    Contains,
    Exists,
    IsNone,
    Matches,
    Not,
    OneOf,
    Predicate,
    Size,
    Text,
    TextTest,
)
from tristore.domain.rules.patterns import in_any_case, pattern_of
from tristore.domain.rules.specification import specification_of

ShipId = NewType("ShipId", Id)
NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
NAN = float("nan")


class Flag(Enum):
    """Under which a ship sails."""

    WHITE = "white"
    BLACK = "black"


@define
class Port:
    """A nested value."""

    city: str
    depth: int | None = None
    master: "Person | None" = None


@define
class Person:
    """A value inside a nested value."""

    name: str


@define(kw_only=True)
class Ship(Entity[ShipId]):
    """An entity with a field of every sort that a rule can ask about."""

    name: str = "Argo"
    crew: int = 0
    masts: int | None = None
    tonnage: float = 0.0
    value: Decimal = Decimal(0)
    flag: Flag = Flag.WHITE
    afloat: bool = False
    launched: datetime | None = None
    nickname: str | None = None
    home: Port | None = None
    ports: list[Port] = field(factory=list)
    cargo: list[str] = field(factory=list)
    draughts: list[int | None] = field(factory=list)
    log: dict[str, Any] = field(factory=dict)
    stores: dict[str, int] = field(factory=dict)
    figurehead: bytes = b""

    @property
    def is_manned(self) -> bool:
        """Whether there is a crew and water under the keel."""
        return (self.crew > 0) & self.afloat

    @property
    def label(self) -> str:
        """Something that a store cannot be asked for."""
        return f"{self.name} ({self.crew})"


@define(kw_only=True)
class Steamer(Ship):
    """A ship of a narrower class."""

    boilers: int = 1


@define(kw_only=True)
class Dock(Entity):
    """Another entity."""

    name: str = ""


ShipRule = Callable[[Ship], Any]
NO_NAME = IsNone(("nickname",))

CAPTURED: dict[str, tuple[ShipRule, Predicate]] = {
    "==": (lambda s: s.crew == 3, Compare(("crew",), Comparator.EQ, 3)),
    "!=": (lambda s: s.crew != 3, Compare(("crew",), Comparator.NE, 3)),
    "<": (lambda s: s.crew < 3, Compare(("crew",), Comparator.LT, 3)),
    "<=": (lambda s: s.crew <= 3, Compare(("crew",), Comparator.LE, 3)),
    ">": (lambda s: s.crew > 3, Compare(("crew",), Comparator.GT, 3)),
    ">=": (lambda s: s.crew >= 3, Compare(("crew",), Comparator.GE, 3)),
    "turned round": (lambda s: 3 < s.crew, Compare(("crew",), Comparator.GT, 3)),
    "== None": (lambda s: s.nickname == None, NO_NAME),  # noqa: E711
    "!= None": (lambda s: s.nickname != None, Not(NO_NAME)),  # noqa: E711
    "a whole number for a float": (lambda s: s.tonnage > 3, Compare(("tonnage",), Comparator.GT, 3.0)),
    "a whole number for a Decimal": (lambda s: s.value > 3, Compare(("value",), Comparator.GT, Decimal(3))),
    "a date in UTC and milliseconds": (
        lambda s: some(s.launched) == datetime(2026, 1, 31, 13, 0, 0, 1999, timezone(timedelta(hours=1))),
        Compare(("launched",), Comparator.EQ, NOON.replace(microsecond=1000)),
    ),
    "a flag": (lambda s: s.afloat, Compare(("afloat",), Comparator.EQ, True)),
    "a flag among conditions": (
        lambda s: s.afloat & (s.crew > 0),
        All((Compare(("afloat",), Comparator.EQ, True), Compare(("crew",), Comparator.GT, 0))),
    ),
    "a property": (
        lambda s: s.is_manned,
        All((Compare(("crew",), Comparator.GT, 0), Compare(("afloat",), Comparator.EQ, True))),
    ),
    "and, flattened": (
        lambda s: (s.crew > 0) & (s.crew < 9) & s.afloat,
        All(
            (
                Compare(("crew",), Comparator.GT, 0),
                Compare(("crew",), Comparator.LT, 9),
                Compare(("afloat",), Comparator.EQ, True),
            )
        ),
    ),
    "or": (
        lambda s: (s.crew > 9) | s.afloat,
        AnyOf((Compare(("crew",), Comparator.GT, 9), Compare(("afloat",), Comparator.EQ, True))),
    ),
    "not_": (lambda s: not_(s.afloat), Not(Compare(("afloat",), Comparator.EQ, True))),
    "one_of": (lambda s: one_of(s.flag, (Flag.BLACK,)), OneOf(("flag",), (Flag.BLACK,))),
    "contains": (lambda s: contains(s.cargo, "rum"), Contains(("cargo",), "rum")),
    "is_none": (lambda s: is_none(s.nickname), NO_NAME),
    "is_none of a nested value": (lambda s: is_none(s.home), IsNone(("home",))),
    "is_none of a list": (lambda s: is_none(s.cargo), IsNone(("cargo",))),
    "is_none of a list that may hold None": (
        lambda s: is_none(s.draughts),
        All((IsNone(("draughts",)), Not(Size(("draughts",))))),
    ),
    "is_none inside some": (
        lambda s: is_none(some(s.home).depth),
        All((Not(IsNone(("home",))), IsNone(("home", "depth")))),
    ),
    "exists, a key": (lambda s: exists(s.log["mate"]), Exists(("log", "mate"))),
    "exists, a field": (lambda s: exists(s.nickname), Not(NO_NAME)),
    "between": (
        lambda s: between(s.tonnage, 1, 2),
        All((Compare(("tonnage",), Comparator.GE, 1.0), Compare(("tonnage",), Comparator.LE, 2.0))),
    ),
    "not_one_of": (lambda s: not_one_of(s.crew, [1]), Not(OneOf(("crew",), (1,)))),
    "contains_all": (
        lambda s: contains_all(s.cargo, ["rum", "tar"]),
        All((Contains(("cargo",), "rum"), Contains(("cargo",), "tar"))),
    ),
    "any_of": (
        lambda s: any_of(s.ports, lambda p: (p.city == "Oslo") & (some(p.depth) > 3)),
        AnyItem(("ports",), All((Compare(("city",), Comparator.EQ, "Oslo"), Compare(("depth",), Comparator.GT, 3)))),
    ),
    "any_of plain values": (
        lambda s: any_of(s.draughts, lambda d: some(d) != 3),
        AnyItem(("draughts",), All((Not(IsNone(())), Compare((), Comparator.NE, 3)))),
    ),
    "size": (lambda s: size(s.cargo) == 3, Size(("cargo",), 3, 3)),
    "size, at least": (
        lambda s: size(s.cargo) >= 3,
        All((Size(("cargo",)), Not(Size(("cargo",), 0, 2)))),
    ),
    "matches": (lambda s: matches(s.name, "^A"), Matches(("name",), pattern_of("^A"))),
    "icontains": (lambda s: icontains(s.name, "rg"), Matches(("name",), in_any_case("rg"))),
    "a position": (lambda s: s.cargo[0] == "rum", Compare(("cargo", "0"), Comparator.EQ, "rum")),
    "a position of a nested value": (
        lambda s: s.ports[1].city == "Oslo",
        Compare(("ports", "1", "city"), Comparator.EQ, "Oslo"),
    ),
    "a key and a position": (lambda s: s.log["mate"][2] == 1, Compare(("log", "mate", "2"), Comparator.EQ, 1)),
    "some, ordered": (lambda s: some(s.masts) > 2, Compare(("masts",), Comparator.GT, 2)),
    "some, unequal": (
        lambda s: some(s.masts) != 2,
        All((Not(IsNone(("masts",))), Compare(("masts",), Comparator.NE, 2))),
    ),
    "startswith": (lambda s: s.name.startswith("A"), Text(("name",), TextTest.STARTS, "A")),
    "endswith": (lambda s: s.name.endswith("o"), Text(("name",), TextTest.ENDS, "o")),
    "nested": (lambda s: some(s.home).city == "Bergen", Compare(("home", "city"), Comparator.EQ, "Bergen")),
    "deeply nested": (
        lambda s: some(some(s.home).master).name == "Ann",
        Compare(("home", "master", "name"), Comparator.EQ, "Ann"),
    ),
    "a key": (lambda s: s.stores["rum"] >= 3, Compare(("stores", "rum"), Comparator.GE, 3)),
    "a free key": (lambda s: s.log["mate"]["name"] == "Ann", Compare(("log", "mate", "name"), Comparator.EQ, "Ann")),
}


@pytest.mark.parametrize(("rule", "expected"), CAPTURED.values(), ids=CAPTURED.keys())
def test_a_rule_is_captured(rule: ShipRule, expected: Predicate) -> None:
    """What a lambda asks of the entity becomes data, with each value in the form that is stored."""
    assert expected == where(Ship, rule).predicate


def test_no_rule_is_every_entity() -> None:
    """Without a rule a specification holds for every entity."""
    assert EVERYTHING == where(Ship).predicate
    assert where(Ship).is_satisfied_by(Ship())


HOLDING: list[tuple[ShipRule, Ship, bool]] = [
    (lambda s: s.home == None, Ship(), True),  # noqa: E711
    (lambda s: s.home != None, Ship(), False),  # noqa: E711
    (lambda s: some(s.home).city == "Bergen", Ship(home=Port("Bergen")), True),
    (lambda s: some(s.home).city == "Bergen", Ship(), False),
    (lambda s: some(s.home).city != "Bergen", Ship(), False),
    (lambda s: is_none(some(s.home).depth), Ship(home=Port("Bergen")), True),
    (lambda s: is_none(some(s.home).depth), Ship(), False),
    (lambda s: s.nickname != "Queen", Ship(), True),
    (lambda s: s.stores["rum"] >= 3, Ship(stores={"rum": 3}), True),
    (lambda s: s.stores["rum"] >= 3, Ship(), False),
    (lambda s: s.log["mate"]["name"] == "Ann", Ship(log={"mate": {"name": "Ann"}}), True),
    (lambda s: s.log["mate"]["name"] == "Ann", Ship(log={"mate": [{"name": "Bob"}, {"name": "Ann"}]}), True),
    (lambda s: s.log["mate"] > 3, Ship(log={"mate": "4"}), False),
    (lambda s: s.log["mate"] == 1, Ship(log={"mate": True}), False),
    (lambda s: s.log["mate"] == 1, Ship(log={"mate": Decimal(1)}), True),
    (lambda s: s.log["mate"].startswith("A"), Ship(log={"mate": 3}), False),
    (lambda s: contains(s.cargo, "rum"), Ship(cargo=["tar", "rum"]), True),
    (lambda s: s.flag == Flag.BLACK, Ship(flag=Flag.BLACK), True),
    (lambda s: some(s.launched) <= NOON, Ship(launched=NOON + timedelta(microseconds=999)), True),
    (lambda s: s.flag < Flag.WHITE, Ship(flag=Flag.BLACK), True),  # type: ignore[operator]
    (lambda s: s.flag >= Flag.WHITE, Ship(flag=Flag.BLACK), False),  # type: ignore[operator]
    (lambda s: s.figurehead > b"z", Ship(figurehead=b"aa"), True),
    (lambda s: s.figurehead > b"a", Ship(figurehead=b"b"), True),
    (lambda s: s.figurehead <= b"z", Ship(figurehead=b"aa"), False),
    (lambda s: s.value < 1, Ship(value=Decimal("NaN")), False),
    (lambda s: s.value >= 1, Ship(value=Decimal("-NaN")), False),
    (lambda s: s.value == 1, Ship(value=Decimal("sNaN")), False),
    (lambda s: s.value != 1, Ship(value=Decimal("sNaN")), True),
    (lambda s: s.tonnage <= 1.0, Ship(tonnage=NAN), False),
    (lambda s: s.is_manned, Ship(crew=3, afloat=True), True),
    (lambda s: s.is_manned, Ship(crew=3), False),
]


@pytest.mark.parametrize(("rule", "ship", "expected"), HOLDING)
def test_a_rule_holds_for_an_object_as_in_a_store(rule: ShipRule, ship: Ship, expected: bool) -> None:
    """`is_satisfied_by` follows the stores: nothing equals None, other sorts never compare, lists by their items."""
    assert expected is where(Ship, rule).is_satisfied_by(ship)


def test_specifications_combine() -> None:
    """Named rules are joined with &, | and not_."""
    big, afloat = where(Ship, lambda s: s.crew > 9), where(Ship, lambda s: s.afloat)
    ships = [Ship(crew=crew, afloat=swims) for crew in (1, 10) for swims in (False, True)]

    def holds(rule: Specification[Ship]) -> list[bool]:
        return [rule.is_satisfied_by(ship) for ship in ships]

    assert [False, False, False, True] == holds(big & afloat)
    assert [False, True, True, True] == holds(big | afloat)
    assert [True, True, False, False] == holds(not_(big))
    assert [True, False, False, False] == holds(not_(big | afloat))


@specification
def bigger_than(ship: Ship, least: int, *, swims: bool = True) -> bool:
    """Ships with more crew."""
    return (ship.crew > least) & (ship.afloat == swims)


def test_a_specification_may_take_parameters() -> None:
    """A decorated function keeps its name and its other parameters, and gives a specification."""
    big = bigger_than(9, swims=False)

    assert where(Ship, lambda s: (s.crew > 9) & (s.afloat == False)) == big  # noqa: E712
    assert "bigger_than" == bigger_than.__name__
    assert [False, True] == [(big & where(Ship)).is_satisfied_by(Ship(crew=crew)) for crew in (9, 10)]


def test_a_specification_names_its_entity() -> None:
    """The first parameter of a decorated function is annotated with a class of entities."""

    @specification
    def without(ship, least):  # type: ignore[no-untyped-def]
        return ship.crew > least

    @specification  # type: ignore[type-var]
    def over_text(ship: str) -> bool:
        return ship == "x"

    def unknown(ship: Ship) -> bool:
        return ship.afloat

    unknown.__annotations__["ship"] = "Nowhere"

    with pytest.raises(InvalidQuery, match="without is a specification: annotate its first parameter"):
        without(3)
    with pytest.raises(InvalidQuery, match="over_text is a specification: annotate its first parameter"):
        over_text()
    with pytest.raises(InvalidQuery, match="an annotation of unknown cannot be resolved: name 'Nowhere'"):
        specification(unknown)()


def test_a_specification_is_neither_true_nor_false() -> None:
    """Python's own words between specifications are refused with the words to write instead."""
    rule = where(Ship)

    with pytest.raises(InvalidQuery, match="and cannot be captured"):
        bool(rule and rule)
    with pytest.raises(InvalidQuery, match="not cannot be captured"):
        bool(not rule)


def test_only_rules_over_one_entity_combine() -> None:
    """A rule over one entity says nothing of another, and nothing else is a rule."""
    with pytest.raises(InvalidQuery, match="a rule over Dock says nothing of Ship"):
        assert where(Ship) & cast("Specification[Ship]", where(Dock))
    with pytest.raises(InvalidQuery, match="combine a specification with another one, not with int"):
        assert where(Ship) | cast("Any", 3)


def test_a_repository_takes_rules_over_its_entity_only() -> None:
    """A rule over a base class fits a narrower one; another class's, or what is no rule, is refused."""
    afloat = where(Ship, lambda s: s.afloat)

    assert afloat is specification_of(Steamer, cast("Specification[Steamer]", afloat))
    assert EVERYTHING == specification_of(Ship, None).predicate
    with pytest.raises(InvalidQuery, match="a rule over Steamer says nothing of Ship"):
        specification_of(Ship, cast("Specification[Ship]", where(Steamer)))
    with pytest.raises(InvalidQuery, match="a rule is a lambda or a Specification, not str"):
        specification_of(Ship, cast("Any", "afloat"))


Sample = tuple[Specification[Ship], Callable[[Ship], bool]]

NUMBERS = st.integers(-3, 3)
WORDS = st.sampled_from(["", "a", "ab", "b", "ba"])
MOMENTS = st.integers(-3, 3).map(lambda hours: NOON + timedelta(hours=hours))
SHIPS = st.builds(
    Ship,
    id=st.builds(lambda: cast("ShipId", new_id())),
    name=WORDS,
    crew=NUMBERS,
    masts=st.none() | NUMBERS,
    flag=st.sampled_from(Flag),
    afloat=st.booleans(),
    launched=st.none() | MOMENTS,
    nickname=st.none() | WORDS,
    home=st.none() | st.builds(Port, WORDS, st.none() | NUMBERS, st.none() | st.builds(Person, WORDS)),
    cargo=st.lists(WORDS, max_size=3),
    stores=st.dictionaries(st.sampled_from(["rum", "tar"]), NUMBERS),
)


def _leaf(number: int, word: str, moment: datetime, flag: Flag) -> list[Sample]:
    """Rules, each beside the same in plain Python."""
    start = word or "a"
    return [
        (where(Ship, lambda s: s.crew == number), lambda s: s.crew == number),
        (where(Ship, lambda s: s.crew != number), lambda s: s.crew != number),
        (where(Ship, lambda s: s.crew < number), lambda s: s.crew < number),
        (where(Ship, lambda s: s.crew >= number), lambda s: s.crew >= number),
        (where(Ship, lambda s: s.masts == number), lambda s: s.masts == number),
        (where(Ship, lambda s: s.masts != number), lambda s: s.masts != number),
        (where(Ship, lambda s: some(s.masts) != number), lambda s: s.masts is not None and s.masts != number),
        (where(Ship, lambda s: some(s.masts) > number), lambda s: s.masts is not None and s.masts > number),
        (where(Ship, lambda s: is_none(s.launched)), lambda s: s.launched is None),
        (where(Ship, lambda s: some(s.launched) <= moment), lambda s: s.launched is not None and s.launched <= moment),
        (where(Ship, lambda s: s.name.startswith(start)), lambda s: s.name.startswith(start)),
        (where(Ship, lambda s: s.name.endswith(start)), lambda s: s.name.endswith(start)),
        (where(Ship, lambda s: one_of(s.name, [word, "b"])), lambda s: s.name in {word, "b"}),
        (where(Ship, lambda s: one_of(s.nickname, {word})), lambda s: s.nickname == word),
        (where(Ship, lambda s: contains(s.cargo, word)), lambda s: word in s.cargo),
        (where(Ship, lambda s: s.flag == flag), lambda s: s.flag == flag),
        (where(Ship, lambda s: one_of(s.flag, list(Flag))), lambda s: True),
        (where(Ship, lambda s: s.afloat), lambda s: s.afloat),
        (where(Ship, lambda s: s.is_manned), lambda s: s.crew > 0 and s.afloat),
        (where(Ship, lambda s: some(s.home).city == word), lambda s: s.home is not None and s.home.city == word),
        (where(Ship, lambda s: some(s.home).city != word), lambda s: s.home is not None and s.home.city != word),
        (
            where(Ship, lambda s: some(some(s.home).master).name > word),
            lambda s: s.home is not None and s.home.master is not None and s.home.master.name > word,
        ),
        (where(Ship, lambda s: s.stores["rum"] >= number), lambda s: "rum" in s.stores and s.stores["rum"] >= number),
        (where(Ship), lambda s: True),
    ]


def _joined(parts: st.SearchStrategy[Sample]) -> st.SearchStrategy[Sample]:
    def both(left: Sample, right: Sample) -> Sample:
        return left[0] & right[0], lambda s: left[1](s) and right[1](s)

    def either(left: Sample, right: Sample) -> Sample:
        return left[0] | right[0], lambda s: left[1](s) or right[1](s)

    def opposite(one: Sample) -> Sample:
        return not_(one[0]), lambda s: not one[1](s)

    return st.builds(both, parts, parts) | st.builds(either, parts, parts) | st.builds(opposite, parts)


LEAVES = st.builds(_leaf, NUMBERS, WORDS, MOMENTS, st.sampled_from(Flag)).flatmap(st.sampled_from)


@given(sample=st.recursive(LEAVES, _joined, max_leaves=8), ship=SHIPS)
def test_a_rule_says_what_plain_python_says(sample: Sample, ship: Ship) -> None:
    """However rules are joined, the captured tree and the same rule in Python's own words agree on every object."""
    rule, python = sample

    assert python(ship) is rule.is_satisfied_by(ship)
