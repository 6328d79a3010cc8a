"""Rules that cannot be captured: Python's own words, values that a field never has, names that do not exist."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum
from typing import Any, NewType, cast

import pytest
from attrs import define, field

from tristore import (
    Entity,
    Id,
    InvalidQuery,
    any_of,
    between,
    contains,
    contains_all,
    exists,
    icontains,
    is_none,
    matches,
    not_,
    not_one_of,
    one_of,
    size,
    some,
    where,
)

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
    marks: set[str] = field(factory=set)
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


ShipRule = Callable[[Ship], Any]


def several(*answers: bool) -> bool:
    """Something that asks each condition for its truth."""
    return all(answers)


PYTHONS_OWN: dict[str, tuple[ShipRule, str]] = {
    "and": (lambda s: s.afloat and s.crew > 1, "and cannot be captured in a rule: write & and put each"),
    "or": (lambda s: (s.crew > 1) or s.afloat, r"or cannot be captured in a rule: write \| and put each"),
    "not": (lambda s: not (s.crew > 1), r"not cannot be captured in a rule: write not_\(condition\)"),
    "not flag": (lambda s: not s.afloat, r"not cannot be captured in a rule: write not_\(condition\)"),
    "~": (lambda s: ~s.afloat, r"~ cannot be captured in a rule: write not_\(condition\)"),
    "~ condition": (lambda s: ~(s.crew > 1), r"~ cannot be captured in a rule: write not_\(condition\)"),
    "in a list": (lambda s: s.crew in [1, 2], r"in cannot be captured in a rule: write one_of\(field, values\)"),
    "in a set": (lambda s: s.flag in {Flag.BLACK}, r"in cannot be captured in a rule: write one_of\(field, values\)"),
    "in a field": (lambda s: "rum" in s.cargo, r"in cannot be captured .* write contains\(cargo, value\)"),
    "not in": (lambda s: s.crew not in [1, 2], r"in cannot be captured in a rule: write one_of\(field, values\)"),
    "chain": (
        lambda s: 1 < s.crew < 9,
        r"a chained comparison cannot be captured in a rule: write between\(field",
    ),
    "if": (lambda s: s.crew if s.afloat else s.masts, "if cannot be captured in a rule: write a condition with &"),
    "inner and": (lambda s: (s.crew > 1) & (s.afloat and s.crew < 9), "and cannot be captured in a rule"),
    "a plain is": (lambda s: s.nickname is None, r"gave bool instead of a condition: .*is_none\(field\)"),
    "a plain is beside": (lambda s: (s.crew > 1) & (s.nickname is None), r"not bool: .*is_none\(field\)"),
    "a plain is before": (lambda s: (s.nickname is None) | (s.crew > 1), r"not bool: .*is_none\(field\)"),
    "a constant": (lambda s: True, "gave bool instead of a condition"),
    "nothing": (lambda s: None, "gave NoneType instead of a condition"),
    "a field alone": (lambda s: s.crew, "instead of a condition: compare a field"),
    "the entity alone": (lambda s: s, "instead of a condition: compare a field"),
    "parentheses forgotten": (lambda s: s.crew & 1, "put each comparison in parentheses"),
    "bool()": (lambda s: bool(s.crew), "leave it out"),
    "len()": (lambda s: len(s.cargo) > 1, r"write size\(cargo\)"),
    "a loop": (lambda s: any(part == "rum" for part in s.cargo), r"write any_of\(cargo, lambda item: ...\)"),
    "all()": (
        lambda s: several(s.crew > 1, s.crew < 9),
        r"all\(\) cannot be captured in a rule: join conditions with &",
    ),
    "an f-string": (lambda s: f"{s.name}!" == "Argo!", "text made of a field .*compare the field itself"),
    "str()": (lambda s: str(s.crew) == "1", "text made of a field"),
    "int()": (lambda s: int(s.tonnage) == 1, "a conversion cannot be captured"),
    "float()": (lambda s: float(s.crew) == 1.0, "a conversion cannot be captured"),
    "round()": (lambda s: round(s.tonnage) == 1, "a conversion cannot be captured"),
    "hash()": (lambda s: hash(s.name) == 1, "one comparison at a time"),
    "hash() of a condition": (lambda s: hash(s.crew > 1) == 1, "one comparison at a time"),
    "+": (lambda s: s.crew + 1 > 2, "on the side of the value"),
    "- before": (lambda s: 1 - s.crew > 2, "on the side of the value"),
    "-": (lambda s: -s.crew > 2, "on the side of the value"),
    "%": (lambda s: s.crew % 2 == 0, "on the side of the value"),
    "/ before": (lambda s: 1 / s.tonnage > 2, "on the side of the value"),
    "^": (lambda s: (s.crew > 1) ^ (s.crew > 2), r"write \(one & not_\(other\)\)"),
    "two conditions compared": (lambda s: (s.crew > 1) == (s.crew > 2), r"write \(one & other\)"),
    "two conditions unequal": (lambda s: (s.crew > 1) != (s.crew > 2), r"write \(one & other\)"),
    "a property in Python's words": (lambda s: s.label == "Argo (3)", "text made of a field"),
}


@pytest.mark.parametrize(("rule", "words"), PYTHONS_OWN.values(), ids=PYTHONS_OWN.keys())
def test_pythons_own_words_are_refused(rule: ShipRule, words: str) -> None:
    """What Python would answer itself is refused, with the words to write instead."""
    with pytest.raises(InvalidQuery, match=words):
        where(Ship, rule)


def test_a_rule_without_its_source_is_refused_in_general_words() -> None:
    """Where no source tells which word it was, the message lists what to write."""
    rule = eval("lambda s: s.afloat and s.crew > 1")  # noqa: S307 - our own text, which no file holds

    with pytest.raises(InvalidQuery, match=r"write &, \|, not_\(\)"):
        where(Ship, rule)


CHEEKY: Any = {"$gt": ""}

WRONG_VALUES: dict[str, tuple[ShipRule, str]] = {
    "an operator": (lambda s: s.name == CHEEKY, "name is str, and cannot be compared with a dict"),
    "an operator in a free field": (lambda s: s.log["mate"] == CHEEKY, "cannot be compared with a dict"),
    "text for a number": (lambda s: s.crew == "3", "crew is int, and cannot be compared with a str"),  # type: ignore[comparison-overlap]
    "a flag for a number": (lambda s: s.crew == True, "compared with the bool True"),  # noqa: E712
    "half a character": (lambda s: s.name == "\ud800", "cannot be compared with a str that cannot be encoded"),
    "half a character at the end": (lambda s: s.name.endswith("\ud800"), "takes text"),
    "above 64 bits": (lambda s: s.crew < 2**63, "compared with the int 9223372036854775808"),
    "NaN": (lambda s: s.tonnage == NAN, "compared with the float nan"),
    "a NaN Decimal": (lambda s: s.value == Decimal("NaN"), "compared with the Decimal NaN"),
    "inexact for a float": (lambda s: s.tonnage == 2**53 + 1, "compared with the int"),
    "text for an enum": (lambda s: s.flag == "white", "flag is Flag, and cannot be compared with a str"),  # type: ignore[comparison-overlap]
    "text for an id": (lambda s: s.id == "argo", "id is ShipId, and cannot be compared with a str"),
    "text for bytes": (lambda s: s.figurehead == "x", "figurehead is bytes"),  # type: ignore[comparison-overlap]
    "naive": (lambda s: some(s.launched) < datetime(2026, 1, 1), "a naive datetime: give it a time zone"),
    "out of range": (
        lambda s: some(s.launched) > datetime.min.replace(tzinfo=timezone(timedelta(hours=14))),
        r"launched is datetime \| None, and cannot be compared with a datetime",
    ),
    "None, ordered": (lambda s: s.masts < None, "compared with None: write is_none"),  # type: ignore[operator]
    "another field": (
        lambda s: s.crew == s.masts,
        "cannot be compared with another field: a rule compares with values",
    ),
    "a field of an item, without any_of": (
        lambda s: cast("Any", s.ports).name == "Oslo",
        r"'name' of it cannot be asked of a store: ask about one item with any_of\(ports, lambda item: item.name ...\)",
    ),
    "a field of a text item": (lambda s: cast("Any", s.cargo).name == "x", "ask about one item with any_of"),
    "a nested value as a whole": (
        lambda s: s.home != Port("Bergen"),
        "home cannot be compared as a whole",
    ),
    "the entity as a whole": (lambda s: s == Ship(), "Ship cannot be compared as a whole"),
    "no entity": (lambda s: s == None, "Ship cannot be compared as a whole"),  # noqa: E711
    "a list as a whole": (lambda s: s.cargo == ["rum"], "cannot compare that as a whole"),
    "an item of the wrong type": (lambda s: contains(s.cargo, cast("str", 3)), "cannot be compared with the int 3"),
    "an option of the wrong type": (lambda s: one_of(s.crew, [1, cast("int", "2")]), "cannot be compared with a str"),
    "text as options": (lambda s: one_of(s.name, cast("Any", "abc")), "takes a list, set or tuple"),
    "a generator as options": (lambda s: one_of(s.crew, cast("Any", iter([1]))), "takes a list, set or tuple"),
    "contains of a number": (
        lambda s: contains(cast("Any", s.crew), 3),
        r"crew is int: contains\(\) asks about a list",
    ),
    "text asked of a number": (lambda s: cast("Any", s.crew).startswith("a"), "only text has startswith"),
    "no text": (lambda s: s.name.startswith(""), "text that is not empty"),
    "NUL": (lambda s: s.name.endswith("\0"), "has no NUL"),
    "several texts": (lambda s: s.name.startswith(("A", "B")), "takes text"),
    "a method of text": (lambda s: s.name.upper() == "ARGO", "'upper' of it cannot be asked of a store"),
    "a method of a dict": (lambda s: s.log.get("mate") == 1, "'get' of it cannot be asked of a store"),
    "a key of a list": (lambda s: cast("Any", s.cargo)["rum"] == 1, r"ask one position, such as \[0\]"),
    "an operator as key": (lambda s: s.log["$where"] == 1, "cannot be a key of log"),
    "a path as key": (lambda s: s.log["a.b"] == 1, "cannot be a key of log"),
    "a number as key": (lambda s: cast("Any", s.log)[0] == 1, "0 cannot be a key of log"),
    "a key of a number": (lambda s: cast("Any", s.crew)["x"] == 1, "only a dictionary has keys, and a list positions"),
    "a position below 0": (lambda s: s.cargo[-1] == "rum", "-1 cannot be a position in cargo: 0 to 1,000,000"),
    "a position too far": (lambda s: s.cargo[10**7] == "rum", "10000000 cannot be a position"),
    "a flag as position": (lambda s: s.cargo[True] == "rum", "True cannot be a position"),
    "a position in a set": (lambda s: cast("Any", s.marks)[0] == "x", "a set keeps no positions"),
    "a slice": (lambda s: s.cargo[0:2] == ["rum"], r"ask one position, such as \[0\]"),
    "a position as a whole": (lambda s: s.ports[0] == Port("Oslo"), "ports.0 cannot be compared as a whole"),
    "between of another type": (lambda s: between(s.crew, 1, cast("int", "9")), "crew is int, and cannot be compared"),
    "between of None": (lambda s: between(s.masts, cast("int", None), 3), "cannot be compared with None"),
    "between of a list": (lambda s: between(cast("Any", s.cargo), "a", "b"), "cannot compare that as a whole"),
    "between of a nested value": (lambda s: between(cast("Any", s.home), 1, 2), "home is asked of one of its fields"),
    "between dictionaries": (lambda s: between(s.log["x"], cast("Any", CHEEKY), cast("Any", CHEEKY)), "a dict"),
    "not one of, of another type": (lambda s: not_one_of(s.crew, [cast("int", "2")]), "cannot be compared with a str"),
    "contains all, of text": (lambda s: contains_all(s.cargo, cast("Any", "rum")), "takes a list, set or tuple"),
    "contains all, of another type": (lambda s: contains_all(s.cargo, [cast("str", 3)]), "compared with the int 3"),
    "contains a dictionary": (lambda s: contains(s.log["x"], CHEEKY), "cannot be compared with a dict"),
    "any of a number": (lambda s: any_of(cast("Any", s.crew), lambda c: c == 1), r"any_of\(\) asks about a list"),
    "any of, another type": (lambda s: any_of(s.cargo, lambda c: c == cast("str", 3)), "the item is str"),
    "any of, a list": (lambda s: any_of(s.log["x"], lambda c: c == ["a"]), "cannot be compared with a list"),
    "any of, no condition": (
        lambda s: any_of(s.cargo, lambda c: cast("bool", c)),
        "the rule over the items of cargo gave the item alone instead of a condition",
    ),
    "any of, no parameter": (lambda s: any_of(s.cargo, cast("Any", lambda: True)), "the entity or the item"),
    "any of, an unknown field": (
        lambda s: any_of(s.ports, lambda p: cast("Any", p).cty == "x"),
        "did you mean 'city'?",
    ),
    "any of, an item as a whole": (lambda s: any_of(s.ports, lambda p: p == Port("Oslo")), "compare its fields"),
    "any of, the entity inside": (lambda s: any_of(s.ports, lambda p: s.crew > 1), "asks about the item alone"),
    "any of, both": (lambda s: any_of(s.ports, lambda p: (p.city == "a") & (s.crew > 1)), "about the item alone"),
    "any of, the outer item inside": (
        lambda s: any_of(s.ports, lambda p: any_of(s.cargo, lambda c: p.city == "a")),
        "asks about the item alone",
    ),
    "any of, an item and its fields": (
        lambda s: any_of(s.log["x"], lambda i: (i == 1) & (i["k"] == 1)),
        "either about the items themselves or about their fields",
    ),
    "any of, and": (lambda s: any_of(s.ports, lambda p: p.city == "a" and p.city == "b"), "and cannot be captured"),
    "size of text": (lambda s: size(cast("Any", s.name)) == 1, r"name is str: size\(\) asks about a list"),
    "size as text": (lambda s: size(s.cargo) == cast("int", "3"), "compared with a whole number, 0 to 1,000"),
    "size as a flag": (lambda s: size(s.cargo) == True, "compared with a whole number"),  # noqa: E712
    "size below 0": (lambda s: size(s.cargo) > -1, "compared with a whole number, 0 to 1,000"),
    "size too large": (lambda s: size(s.cargo) < 1001, "compared with a whole number, 0 to 1,000"),
    "size alone": (lambda s: cast("bool", size(s.cargo)), r"gave size\(cargo\) alone instead of a condition"),
    "matches of a number": (lambda s: matches(cast("Any", s.crew), "a"), r"only text has matches\(\)"),
    "matches of no text": (lambda s: matches(s.name, cast("Any", 3)), "takes text that is not empty"),
    "matches nested quantifiers": (lambda s: matches(s.name, "(a+)+"), "has a quantifier inside another one"),
    "matches a reference": (lambda s: matches(s.name, r"(a)\1"), "a reference back"),
    "icontains of a number": (lambda s: icontains(cast("Any", s.crew), "a"), r"only text has icontains\(\)"),
    "icontains no text": (lambda s: icontains(s.name, ""), "text that is not empty"),
    "a pattern that is too long": (lambda s: matches(s.name, "a" * 1001), "takes at most 200 characters"),
    "icontains too much": (lambda s: icontains(s.name, "a" * 1001), "takes at most 1,000 characters"),
    "exists of no field": (lambda s: exists(3), r"exists\(\) asks about a field"),
    "is_none of the entity": (is_none, "Ship cannot be compared as a whole"),
    "some of no field": (lambda s: some(3) > 1, r"some\(\) asks about a field of the entity, not about int"),
    "is_none of no field": (lambda s: is_none(3), r"is_none\(\) asks about a field"),
    "not_ of no condition": (lambda s: not_(cast("bool", s.name)), "combine conditions, not the field name alone"),
}


@pytest.mark.parametrize(("rule", "words"), WRONG_VALUES.values(), ids=WRONG_VALUES.keys())
def test_a_value_that_the_field_never_has_is_refused(rule: ShipRule, words: str) -> None:
    """Each value is checked against its field's type at capture; none can turn into an operator."""
    with pytest.raises(InvalidQuery, match=words):
        where(Ship, rule)


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (lambda s: s.crw == 3, "Ship has no field 'crw'; did you mean 'crew'?"),
        (lambda s: s.zzz == 3, "Ship has no field 'zzz'; it has id, version, created_at"),
        (lambda s: some(s.home).cty == "x", "Port has no field 'cty'; did you mean 'city'?"),
        (lambda s: s._events == (), "Ship has no field '_events'"),
        (lambda s: s.record == 1, "Ship has no field 'record'"),
    ],
)
def test_an_unknown_field_is_refused_with_a_suggestion(rule: ShipRule, words: str) -> None:
    """Names are checked against the entity at once, and the one that comes close is named."""
    with pytest.raises(InvalidQuery) as error:
        where(Ship, rule)

    assert str(error.value).startswith(words)
