"""Edits to a value that Python holds for equal, but that is stored in another form: they are written."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from attrs import define, evolve, field, frozen

from tristore import Change, Documents, DocumentStore, Entity, Repository, UnitOfWork, open_store

BERLIN = ZoneInfo("Europe/Berlin")
SHORT, LONG = Decimal("9.9"), Decimal("9.90")


@frozen
class Price:
    """A nested value."""

    amount: Decimal
    taxes: tuple[Decimal, ...] = ()


@define(kw_only=True)
class Form(Entity):
    """A field of every type whose equal values may be stored in several forms."""

    amount: Decimal = SHORT
    maybe: Decimal | None = None
    score: float = 0.0
    moment: datetime = datetime(2026, 10, 25, 2, 30, tzinfo=BERLIN)
    anything: Any = None
    scores: tuple[float, ...] = ()
    amounts: list[Decimal] = field(factory=list)
    parts: frozenset[Decimal] = frozenset()
    rates: dict[str, Decimal] = field(factory=dict)
    data: dict[str, Any] = field(factory=dict)
    price: Price | None = None
    prices: list[Price] = field(factory=list)
    fields: list[str] = field(factory=list)


class FormRepository(Repository[Form]):
    """Each save notes what was changed."""

    def before_save(self, entity: Form, change: Change, uow: UnitOfWork[Any]) -> None:
        """Keep the names."""
        entity.fields = sorted(change.fields - {"fields"}) if not change.is_new else []


class Forms(UnitOfWork):
    """Forms."""

    forms: FormRepository


FormStore = DocumentStore[Forms]

CASES: dict[str, tuple[str, Any, Any]] = {
    "digits": ("amount", SHORT, LONG),
    "exponent": ("amount", Decimal(10), Decimal("1E+1")),
    "negative Decimal zero": ("amount", Decimal("0"), Decimal("-0")),
    "optional": ("maybe", SHORT, LONG),
    "negative zero": ("score", 0.0, -0.0),
    "the hour that comes twice": (
        "moment",
        datetime(2026, 10, 25, 2, 30, tzinfo=BERLIN),
        datetime(2026, 10, 25, 2, 30, tzinfo=BERLIN, fold=1),
    ),
    "1 to True": ("anything", 1, True),
    "1 to 1.0": ("anything", 1, 1.0),
    "1.0 to a Decimal": ("anything", 1.0, Decimal(1)),
    "inside a list of anything": ("anything", [0, {"a": False}], [False, {"a": 0}]),
    "tuple": ("scores", (1.5, 0.0), (1.5, -0.0)),
    "list": ("amounts", [SHORT], [LONG]),
    "frozenset": ("parts", frozenset({SHORT}), frozenset({LONG})),
    "dictionary": ("rates", {"a": SHORT}, {"a": LONG}),
    "dictionary of anything": ("data", {"a": [1, SHORT]}, {"a": [True, SHORT]}),
    "nested": ("price", Price(SHORT), Price(LONG)),
    "tuple in a nested value": ("price", Price(SHORT, (SHORT,)), Price(SHORT, (LONG,))),
    "list of nested values": ("prices", [Price(SHORT)], [Price(LONG)]),
}
SAME: dict[str, tuple[str, Any, Any]] = {
    "NaN": ("score", float("nan"), float("nan")),
    "Decimal NaN": ("amount", Decimal("NaN"), Decimal("NaN")),
    "zone": ("moment", datetime(2026, 1, 1, 12, tzinfo=UTC), datetime(2026, 1, 1, 13, tzinfo=BERLIN)),
    "microseconds": ("moment", datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, 0, 0, 0, 999, tzinfo=UTC)),
    "order of a set": ("parts", frozenset({Decimal(0), Decimal(8)}), frozenset({Decimal(8), Decimal(0)})),
    "whole number in a field of floats": ("score", 2.0, 2),
}


def shown(value: Any) -> str:
    """A value with its form; times in UTC."""
    return repr(value.astimezone(UTC) if isinstance(value, datetime) else value)


def added(store: FormStore, form: Form) -> None:
    """Store a new one."""
    store.run(lambda uow: uow.forms.add(form))


def in_a_unit(store: FormStore, form: Form, name: str, value: Any) -> None:
    """Load, set, commit."""
    store.run(lambda uow: setattr(uow.forms.get(form.id), name, value))


def attached(store: FormStore, form: Form, name: str, value: Any) -> None:
    """Set on a reader's object, then attach."""
    with store.reader() as reader:
        loaded = reader.forms.get(form.id)
    setattr(loaded, name, value)
    store.run(lambda uow: uow.forms.attach(loaded))


