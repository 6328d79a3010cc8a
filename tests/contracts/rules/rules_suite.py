"""What every word of the rule language says, of an object and of a store."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from tristore import (
    DocumentStore,
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
    open_store,
    size,
    some,
    specification,
    where,
)

from .shipments import NOON, SHIPPING, Line, Part, Shipment, ShippingUnitOfWork, Status

ShippingStore = DocumentStore[ShippingUnitOfWork]
LONGEST_PART, MOST_ITEMS = 1_000, 1_000
"""The most characters of a part of a text, and the largest size that a rule may ask of a list."""

ADA, BOB, CID = "ada", "bob", "cid"


def shipments() -> list[Shipment]:
    """Three shipments that differ in everything."""
    bolt = Line("bolt", Decimal("2.50"), labels=["m", "steel"], parts=[Part("A-1", 3), Part("B-2")])
    glass = Line("glass", Decimal(12), is_fragile=True, note="up!", main_part=Part("G-9", 5))
    return [
        Shipment(
            name=ADA,
            nick_name="Änne O'Hara",
            weight=10,
            height=3,
            score=0.5,
            price=Decimal("9.90"),
            sent_at=NOON,
            token=UUID(int=7),
            seal=b"\1\2",
            tags=["a", "b", "c"],
            codes=[1, 5, None],
            moments=[NOON],
            states={Status.SENT},
            prices=(Decimal(1), Decimal(20)),
            grid=[[1, 2], [3]],
            lines=[bolt, glass],
            spare_lines=[None, bolt],
            first_line=bolt,
            lines_by_name={"x": bolt},
            stock={"tar": 3, "rum": None},
            rows=[{"k": 1}, {"k": 4}],
            data={"plan": "free", "null": None, "list": [1, "x", {"y": 2}], "deep": [{"n": 1}, {"n": 5}], "num": 0.1},
            anything=[1, 2],
        ),
        Shipment(
            name=BOB,
            nick_name="line\nend\n",
            weight=20,
            tags=["b"],
            codes=[],
            status=Status.SENT,
            is_urgent=True,
            lines=[glass],
            spare_lines=[glass],
            lines_by_name={"x": glass},
            stock={"tar": 0},
            rows=[{"k": 2}],
            data={"plan": 3, "list": [], "deep": {"n": 5}, "num": Decimal("0.1")},
            anything="text",
        ),
        Shipment(name=CID, weight=30),
    ]


Rule = Callable[[Shipment], bool]

RULES: dict[str, tuple[Rule, set[str]]] = {
    "between": (lambda s: between(s.weight, 10, 20), {ADA, BOB}),
    "between, the ends included": (lambda s: between(s.weight, 20, 30), {BOB, CID}),
    "between, the wrong way round": (lambda s: between(s.weight, 20, 10), set()),
    "between, of an optional": (lambda s: between(s.height, 3, 3), {ADA}),
    "between, of moments": (lambda s: between(s.sent_at, NOON, NOON + timedelta(days=1)), {ADA}),
    "between, of Decimals": (lambda s: between(s.price, Decimal("9.9"), Decimal(10)), {ADA}),
    "not between": (lambda s: not_(between(s.height, 3, 3)), {BOB, CID}),
    "one of": (lambda s: one_of(s.name, [ADA, CID]), {ADA, CID}),
    "not one of": (lambda s: not_one_of(s.name, {ADA, CID}), {BOB}),
    "not one of, of an optional": (lambda s: not_one_of(s.height, [3]), {BOB, CID}),
    "not one of, of some": (lambda s: not_one_of(some(s.height), [4]), {ADA}),
    "not one of none": (lambda s: not_one_of(s.name, []), {ADA, BOB, CID}),
    "is none": (lambda s: is_none(s.height), {BOB, CID}),
    "is none of a list that holds None": (lambda s: is_none(s.codes), {CID}),
    "is none of a list, in its own words": (lambda s: s.codes != None, {ADA, BOB}),  # noqa: E711
    "is none of a nested value": (lambda s: is_none(s.first_line), {BOB, CID}),
    "is none inside a nested value": (lambda s: is_none(some(s.first_line).main_part), {ADA}),
    "is none of a value of any type": (lambda s: is_none(s.anything), {CID}),
    "exists, a key": (lambda s: exists(s.data["plan"]), {ADA, BOB}),
    "exists, a key with None": (lambda s: exists(s.data["null"]), {ADA}),
    "exists, a key of a declared type": (lambda s: exists(s.stock["rum"]), {ADA}),
    "exists, a key in a list": (lambda s: exists(s.data["deep"]["n"]), {ADA, BOB}),
    "exists, a field": (lambda s: exists(s.height), {ADA}),
    "exists, a list": (lambda s: exists(s.codes), {ADA, BOB}),
    "exists, a nested value": (lambda s: exists(s.lines_by_name["x"]), {ADA, BOB}),
    "exists, a field of a nested value": (lambda s: exists(some(s.first_line).note), set()),
    "exists, a position": (lambda s: exists(s.tags[1]), {ADA}),
    "not exists": (lambda s: not_(exists(s.data["plan"])), {CID}),
    "contains": (lambda s: contains(s.tags, "b"), {ADA, BOB}),
    "contains, in a set": (lambda s: contains(s.states, Status.SENT), {ADA}),
    "contains, a moment": (lambda s: contains(s.moments, NOON), {ADA}),
    "contains, at a free key": (lambda s: contains(s.data["list"], "x"), {ADA}),
    "contains all": (lambda s: contains_all(s.tags, ["a", "c"]), {ADA}),
    "contains all, one missing": (lambda s: contains_all(s.tags, {"b", "z"}), set()),
    "contains all of nothing": (lambda s: contains_all(s.tags, []), {ADA, BOB, CID}),
    "any of nested values": (lambda s: any_of(s.lines, lambda o: (o.kind == "bolt") & (o.unit_price > 2)), {ADA}),
    "any of nested values, met by no single one": (
        lambda s: any_of(s.lines, lambda o: (o.kind == "bolt") & o.is_fragile),
        set(),
    ),
    "any of, a flag": (lambda s: any_of(s.lines, lambda o: o.is_fragile), {ADA, BOB}),
    "any of, a property": (lambda s: any_of(s.lines, lambda o: not_(o.is_dear)), {ADA}),
    "any of, or": (lambda s: any_of(s.lines, lambda o: (o.kind == "x") | is_none(o.note)), {ADA}),
    "any of, not": (lambda s: not_(any_of(s.lines, lambda o: o.is_fragile)), {CID}),
    "any of, none of it": (lambda s: any_of(s.lines, lambda o: not_(o.kind == "glass")), {ADA}),
    "any of, in any of": (
        lambda s: any_of(s.lines, lambda o: (o.kind == "bolt") & any_of(o.parts, lambda p: some(p.weight) > 2)),
        {ADA},
    ),
    "any of, contains": (lambda s: any_of(s.lines, lambda o: contains(o.labels, "steel")), {ADA}),
    "any of, size": (lambda s: any_of(s.lines, lambda o: size(o.labels) == 0), {ADA, BOB}),
    "any of, a nested value": (
        lambda s: any_of(s.lines, lambda o: some(o.main_part).serial_number == "G-9"),
        {ADA, BOB},
    ),
    "any of, some unequal": (lambda s: any_of(s.lines, lambda o: some(o.note) != "x"), {ADA, BOB}),
    "any of optional values": (lambda s: any_of(s.spare_lines, lambda o: some(o).kind == "bolt"), {ADA}),
    "any of optional values, not": (lambda s: any_of(s.spare_lines, lambda o: not_(some(o).kind == "bolt")), {BOB}),
    "any of optional values, None": (lambda s: any_of(s.spare_lines, is_none), {ADA}),
    "any of plain values": (lambda s: any_of(s.codes, lambda c: between(c, 4, 6)), {ADA}),
    "any of plain values, no single one": (
        lambda s: any_of(s.prices, lambda p: between(p, Decimal(5), Decimal(10))),
        set(),
    ),
    "any of plain values, and": (lambda s: any_of(s.tags, lambda t: (t > "a") & (t < "c")), {ADA, BOB}),
    "any of plain values, or": (lambda s: any_of(s.tags, lambda t: (t == "a") | (t == "z")), {ADA}),
    "any of plain values, not": (lambda s: any_of(s.tags, lambda t: not_(t == "b")), {ADA}),
    "any of plain values, twice not": (
        lambda s: any_of(s.tags, lambda t: not_(t == "b") & not_(t > "b") & not_one_of(t, ["c"])),
        {ADA},
    ),
    "any of plain values, text": (lambda s: any_of(s.tags, lambda t: t.startswith("c") & t.endswith("c")), {ADA}),
    "any of plain values, patterns": (
        lambda s: any_of(s.tags, lambda t: matches(t, "^[a-c]$") & not_(matches(t, "[ab]")) & icontains(t, "C")),
        {ADA},
    ),
    "any of plain values, None": (lambda s: any_of(s.codes, is_none), {ADA}),
    "any of plain values, some": (lambda s: any_of(s.codes, lambda c: some(c) != 1), {ADA}),
    "any of plain values, enum": (lambda s: any_of(s.states, lambda t: one_of(t, [Status.SENT])), {ADA}),
    "any of lists": (lambda s: any_of(s.grid, lambda r: (size(r) == 1) & contains(r, 3)), {ADA}),
    "any of lists, in any of": (lambda s: any_of(s.grid, lambda r: any_of(r, lambda n: n > 2)), {ADA}),
    "any of lists, by position": (lambda s: any_of(s.grid, lambda r: r[1] == 2), {ADA}),
    "any of dictionaries": (lambda s: any_of(s.rows, lambda r: between(r["k"], 2, 3)), {BOB}),
    "any of, at a free key": (lambda s: any_of(s.data["deep"], lambda d: d["n"] > 4), {ADA}),
    "any of, of free values": (lambda s: any_of(s.anything, lambda a: a == 2), {ADA}),
    "size": (lambda s: size(s.tags) == 3, {ADA}),
    "size, none": (lambda s: size(s.codes) == 0, {BOB}),
    "size, unequal": (lambda s: size(s.codes) != 3, {BOB, CID}),
    "size, unequal, of some": (lambda s: size(some(s.codes)) != 3, {BOB}),
    "size, less": (lambda s: size(s.codes) < 3, {BOB}),
    "size, less than none": (lambda s: size(s.tags) < 0, set()),
    "size, at most": (lambda s: size(s.tags) <= 1, {BOB, CID}),
    "size, more": (lambda s: size(s.tags) > 1, {ADA}),
    "size, at least": (lambda s: size(s.codes) >= 0, {ADA, BOB}),
    "size, turned round": (lambda s: 2 <= size(s.tags), {ADA}),
    "size, of a set": (lambda s: size(s.states) == 1, {ADA}),
    "size, at a free key": (lambda s: size(s.data["list"]) >= 1, {ADA}),
    "size, of what is no list": (lambda s: size(s.anything) >= 0, {ADA}),
    "matches": (lambda s: matches(s.name, "^[ab].[ab]$"), {ADA, BOB}),
    "matches anywhere": (lambda s: matches(s.name, "i"), {CID}),
    "matches ASCII letters only": (lambda s: matches(s.nick_name, r"^\w+ "), set()),
    "matches in any case": (lambda s: matches(s.nick_name, r"(?i)^äNNE"), {ADA}),
    "matches in its case": (lambda s: matches(s.nick_name, r"^äNNE"), set()),
    "matches before the last newline": (lambda s: matches(s.nick_name, "end$"), {BOB}),
    "matches at the very end": (lambda s: matches(s.nick_name, r"end\Z"), set()),
    "matches a line": (lambda s: matches(s.nick_name, "(?m)^end$"), {BOB}),
    "matches no newline": (lambda s: matches(s.nick_name, "line.end"), set()),
    "matches a newline": (lambda s: matches(s.nick_name, "(?s)line.end"), {BOB}),
    "matches, at a free key": (lambda s: matches(s.data["plan"], "^f"), {ADA}),
    "startswith": (lambda s: some(s.nick_name).startswith("line\n"), {BOB}),
    "endswith": (lambda s: some(s.nick_name).endswith("end\n"), {BOB}),
    "endswith, before the newline": (lambda s: some(s.nick_name).endswith("end"), set()),
    "icontains": (lambda s: icontains(s.nick_name, "NE o'h"), {ADA}),
    "icontains, beyond ASCII": (lambda s: icontains(s.nick_name, "äN"), {ADA}),
    "icontains, escaped": (lambda s: icontains(s.nick_name, ".*"), set()),
    "nested": (lambda s: some(s.first_line).unit_price < 3, {ADA}),
    "nested, in a dictionary": (lambda s: s.lines_by_name["x"].unit_price > 3, {BOB}),
    "nested, deeper": (lambda s: some(s.lines_by_name["x"].main_part).serial_number == "G-9", {BOB}),
    "a key with None": (lambda s: s.stock["rum"] == None, {ADA, BOB, CID}),  # noqa: E711
    "a key": (lambda s: some(s.stock["tar"]) >= 0, {ADA, BOB}),
    "a key in a list": (lambda s: s.data["deep"]["n"] == 5, {ADA, BOB}),
    "a range met by different items": (lambda s: (s.data["deep"]["n"] > 4) & (s.data["deep"]["n"] < 2), {ADA}),
    "a range met by no single item": (lambda s: any_of(s.data["deep"], lambda d: between(d["n"], 2, 4)), set()),
    "a float and a Decimal": (lambda s: s.data["num"] == Decimal("0.1"), {BOB}),
    "a float": (lambda s: s.data["num"] <= 0.1, {ADA, BOB}),
    "a position": (lambda s: s.tags[0] == "b", {BOB}),
    "a position, unequal": (lambda s: s.tags[0] != "b", {ADA, CID}),
    "a position in a tuple": (lambda s: s.prices[1] > 1, {ADA}),
    "a position in a list of lists": (lambda s: s.grid[1][0] == 3, {ADA}),
    "a position, then a field": (lambda s: s.lines[0].unit_price == 12, {BOB}),
    "a position, then a list": (lambda s: contains(s.lines[0].labels, "steel"), {ADA}),
    "a position in a nested list": (lambda s: s.lines[0].parts[1].serial_number == "B-2", {ADA}),
    "a position, then a key": (lambda s: s.rows[1]["k"] == 4, {ADA}),
    "a position at a free key": (lambda s: s.data["list"][2]["y"] == 2, {ADA}),
    "a position beyond the list": (lambda s: s.tags[7] == "a", set()),
    "a position with None": (lambda s: exists(some(s.codes)[2]) & is_none(some(s.codes)[2]), {ADA}),
    "deeply joined": (
        lambda s: not_(
            not_((s.weight > 10) & ((s.name == CID) | not_(is_none(s.codes)))) | not_(contains(s.tags, "b"))
        ),
        {BOB},
    ),
}


@specification
def heavier_than(shipment: Shipment, least: int, *, urgent: bool = False) -> bool:
    """A rule with parameters."""
    return (shipment.weight > least) & (shipment.is_urgent == urgent)


@specification
def holds_letters(shipment: Shipment, letters: str) -> bool:
    """A nickname with these letters."""
    return icontains(shipment.nick_name, letters)


class RulesContract:
    """Every word of the language, and what it refuses."""

    @pytest.fixture
    def store(self, url: str) -> Iterator[ShippingStore]:
        """A store that holds the three shipments."""
        store = open_store(ShippingUnitOfWork, url=url, documents=SHIPPING, prepare="create")
        with store.unit_of_work() as uow:
            for one in shipments():
                uow.shipments.add(one)
        yield store
        store.close()

    @pytest.mark.parametrize("word", RULES)
    def test_a_rule_finds_what_obeys_it(self, store: ShippingStore, word: str) -> None:
        """The store finds what a rule says, and each entity tells the same of itself, before and after it is stored."""
        rule, expected = RULES[word]
        named = where(Shipment, rule)
        with store.reader() as shipping:
            found = {one.name for one in shipping.shipments.find(rule)}
            loaded = {one.name for one in shipping.shipments.find() if named.is_satisfied_by(one)}
            counted = shipping.shipments.count(not_(named))

        assert expected == found
        assert expected == loaded
        assert expected == {one.name for one in shipments() if named.is_satisfied_by(one)}
        assert 3 - len(expected) == counted

    def test_a_named_rule_takes_parameters(self, store: ShippingStore) -> None:
        """A specification with parameters is called, and combines like any other."""
        light = where(Shipment, lambda s: s.weight < 30)
        with store.reader() as shipping:
            found = shipping.shipments.find(heavier_than(5) & light | heavier_than(15, urgent=True), sort="weight")

        assert [ADA, BOB] == [one.name for one in found]
        assert heavier_than(29).is_satisfied_by(shipments()[2])

    def test_the_largest_questions_are_answered(self, store: ShippingStore) -> None:
        """1,000 letters of any script, 1,000 items and 200 characters of a pattern can be asked, at once."""
        letters = ["ÿ", "\U00010428", "a", "."]
        texts = [letter * LONGEST_PART for letter in letters]
        with store.unit_of_work() as uow:
            for text in texts:
                uow.shipments.add(Shipment(name="long", nick_name=text, tags=["x"] * MOST_ITEMS))
        with store.reader() as shipping:
            for text in texts:
                assert 1 == shipping.shipments.count(holds_letters(text.upper()))
            assert 4 == shipping.shipments.count(lambda s: size(s.tags) >= MOST_ITEMS)
            assert 3 == shipping.shipments.count(lambda s: size(s.tags) < MOST_ITEMS)
            assert 0 == shipping.shipments.count(lambda s: size(s.tags) > MOST_ITEMS)
            assert 7 == shipping.shipments.count(lambda s: any_of(s.grid, lambda r: size(r) > 900) | (s.weight >= 0))
            assert 2 == shipping.shipments.count(lambda s: matches(s.nick_name, "(?i)^(?:[A]|[Ÿ-ž]){240}"))

    def test_what_no_store_could_answer_is_refused(self, store: ShippingStore) -> None:
        """A rule that asks of items both themselves and their fields is refused, whatever the store."""
        with store.reader() as shipping, pytest.raises(InvalidQuery, match="about both"):
            shipping.shipments.find(lambda s: any_of(s.anything, lambda a: (a == 1) | (a["k"] == 1)))

    def test_values_never_become_operators(self, store: ShippingStore) -> None:
        """Text that looks like an operator or a pattern is text, in every word that takes some."""
        rules: list[Callable[[Any], bool]] = [
            lambda s: one_of(s.nick_name, ["$ne", "^A"]),
            lambda s: contains(s.tags, "$gt"),
            lambda s: any_of(s.tags, lambda t: t == "$gt"),
            lambda s: icontains(s.nick_name, ".*"),
            lambda s: some(s.nick_name).startswith("^"),
        ]
        with store.reader() as shipping:
            assert [0] * len(rules) == [shipping.shipments.count(rule) for rule in rules]
