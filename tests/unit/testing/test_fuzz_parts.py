"""The parts of the fuzzer: values as Python, rules as Python, what can be guessed, what is printed."""

import re
from typing import Any

import attrs
import pytest
from attrs import define, field
from contracts.billing import DOCUMENTS, BillingUnitOfWork, Customer, Status, customer

import tristore
from tristore import (
    ConfigurationError,
    Documents,
    Entity,
    Id,
    Page,
    Repository,
    Specification,
    Store,
    UnitOfWork,
    ValidationError,
    is_none,
    open_store,
    where,
)
from tristore.adapters.backend import AnyOf
from tristore.adapters.operations.openings import opening_of
from tristore.adapters.operations.upkeep import named_queries as asked
from tristore.adapters.operations.upkeep.candidates import Candidates
from tristore.adapters.testing.fuzzing.answers import Answer, Order, plain
from tristore.adapters.testing.fuzzing.histories import untried
from tristore.adapters.testing.fuzzing.python_source.source import Source
from tristore.adapters.testing.fuzzing.replay import Side, replay
from tristore.adapters.testing.fuzzing.script import Script
from tristore.adapters.testing.fuzzing.steps import READER, SNAPSHOT, Add, Ask, Edit, End, History
from tristore.domain.entities.schema import schema_of
from tristore.testing import fuzz

FIRST, SECOND = (Id(f"{number:024x}") for number in (1, 2))


def open_billing(url: str) -> Store[BillingUnitOfWork]:
    """Open the sample store."""
    return open_store(BillingUnitOfWork, url=url, documents=DOCUMENTS)


def evaluated(value: object) -> Any:
    """A value, after its source has been run."""
    source = Source()
    expression = source.of(value)
    names: dict[str, Any] = {}
    exec("\n".join(source.imports()), names)
    return eval(expression, names)  # noqa: S307 - what was just written


@pytest.mark.parametrize("name", list(schema_of(Customer).fields))
def test_values_are_written_as_python(name: str) -> None:
    """The source of a value gives the value back, of every type, alone and in an entity."""
    for value in Candidates().of_field(Customer, schema_of(Customer).fields[name]):
        assert plain(value) == plain(evaluated(value))

        entity = attrs.evolve(customer(id=FIRST), **{name: value})
        assert plain(entity) == plain(evaluated(entity))


def test_rules_are_written_as_python() -> None:
    """The source of a rule gives the rule back, for every question about every field, and for combined ones."""
    rules = [rule for place in Candidates().places(Customer) for rule in asked.leaves(Customer, place)]
    rules += [where(Customer), rules[0] & (rules[1] | tristore.not_(rules[2])), Specification(Customer, AnyOf(()))]

    assert len(rules) > 300
    for rule in rules:
        assert rule == evaluated(rule)


def test_a_rule_reads_like_one() -> None:
    """A rule is written as the lambda that a reader would write."""
    rule = where(Customer, lambda c: (c.status == Status.ACTIVE) & is_none(c.nickname) & (c.metadata["x"] >= 1))

    assert (
        'where(Customer, lambda e: (e.status == Status.ACTIVE) & is_none(e.nickname) & (e.metadata["x"] >= 1))'
        == Source().of(rule)
    )


def played(history: History) -> Script:
    """A history on two stores that agree, as a script."""
    left, right = Side(open_billing("memory://")), Side(open_billing("memory://"))
    found = replay(history, left, right)
    return Script(attrs.evolve(found, steps=found.steps[: found.own], answers=found.answers[: found.own]), OPENING)


OPENING = opening_of(open_billing)


def test_pages_are_compared_with_what_lies_around_them() -> None:
    """Two pages with the same items differ if one of them says that another page follows."""
    one = Page(("a",), 1, 1, None, has_next=True, has_prev=False, next_cursor="x")

    assert plain(one) != plain(attrs.evolve(one, has_next=False, next_cursor=None))
    assert plain(one) != plain(attrs.evolve(one, next_cursor=None))
    assert plain(one) != plain(attrs.evolve(one, has_prev=True))


def test_items_are_asked_about_as_a_whole() -> None:
    """Of a list of nested values a rule asks whether one item has both values."""

    @define
    class Line:
        sku: str
        many: int = 0

    @define(kw_only=True)
    class Basket(Entity):
        lines: list[Line] = field(factory=list)

    (place,) = (place for place in Candidates().places(Basket) if place.path == ("lines",))
    rules = asked.leaves(Basket, place)
    split, whole = Basket(lines=[Line("a", 1), Line("b", 0)]), Basket(lines=[Line("a", 0), Line("b", 1)])

    assert any(rule.is_satisfied_by(whole) and not rule.is_satisfied_by(split) for rule in rules)