def bulk_in_a_unit(store: FormStore, form: Form, name: str, value: Any) -> None:
    """Set on a reader's object, then save it with others."""
    with store.reader() as reader:
        loaded = reader.forms.get(form.id)
    setattr(loaded, name, value)
    store.run(lambda uow: uow.forms.bulk_update([loaded]))


def in_bulk(store: FormStore, form: Form, name: str, value: Any) -> None:
    """The same outside a transaction."""
    with store.bulk() as bulk:
        loaded = bulk.forms.get(form.id)
        setattr(loaded, name, value)
        assert not bulk.forms.bulk_update([loaded]).errors


def upserted(store: FormStore, form: Form, name: str, value: Any) -> None:
    """Give the values of another object."""
    store.run(lambda uow: uow.forms.upsert(evolve(form, version=0, **{name: value}), by="id"))


WAYS = (in_a_unit, attached, bulk_in_a_unit, in_bulk, upserted)


class StoredFormsContract:
    """What counts as an edit is what is stored otherwise."""

    @pytest.fixture
    def store(self, url: str) -> Iterator[FormStore]:
        """The store."""
        documents = Documents(FormRepository, collection="forms")
        with open_store(Forms, url=url, documents=[documents], prepare="create") as store:
            yield store

    @pytest.mark.parametrize("way", WAYS)
    def test_an_equal_value_of_another_form_is_written(
        self, store: FormStore, way: Callable[[FormStore, Form, str, Any], None]
    ) -> None:
        """Whatever the way, what was given is what is stored, the hook hears of it, and the version takes its step."""
        found = {}
        for case, (name, before, after) in CASES.items():
            form = Form(**{name: before})
            added(store, form)
            way(store, form, name, after)
            with store.reader() as reader:
                loaded = reader.forms.get(form.id)
            found[case] = shown(getattr(loaded, name)), name in loaded.fields, loaded.version

        assert {case: (shown(after), True, 2) for case, (_, _, after) in CASES.items()} == found

    def test_what_is_stored_alike_is_not_written(self, store: FormStore) -> None:
        """A value that is another object, but would be stored as it is, is no edit."""
        versions = {}
        for case, (name, before, after) in SAME.items():
            form = Form(**{name: before})
            added(store, form)
            in_a_unit(store, form, name, after)
            with store.reader() as reader:
                versions[case] = reader.forms.get(form.id).version

        assert dict.fromkeys(SAME, 1) == versions

    def test_edits_in_place(self, store: FormStore) -> None:
        """Items of lists and dictionaries are compared as they are stored too; a second flush sees the first."""
        form = Form(amounts=[SHORT, SHORT], data={"a": 1, "b": {"c": 0}}, prices=[Price(SHORT)])
        added(store, form)
        with store.unit_of_work() as uow:
            loaded = uow.forms.get(form.id)
            loaded.amounts[1] = LONG
            loaded.data["a"] = True
            uow.flush()
            loaded.amounts[1] = SHORT
            loaded.data["b"]["c"] = False
            loaded.prices[0] = Price(LONG)

        with store.reader() as reader:
            loaded = reader.forms.get(form.id)
        assert "[Decimal('9.9'), Decimal('9.9')]" == repr(loaded.amounts)
        assert "{'a': True, 'b': {'c': False}}" == repr(loaded.data)
        assert "9.90" == str(loaded.prices[0].amount)
