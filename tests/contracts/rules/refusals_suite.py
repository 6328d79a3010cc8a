"""What wrong input meets, on every backend: one clear error of ours, before anything is written."""

from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest
from attrs import define, field

from tristore import (
    Documents,
    DocumentStore,
    DuplicateKey,
    Entity,
    InvalidQuery,
    Repository,
    Unique,
    UnitOfWork,
    ValidationError,
    open_store,
)
from tristore.errors import UnitOfWorkError, WriteConflict

from ..billing import Address, BillingUnitOfWork, Customer, customer
from ..stores import BillingContract

BillingStore = DocumentStore[BillingUnitOfWork]
LONGEST_PART = 1_000
"""The most characters of a part of a text."""
HALF = "\ud800"
BEYOND = 2**63


@define
class Place:
    """A nested value with a key of two words."""

    postal_code: str = ""
    notes: dict[str, Any] = field(factory=dict)


@define(kw_only=True)
class Country(Entity[str]):
    """An entity whose id is text, with text wherever it can stand."""

    id: str = field()
    name: str = ""
    motto: str | None = None
    capital: Place = field(factory=Place)
    rivers: list[str] = field(factory=list)
    names: dict[str, str] = field(factory=dict)
    anything: Any = None
    visits: int = field(default=0, init=False)


class CountryRepository(Repository[Country, str]):
    """No two countries share the postal code of their capital."""

    unique = (Unique("capital.postal_code", "name"),)


class Atlas(UnitOfWork):
    """Countries."""

    countries: CountryRepository


COUNTRIES = Documents(CountryRepository, collection="countries")

ASKED: dict[str, tuple[Callable[[Any], object], str]] = {
    "a page without a limit": (lambda r: r.page(limit=None), "limit must be a whole number"),
    "no order": (lambda r: r.find(sort=None), "sort takes a name of a field"),
    "a number as order": (lambda r: r.find(sort=5), "sort takes a name of a field"),
    "a number in an order": (lambda r: r.find(sort=(5,)), "sort takes names of fields"),
    "a field twice": (lambda r: r.find(sort=("name", "-name")), "name stands twice in the order"),
    "the id twice": (lambda r: r.page(sort=("id", "name", "id")), "id stands twice in the order"),
    "33 keys": (lambda r: r.find(sort=[f"metadata.k{n}" for n in range(33)]), "at most 32 fields, not 33"),
    "32 keys and the id": (lambda r: r.page(sort=[f"metadata.k{n}" for n in range(32)]), "at most 32 fields, not 33"),
    "a skip above 64 bits": (lambda r: r.find(skip=BEYOND), "skip must be a whole number"),
    "a limit above 64 bits": (lambda r: r.find(limit=BEYOND), "limit must be a whole number"),
    "a page above 64 bits": (lambda r: r.page(page=2**62, limit=20), "page 4611686018427387904 of 20"),
    "a rule without a parameter": (lambda r: r.find(lambda: True), "takes one parameter, the entity"),
    "a rule of two": (lambda r: r.find(lambda one, two: one.name == two), "takes one parameter, the entity"),
    "a class as a rule": (lambda r: r.find(Customer), "a lambda or a Specification, not the class Customer"),
    "a built-in as a rule": (lambda r: r.find(str), "a lambda or a Specification, not the class str"),
    "a long beginning": (lambda r: r.find(lambda c: c.name.startswith("x" * 40_000)), "at most 1,000 characters"),
    "a long end": (lambda r: r.find(lambda c: c.name.endswith("x" * 1_001)), "at most 1,000 characters"),
    "half a character": (lambda r: r.get(HALF), "id of Customer"),
    "a list as id": (lambda r: r.get([1]), "id of Customer"),
}

HALVES: dict[str, tuple[Callable[[Country], object], str]] = {
    "text": (lambda c: setattr(c, "name", HALF), "name"),
    "optional text": (lambda c: setattr(c, "motto", f"in {HALF}"), "motto"),
    "nested text": (lambda c: setattr(c.capital, "postal_code", HALF), "capital.postal_code"),
    "a value of a nested dictionary": (lambda c: c.capital.notes.update(a=HALF), "capital.notes"),
    "an item": (lambda c: c.rivers.append(HALF), "rivers"),
    "a value": (lambda c: c.names.update(a=HALF), "names"),
    "a key": (lambda c: c.names.update({HALF: "a"}), "names"),
    "free text": (lambda c: setattr(c, "anything", HALF), "anything"),
    "a free item": (lambda c: setattr(c, "anything", [1, HALF]), "anything"),
    "a free value": (lambda c: setattr(c, "anything", {"a": HALF}), "anything"),
    "a free key": (lambda c: setattr(c, "anything", {"b": {HALF: 1}}), "anything"),
}