def test_a_script_shows_two_units_side_by_side() -> None:
    """A unit that nothing comes between is a block; interleaved ones are begun and ended by name."""
    history: History = [
        Add("a", "customers", customer(id=FIRST, name="ada")),
        End("a", "commit", 1),
        Edit("a", "customers", FIRST, "tags", ["vip"]),
        Ask(SNAPSHOT, "customers", "count", (where(Customer),)),
        Edit("b", "customers", FIRST, "name", "bob"),
        End("a", "rollback"),
        End("b", "commit"),
        Ask(READER, "customers", "rich", (), {"least": 0}),
    ]

    body = played(history).text("left", "right").partition("def history(url):\n")[2].partition("\n\n")[0]

    assert [
        "store = open_billing(url)",
        "store.prepare()",
        "store.environment.clock = clock = FixedClock(datetime(2026, 1, 31, 12, 0, tzinfo=UTC))",
        "with store.unit_of_work() as a:",
        '    a.customers.add(Customer(id="000000000000000000000001", email="ada@example.org", name="ada"))',
        "    clock.advance(timedelta(milliseconds=1))",
        "a = store.unit_of_work()",
        "Context().run(a.__enter__)",
        'found = a.customers.get("000000000000000000000001")',
        'found.tags[:] = ["vip"]',
        "snapshot = store.reader(snapshot=True)",
        "Context().run(snapshot.__enter__)",
        "snapshot.customers.count(where(Customer))",
        "b = store.unit_of_work()",
        "Context().run(b.__enter__)",
        'found = b.customers.get("000000000000000000000001")',
        'found.name = "bob"',
        "a.rollback()",
        "b.__exit__(None, None, None)  # commits",
        "with store.reader() as reader:",
        "    return reader.customers.rich(least=0)",
    ] == [line.removeprefix("    ") for line in body.splitlines()]


def test_a_script_passes_over_errors_that_both_sides_raise() -> None:
    """An error before the last step is suppressed by its class; the last one is the answer."""
    history: History = [
        Add("a", "customers", customer(id=FIRST)),
        Add("a", "customers", customer(id=SECOND)),
        End("a", "commit"),
        Ask("b", "customers", "get", (FIRST,)),
    ]

    text = played(history).text("left", "right")

    assert "    with suppress(DuplicateKey), store.unit_of_work() as a:\n" in text
    assert '    return b.customers.get("000000000000000000000001")\n' in text
    assert 'history("left")\n# raises NotFound: no Customer with id' in text


def test_answers_without_an_order_are_compared_without_one() -> None:
    """What a query leaves to the store is compared as a set, and what it cuts off there by its number."""
    ada, bob = customer("ada@example.org", id=FIRST), customer("bob@example.org", id=SECOND)

    assert Answer.returned([ada, bob]) != Answer.returned([bob, ada])
    assert Answer.returned([ada, bob], Order.OPEN) == Answer.returned([bob, ada], Order.OPEN)
    assert Answer.returned([ada], Order.OPEN) != Answer.returned([bob], Order.OPEN)
    assert Answer.returned([ada], Order.CUT) == Answer.returned([bob], Order.CUT)
    assert Answer.returned([ada], Order.CUT) != Answer.returned([], Order.CUT)


def _isbn(_: object, attribute: "attrs.Attribute[Any]", value: str) -> None:
    if not re.fullmatch(r"978-[0-9]{10}", value):
        raise ValidationError.of(attribute.name, "must be an ISBN")


@define(kw_only=True)
class Book(Entity):
    """A book."""

    isbn: str = field(validator=_isbn)


class BookRepository(Repository[Book]):
    """Books."""

    def on_paper(self, paper: complex) -> object:
        """A query with a parameter of a type that nobody knows."""
        return self.count()


class ShopUnitOfWork(UnitOfWork):
    """A shop."""

    books: BookRepository


def open_shop(url: str) -> Store[ShopUnitOfWork]:
    """Open the store of a shop."""
    return open_store(ShopUnitOfWork, url=url, documents=[Documents(BookRepository, collection="books")])


def test_values_that_cannot_be_guessed_are_asked_for() -> None:
    """A field whose validators refuse everything that is known is named, and takes the values that are given."""
    with pytest.raises(ConfigurationError, match=r"no value of Book\.isbn can be guessed.*values=\{'Book\.isbn'"):
        fuzz(open_shop, "memory://", "memory://", examples=1)

    given = {"Book.isbn": ["978-0000000001", "978-0000000002"]}
    report = fuzz(open_shop, "memory://", "memory://", examples=5, values=given)

    assert (5, ("books.on_paper",)) == (report.histories, report.untried)
    assert ["books.on_paper"] == untried(open_shop("memory://"), values=given)


def test_what_opens_a_store_is_callable() -> None:
    """What cannot be called is refused."""
    with pytest.raises(ConfigurationError, match="a callable that takes a URL"):
        fuzz("memory://")  # type: ignore[arg-type]


def test_clean_sides_stay_clean() -> None:
    """A side is empty after each history, however it ended."""
    side, other = Side(open_billing("memory://")), Side(open_billing("memory://"))
    for history in ([Add("a", "customers", customer(id=FIRST))], [Ask(SNAPSHOT, "customers", "count")]):
        replay([*history, End("a", "commit")], side, other)
        side.begin()
        with side.store.reader() as reader:
            assert 0 == reader.customers.count()


def test_a_snapshot_of_a_store_without_a_reader_class_is_closed() -> None:
    """What a broken history leaves open does not stop the next one, also where the unit is its own reader."""
    side = Side(open_shop("memory://"))
    for _ in range(2):
        assert 0 == side.do(Ask(SNAPSHOT, "books", "count")).value
        side.begin()
