"""Generated rules over generated entities: the rule itself, the store in memory and a real mongod say the same."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any, cast
from uuid import UUID

import pytest
from contracts.rules.shipments import NOON, SHIPPING, Line, Part, Shipment, ShippingUnitOfWork, Status
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pymongo import MongoClient
from sized import sized

from tristore import (
    DocumentStore,
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
    open_store,
    size,
    some,
    where,
)
from tristore.testing import MongoServer

Rule = Callable[[Shipment], Any]
ShippingStore = DocumentStore[ShippingUnitOfWork]

"""Rules in each run."""

SEVERAL = 10
"""Entities that each rule is asked of."""

NUMBERS = st.integers(-1, 2)
FLOATS = st.sampled_from([0.0, -0.0, 0.1, 1.0, 2.5, 1e300, float("nan"), float("inf")])
DECIMALS = st.sampled_from(["0", "-0", "1.00", "0.1", "2.5", "0.1000000000000000055511151231257827"]).map(Decimal)
WORDS = st.sampled_from(["", "a", "A", "ab", "b", "é", "É", "a\n", "a.b", "$a"])
MOMENTS = st.sampled_from([NOON, NOON + timedelta(milliseconds=1), NOON - timedelta(days=1)])
BLOBS = st.sampled_from([b"", b"a", b"ab", bytes(16)])
TOKENS = st.sampled_from([UUID(int=0), UUID(int=1)])
SCALARS = st.one_of(NUMBERS, FLOATS, DECIMALS, WORDS, MOMENTS, BLOBS, TOKENS, st.booleans())
NAMES = st.sampled_from(["k", "m"])
FREE = st.recursive(
    st.none() | SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=2),
    max_leaves=5,
)
COMPARABLE = SCALARS.filter(lambda value: value == value)  # noqa: PLR0124 - a rule compares nothing with NaN
PARTS = st.builds(Part, WORDS, st.none() | NUMBERS)
LINES = st.builds(
    Line,
    WORDS,
    DECIMALS,
    st.booleans(),
    st.none() | WORDS,
    st.lists(WORDS, max_size=2),
    st.lists(PARTS, max_size=2),
    st.none() | PARTS,
)
SHIPMENTS = st.builds(
    Shipment,
    id=st.builds(lambda: cast("Any", new_id())),
    name=WORDS,
    nick_name=st.none() | WORDS,
    weight=NUMBERS,
    height=st.none() | NUMBERS,
    score=FLOATS,
    price=DECIMALS,
    is_urgent=st.booleans(),
    sent_at=st.none() | MOMENTS,
    status=st.sampled_from(Status),
    token=st.none() | TOKENS,
    seal=st.none() | BLOBS,
    tags=st.lists(WORDS, max_size=3),
    codes=st.none() | st.lists(st.none() | NUMBERS, max_size=3),
    states=st.sets(st.sampled_from(Status)),
    prices=st.lists(DECIMALS, max_size=2).map(tuple),
    grid=st.lists(st.lists(NUMBERS, max_size=2), max_size=2),
    lines=st.lists(LINES, max_size=2),
    spare_lines=st.none() | st.lists(st.none() | LINES, max_size=2),
    first_line=st.none() | LINES,
    lines_by_name=st.dictionaries(NAMES, LINES, max_size=2),
    stock=st.dictionaries(NAMES, st.none() | NUMBERS, max_size=2),
    rows=st.lists(st.dictionaries(NAMES, NUMBERS, max_size=2), max_size=2),
    data=st.dictionaries(NAMES, FREE, max_size=2),
    anything=FREE,
)


def _compared(field: Callable[[Shipment], Any], value: Any) -> list[Rule]:
    """Every comparison of a field."""
    return [
        lambda s: field(s) == value,
        lambda s: field(s) != value,
        lambda s: some(field(s)) != value,
        lambda s: field(s) < value,
        lambda s: field(s) <= value,
        lambda s: field(s) > value,
        lambda s: field(s) >= value,
        lambda s: one_of(field(s), [value]),
        lambda s: not_one_of(field(s), [value]),
        lambda s: not_one_of(some(field(s)), [value]),
        lambda s: is_none(field(s)),
        lambda s: exists(field(s)),
        lambda s: exists(some(field(s))),
    ]


def _free(field: Callable[[Shipment], Any], value: Any, word: str, count: int) -> list[Rule]:
    """What can be asked where any value can be."""
    return [
        *_compared(field, value),
        *_compared(lambda s: field(s)["k"], value),
        *_compared(lambda s: field(s)[0], value),
        *_compared(lambda s: field(s)["k"][1], value),
        *_compared(lambda s: field(s)[0]["m"], value),
        lambda s: between(field(s), value, value),
        lambda s: contains(field(s), value),
        lambda s: contains_all(field(s), [value, word]),
        lambda s: size(field(s)) == count,
        lambda s: size(field(s)) >= count,
        lambda s: size(field(s)["k"]) <= count,
        lambda s: field(s).startswith(word or "a"),
        lambda s: field(s)["m"].endswith(word or "a"),
        lambda s: icontains(field(s), word or "É"),
        lambda s: matches(field(s), r"(?i)^\w$"),
        lambda s: any_of(field(s), lambda i: between(i, value, value) | (i == word)),
        lambda s: any_of(field(s), lambda i: not_(i == value) & not_(i < value) & not_(matches(i, "a"))),
        lambda s: any_of(field(s), lambda i: i["k"] == value),
        lambda s: any_of(field(s), lambda i: not_(i["m"] > value) | is_none(i["k"])),
        lambda s: any_of(field(s), lambda i: any_of(i, lambda j: j == value)),
        lambda s: any_of(field(s), lambda i: size(i) == count),
        lambda s: any_of(field(s)["k"], lambda i: i[0] != value),
    ]


def _declared(number: int, word: str, price: Decimal, moment: Any, status: Status) -> list[Rule]:
    """What can be asked of fields with a type."""
    part = word or "a"
    return [
        *_compared(lambda s: s.name, word),
        *_compared(lambda s: s.height, number),
        *_compared(lambda s: s.score, float(number)),
        *_compared(lambda s: s.price, price),
        *_compared(lambda s: s.sent_at, moment),
        *_compared(lambda s: s.status, status),
        *_compared(lambda s: s.seal, word.encode()),
        *_compared(lambda s: s.token, UUID(int=abs(number))),
        *_compared(lambda s: s.tags[1], word),
        *_compared(lambda s: s.codes[0], number),  # type: ignore[index]
        *_compared(lambda s: s.grid[0][1], number),
        *_compared(lambda s: s.lines[0].unit_price, price),
        *_compared(lambda s: s.lines[1].parts[0].weight, number),
        *_compared(lambda s: some(s.first_line).note, word),
        *_compared(lambda s: some(some(s.first_line).main_part).serial_number, word),
        *_compared(lambda s: s.lines_by_name["k"].unit_price, price),
        *_compared(lambda s: s.stock["k"], number),
        *_compared(lambda s: s.rows[0]["k"], number),
        lambda s: is_none(s.codes),
        lambda s: exists(s.codes),
        lambda s: is_none(s.lines_by_name["m"]),
        lambda s: exists(s.lines_by_name["m"].main_part),
        lambda s: s.is_urgent,
        lambda s: between(s.height, number, number + 1),
        lambda s: contains(s.tags, word),
        lambda s: contains(s.states, status),
        lambda s: contains_all(s.prices, [price, Decimal(1)]),
        lambda s: size(s.tags) > abs(number),
        lambda s: size(some(s.codes)) != abs(number),
        lambda s: size(s.states) < 2,
        lambda s: s.name.startswith(part),
        lambda s: s.name.endswith(part),
        lambda s: icontains(s.nick_name, part),
        lambda s: matches(s.nick_name, r"^[^b]\w?$"),
        lambda s: any_of(s.tags, lambda t: matches(t, "a$") & not_(t == word)),
        lambda s: any_of(s.codes, lambda c: (some(c) != number) & (some(c) != 0)),
        lambda s: any_of(s.codes, lambda c: is_none(c) | (c == number)),
        lambda s: any_of(s.states, lambda t: t >= status),  # type: ignore[operator]
        lambda s: any_of(s.prices, lambda p: between(p, Decimal(0), price)),
        lambda s: any_of(s.grid, lambda r: contains(r, number) & not_(size(r) > 1)),
        lambda s: any_of(s.grid, lambda r: any_of(r, lambda n: n > number)),
        lambda s: any_of(s.grid, lambda r: r[0] != number),
        lambda s: any_of(s.rows, lambda r: not_(r["k"] > number)),
        lambda s: any_of(s.lines, lambda o: (o.kind == word) | (o.is_fragile & not_(is_none(o.note)))),
        lambda s: any_of(s.lines, lambda o: o.is_dear | contains(o.labels, word)),
        lambda s: any_of(s.lines, lambda o: any_of(o.parts, lambda p: some(p.weight) != number)),
        lambda s: any_of(s.lines, lambda o: some(o.main_part).serial_number != word),
        lambda s: any_of(s.spare_lines, lambda o: not_(some(o).kind == word)),
        lambda s: any_of(s.spare_lines, is_none),
    ]


def _joined(inner: st.SearchStrategy[Rule]) -> st.SearchStrategy[Rule]:
    def both(left: Rule, right: Rule) -> Rule:
        return lambda s: left(s) & right(s)

    def either(left: Rule, right: Rule) -> Rule:
        return lambda s: left(s) | right(s)

    def opposite(one: Rule) -> Rule:
        return lambda s: not_(one(s))

    return st.builds(both, inner, inner) | st.builds(either, inner, inner) | st.builds(opposite, inner)


DECLARED = st.builds(_declared, NUMBERS, WORDS, DECIMALS, MOMENTS, st.sampled_from(Status)).flatmap(st.sampled_from)
FREELY = st.builds(
    _free,
    st.sampled_from([lambda s: s.anything, lambda s: s.data["k"], lambda s: s.data["m"]]),
    COMPARABLE,
    WORDS,
    st.integers(0, 3),
).flatmap(st.sampled_from)
RULES = st.recursive(DECLARED | FREELY, _joined, max_leaves=4)
SORTS = st.lists(
    st.sampled_from(["name", "height", "score", "price", "sent_at", "status", "data.k", "stock.k", "first_line.note"]),
    max_size=2,
    unique=True,
).flatmap(lambda names: st.tuples(*(st.sampled_from([name, f"-{name}"]) for name in names)))


@pytest.fixture(scope="module")
def on_mongo(tristore_mongod: MongoServer) -> Iterator[ShippingStore]:
    url = tristore_mongod.url_for("shipping")
    store = open_store(ShippingUnitOfWork, url=url, documents=SHIPPING, prepare="create")
    yield store
    store.close()
    with MongoClient[dict[str, Any]](url) as client:
        client.drop_database("shipping")


def fill(store: ShippingStore, shipments: list[Shipment]) -> None:
    """Store them."""
    with store.unit_of_work() as uow:
        for one in shipments:
            uow.shipments.add(one)


@sized(12, soak=55)
def test_rule_store_and_server_agree(on_mongo: ShippingStore, tristore_mongod: MongoServer, examples: int) -> None:
    """Of hundreds of generated rules each finds, in both stores, in the same order, exactly what obeys it."""
    asked: list[int] = []
    raw: MongoClient[dict[str, Any]] = MongoClient(tristore_mongod.url)

    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))
    @given(
        st.lists(SHIPMENTS, min_size=SEVERAL, max_size=SEVERAL),
        st.lists(st.tuples(RULES, SORTS), min_size=40, max_size=40),
    )
    def run(shipments: list[Shipment], rules: list[tuple[Rule, tuple[str, ...]]]) -> None:
        raw.shipping.shipments.delete_many({})
        in_memory = open_store(ShippingUnitOfWork, url="memory://", documents=SHIPPING)
        fill(on_mongo, shipments)
        for one in shipments:
            one.version = 0
        fill(in_memory, shipments)
        with on_mongo.reader() as mongo, in_memory.reader() as memory:
            loaded = memory.shipments.find()
            for rule, sort in rules:
                named = where(Shipment, rule)
                expected = [one.id for one in mongo.shipments.find(named, sort=(*sort, "id"))]

                asked.append(len(expected))

                assert expected == [one.id for one in memory.shipments.find(named, sort=(*sort, "id"))], named
                assert set(expected) == {one.id for one in shipments if named.is_satisfied_by(one)}, named
                assert set(expected) == {one.id for one in loaded if named.is_satisfied_by(one)}, named
        in_memory.close()

    run()
    raw.close()

    assert len(asked) >= examples * 36
    # rules that hold of all entities, or of none, would prove little
    assert len([found for found in asked if 0 < found < SEVERAL]) >= examples * 9