def _around(found: dict[str, Any]) -> dict[str, Any]:
    found["deep"] = {"list": [found]}
    return found


async def _later(_: Any) -> None: ...


def _one_by_one(_: Any) -> Iterator[int]:
    yield 1


async def _one_by_one_later(_: Any) -> Any:
    yield 1


class RefusalsContract(BillingContract):
    """Wrong arguments, texts that no store can hold, values without an end."""

    @pytest.fixture
    def atlas(self, url: str) -> Iterator[DocumentStore[Atlas]]:
        """A store of countries."""
        store = open_store(Atlas, url=url, documents=[COUNTRIES], prepare="create")
        yield store
        store.close()

    @pytest.mark.parametrize("name", ASKED)
    def test_what_cannot_be_asked(self, store: BillingStore, name: str) -> None:
        """Readers and units refuse it with InvalidQuery, and go on."""
        ask, words = ASKED[name]
        for open_it in (store.reader, store.unit_of_work):
            with open_it() as billing:
                with pytest.raises(InvalidQuery, match=words):
                    ask(billing.customers)
                assert 0 == billing.customers.count()

    def test_the_largest_bounds_are_accepted(self, store: BillingStore) -> None:
        """Up to 64 bits, 32 keys and 1,000 characters everything can be asked."""
        long = "(\U0001f600" * (LONGEST_PART // 2)
        with store.unit_of_work() as uow:
            uow.customers.add(customer(name=long))
        with store.reader() as billing:
            assert 1 == len(billing.customers.find(limit=BEYOND - 1))
            assert [] == billing.customers.find(skip=BEYOND - 1)
            assert [] == billing.customers.find(skip=BEYOND - 1, limit=BEYOND - 1)
            assert () == billing.customers.page(page=BEYOND // 1000, limit=1000).items
            assert 1 == len(billing.customers.page(sort=[f"metadata.k{n}" for n in range(31)]))
            assert 1 == billing.customers.count(lambda c: c.name.startswith(long) & c.name.endswith(long))

    @pytest.mark.parametrize("name", HALVES)
    def test_half_a_character_is_refused(self, atlas: DocumentStore[Atlas], name: str) -> None:
        """Half of a surrogate pair cannot be encoded: ValidationError names entity and field, on add and on edit."""
        spoil, words = HALVES[name]
        spoiled = Country(id="NO")
        spoil(spoiled)
        with (
            pytest.raises(ValidationError, match=rf"Country is not valid: {words}: ") as added,
            atlas.unit_of_work() as u,
        ):
            u.countries.add(spoiled)
        with atlas.unit_of_work() as u:
            u.countries.add(Country(id="SE", name="Sweden"))
        with pytest.raises(ValidationError, match=rf"Country is not valid: {words}: "), atlas.unit_of_work() as u:
            spoil(u.countries.get("SE"))

        assert [words] == [problem.field for problem in added.value.problems]
        with atlas.reader() as found:
            assert [("SE", 1)] == [(one.id, one.version) for one in found.countries.find()]

    def test_half_a_character_as_an_id(self, atlas: DocumentStore[Atlas]) -> None:
        """It is refused like any other text of that sort, and nothing has it."""
        with pytest.raises(ValidationError, match="Country is not valid: id: "), atlas.unit_of_work() as uow:
            uow.countries.add(Country(id=HALF))
        for open_it in (atlas.reader, atlas.unit_of_work):
            with open_it() as found, pytest.raises(InvalidQuery, match="the id of Country"):
                found.countries.get(HALF)

    @pytest.mark.parametrize("method", ["add", "remove", "attach", "refresh"])
    def test_an_id_that_is_none(self, store: BillingStore, method: str) -> None:
        """An entity whose id could be nobody's is refused at once, and the unit goes on."""
        wrong = customer(id=cast("Any", ["a", "list"]))
        with store.unit_of_work() as uow:
            with pytest.raises(ValidationError, match="Customer is not valid: id: cannot be a list"):
                getattr(uow.customers, method)(wrong)
            uow.customers.add(customer())
        with store.reader() as billing:
            assert 1 == billing.customers.count()

    def test_a_value_that_holds_itself(self, store: BillingStore) -> None:
        """A dictionary inside itself is nested too deep, also in an entity that was loaded."""
        words = "Customer is not valid: metadata: must not be nested deeper than 100 levels"
        with pytest.raises(ValidationError, match=words), store.unit_of_work() as uow:
            uow.customers.add(customer(metadata=_around({})))
        with store.unit_of_work() as uow:
            uow.customers.add(customer())
        for edit in (_around, lambda found: found.update(self=found)):
            with pytest.raises(ValidationError, match=words), store.unit_of_work() as uow:
                edit(uow.customers.find()[0].metadata)
        with store.reader() as billing:
            assert [({}, 1)] == [(one.metadata, one.version) for one in billing.customers.find()]

    def test_a_nested_unique_key_is_named_by_its_attributes(self, atlas: DocumentStore[Atlas]) -> None:
        """DuplicateKey names the fields of the entity, not the keys of the document."""
        with atlas.unit_of_work() as uow:
            uow.countries.add(Country(id="NO", capital=Place("0001")))
        with pytest.raises(DuplicateKey) as error, atlas.unit_of_work() as uow:
            uow.countries.add(Country(id="SE", capital=Place("0001")))

        assert ("capital.postal_code", "name") == error.value.fields

    def test_a_field_that_the_constructor_does_not_take(self, atlas: DocumentStore[Atlas]) -> None:
        """What is stored is read back, and can be edited and asked for."""
        with atlas.unit_of_work() as uow:
            norway = Country(id="NO")
            norway.visits = 3
            uow.countries.add(norway)
        with atlas.unit_of_work() as uow:
            uow.countries.get("NO").visits += 1
        with atlas.reader() as found:
            assert [4] == [one.visits for one in found.countries.find(lambda c: c.visits > 3)]

    @pytest.mark.parametrize("fn", [_later, _one_by_one, _one_by_one_later])
    def test_a_function_that_would_not_run(self, store: BillingStore, fn: Callable[[Any], Any]) -> None:
        """An async or generator function would run after the commit or never: run() refuses it before it begins."""
        with pytest.raises(UnitOfWorkError, match=f"{fn.__name__} "):
            store.run(fn)

    def test_a_function_that_returns_what_was_not_awaited(self, store: BillingStore) -> None:
        """An async function behind a plain one is found by its result, and the unit is rolled back."""

        def hidden(uow: BillingUnitOfWork) -> Any:
            uow.customers.add(customer())
            return _later(uow)

        with pytest.raises(UnitOfWorkError, match="coroutine"):
            store.run(hidden)
        with pytest.raises(UnitOfWorkError, match="_later is async"):
            store.transactional(_later)
        with store.reader() as billing:
            assert not billing.customers.exists()

    @pytest.mark.parametrize(
        ("options", "words"),
        [
            ({"max_attempts": "3"}, "max_attempts must be a whole number of at least 1"),
            ({"max_attempts": 0}, "max_attempts must be a whole number of at least 1"),
            ({"max_attempts": True}, "max_attempts must be a whole number of at least 1"),
            ({"deadline": float("nan")}, "deadline must be more than 0 seconds"),
            ({"deadline": "1"}, "deadline must be more than 0 seconds"),
            ({"deadline": None}, "deadline must be more than 0 seconds"),
            ({"retry_on": 5}, "retry_on takes classes of errors"),
            ({"retry_on": (int,)}, "retry_on takes classes of errors"),
            ({"retry_on": ValueError("x")}, "retry_on takes classes of errors"),
        ],
    )
    def test_wrong_options_of_a_run(self, store: BillingStore, options: dict[str, Any], words: str) -> None:
        """Each wrong option is named before the function is called."""
        calls: list[object] = []
        with pytest.raises(UnitOfWorkError, match=words):
            store.run(calls.append, **options)
        with pytest.raises(UnitOfWorkError, match=words):
            next(store.attempts(**options))
        with pytest.raises(UnitOfWorkError, match="run takes a function"):
            store.run(cast("Any", 5))

        assert [] == calls

    def test_one_class_is_enough_for_retry_on(self, store: BillingStore) -> None:
        """retry_on takes a class as well as a tuple of them."""
        calls: list[int] = []

        def stumbling(uow: BillingUnitOfWork) -> int:
            calls.append(1)
            if len(calls) < 3:
                raise ValueError("not yet")
            return len(calls)

        assert 3 == store.run(stumbling, retry_on=cast("Any", ValueError))

    def test_an_address_is_compared_by_its_fields(self, store: BillingStore) -> None:
        """A nested value has no keys and no order of its own."""
        with store.reader() as billing:
            for rule in (lambda c: c.address["city"] == "x", lambda c: c.address > Address("x")):
                with pytest.raises(InvalidQuery, match="address"):
                    billing.customers.find(rule)

    def test_a_conflict_is_no_wrong_input(self, store: BillingStore) -> None:
        """What is refused here is refused for good: it is never repeated as a conflict is."""
        calls: list[int] = []

        def wrong(uow: BillingUnitOfWork) -> None:
            calls.append(1)
            uow.customers.find(limit=0)

        with pytest.raises(InvalidQuery) as error:
            store.run(wrong)

        assert not isinstance(error.value, WriteConflict)
        assert [1] == calls
