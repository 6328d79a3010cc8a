"""Views, several entities by their ids, different values, references: reads beside find and page."""

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from attrs import define, field, frozen
from bson import Decimal128, ObjectId

from tristore import (
    DocumentStore,
    InvalidQuery,
    NotFound,
    ValidationError,
    VersionConflict,
    new_id,
    some,
)
from tristore.errors import UnitOfWorkClosed
from tristore.fields import SECRET

from ..billing import Address, BillingUnitOfWork, Customer, CustomerId, Invoice, Status, customer
from ..queries.samples import Place, SamplesContract, SampleStore, SampleView, number, write
from ..stores import BillingContract

BillingStore = DocumentStore[BillingUnitOfWork]
JOINED = datetime(2025, 5, 4, tzinfo=UTC)


@define
class Contact:
    """A view that has some of everything."""

    id: CustomerId
    email: str
    credits: int
    status: Status
    joined_at: datetime | None
    address: Address | None
    tags: list[str]
    version: int


@frozen(kw_only=True)
class Balance:
    """A view that has a property and a method of its own."""

    email: str
    balance: Decimal

    @property
    def cents(self) -> int:
        """The balance in cents."""
        return int(self.balance * 100)


@define
class Unknown:
    """A view with a field that no customer has."""

    emial: str


@define
class Wrong:
    """A view with another type."""

    credits: int | None


@define
class OtherId:
    """A view with an id that is none."""

    id: str


@define
class Nothing:
    """A view without fields."""


@define
class Shown:
    """A view that would show a secret."""

    password: str | None


@define
class Hidden:
    """A view that keeps a secret."""

    password: str | None = field(repr=False, metadata=SECRET)


def save(store: BillingStore, *entities: Customer | Invoice) -> None:
    """Store entities in one unit."""
    with store.unit_of_work() as uow:
        for one in entities:
            if isinstance(one, Customer):
                uow.customers.add(one)
            else:
                uow.invoices.add(one)


class ReadsContract(BillingContract):
    """Reads of the billing store, on every backend."""

    @pytest.fixture
    def three(self, store: BillingStore) -> list[Customer]:
        """Three stored customers."""
        found = [
            customer("ada@example.org", credits=3, tags=["vip", "maths"], joined_at=JOINED, address=Address("London")),
            customer("bob@example.org", credits=1, status=Status.BLOCKED, balance=Decimal("1.50")),
            customer("cid@example.org", credits=3, tags=["vip", ""], metadata={"tier": "gold", "n": 1}),
        ]
        save(store, *found)
        return found

    def test_views_have_what_is_stored(self, store: BillingStore, three: list[Customer]) -> None:
        """A view is built of the entity's fields, nested values, enums and lists whole."""
        with store.reader() as billing:
            (ada,) = billing.customers.find(lambda c: c.name == "ada", select=Contact)
            bob = billing.customers.first(sort="credits", select=Balance)
            nobody = billing.customers.first(lambda c: c.name == "zoe", select=Balance)

        assert (
            Contact(three[0].id, "ada@example.org", 3, Status.ACTIVE, JOINED, Address("London"), ["vip", "maths"], 1)
            == ada
        )
        assert Balance(email="bob@example.org", balance=Decimal("1.50")) == bob
        assert (150, None) == (bob.cents, nobody)

    def test_views_keep_the_bounds(self, store: BillingStore, three: list[Customer]) -> None:
        """Order, skip, limit and pages of views are those of the entities, whatever the view has."""
        with store.reader() as billing:
            found = billing.customers.find(sort=("-credits", "-email"), skip=1, limit=2, select=Balance)
            page = billing.customers.page(sort="email", page=2, limit=2, select=Balance)
            streamed = list(billing.customers.stream(lambda c: c.credits == 3, sort="email", select=Balance))

        assert ["ada@example.org", "bob@example.org"] == [one.email for one in found]
        assert (["cid@example.org"], 3, False) == ([one.email for one in page], page.total_count, page.has_next)
        assert ["ada@example.org", "cid@example.org"] == [one.email for one in streamed]

    def test_views_in_a_unit(self, store: BillingStore, three: list[Customer]) -> None:
        """A view shows the unit's own changes, is not tracked, and what it says is not written."""
        with store.unit_of_work() as uow:
            uow.customers.get(three[0].id).credits = 7
            (ada,) = uow.customers.find(lambda c: c.credits == 7, select=Contact)
            ada.credits = 100
            assert 7 == next(uow.customers.stream(lambda c: c.credits == 7, select=Contact)).credits
        with store.reader() as billing:
            assert 7 == billing.customers.get(three[0].id).credits

    @pytest.mark.parametrize(
        ("view", "words"),
        [
            (Unknown, "Customer has no field 'emial'; did you mean 'email'"),
            (Wrong, r"Wrong.credits is int \| None, and the entity's credits is int"),
            (OtherId, "OtherId.id is str, and the entity's id is CustomerId"),
            (Nothing, "needs at least one field"),
            (Customer, "a plain attrs class with some fields of Customer, not Customer"),
            (dict, "a plain attrs class with some fields of Customer, not dict"),
            ("email", "a plain attrs class with some fields of Customer, not str"),
        ],
    )
    def test_what_is_no_view(self, store: BillingStore, view: Any, words: str) -> None:
        """A view that does not fit the entity is refused by every read, naming the field."""
        with store.reader() as billing:
            for ask in (billing.customers.find, billing.customers.first, billing.customers.page):
                with pytest.raises(InvalidQuery, match=words):
                    ask(select=view)
            with pytest.raises(InvalidQuery, match=words):
                billing.customers.stream(select=view)

    def test_get_many_keeps_the_order(self, store: BillingStore, three: list[Customer]) -> None:
        """Entities come in the order of the ids, one that is named twice stands there twice."""
        ada, bob, cid = three
        with store.reader() as billing:
            found = billing.customers.get_many([cid.id, ada.id, cid.id, bob.id])
            none = billing.customers.get_many([])
            of_a_generator = billing.customers.get_many(one.id for one in three)

        assert ([cid, ada, cid, bob], [], three) == (found, none, of_a_generator)
        assert found[0] is found[2]
        assert "cid@example.org" == found[0].email

    def test_get_many_names_all_that_are_missing(self, store: BillingStore, three: list[Customer]) -> None:
        """NotFound has every missing id, once, and a unit goes on after it."""
        first, second = CustomerId(new_id()), CustomerId(new_id())
        with store.reader() as billing, pytest.raises(NotFound, match=f"no Customer with id '{first}', '{second}'$"):
            billing.customers.get_many([first, three[0].id, second, first])
        many = [CustomerId(new_id()) for _ in range(25)]
        with store.unit_of_work() as uow:
            with pytest.raises(NotFound, match="and 5 more") as error:
                uow.customers.get_many(many)
            assert (tuple(many), many[0]) == (error.value.ids, error.value.id)
            assert three == uow.customers.get_many([one.id for one in three])

    def test_get_many_in_a_unit(self, store: BillingStore, three: list[Customer]) -> None:
        """What a unit knows comes from it: edited, added, and not what it removed."""
        ada, bob, cid = three
        with store.unit_of_work() as uow:
            edited = uow.customers.get(ada.id)
            edited.credits = 9
            new = customer("new@example.org")
            uow.customers.add(new)
            found = uow.customers.get_many([new.id, ada.id, bob.id])
            assert found[0] is new
            assert found[1] is edited
            found[2].credits = 8
            uow.customers.remove(uow.customers.get(cid.id))
            with pytest.raises(NotFound, match=cid.id):
                uow.customers.get_many([ada.id, cid.id])
        with store.reader() as billing:
            assert [9, 8, 0] == [one.credits for one in billing.customers.get_many([ada.id, bob.id, new.id])]

    def test_get_many_of_very_many(self, store: BillingStore) -> None:
        """More ids than one query takes are asked for in several."""
        for start in range(0, 2_100, 700):
            save(store, *(customer(f"u{n}@example.org", credits=n) for n in range(start, start + 700)))
        with store.reader() as billing:
            ids = [one.id for one in billing.customers.stream(sort="-credits")]
            found = billing.customers.get_many(ids)
        with store.unit_of_work() as uow:
            in_a_unit = uow.customers.get_many(ids)

        assert [*range(2_099, -1, -1)] == [one.credits for one in found] == [one.credits for one in in_a_unit]

    @pytest.mark.parametrize(
        ("ask", "words"),
        [
            (lambda r, id: r.get_many(id), "takes several ids, not str: use get"),
            (lambda r, id: r.get_many([id, "x"]), "the id of Customer must be an id of 24"),
            (lambda r, id: r.get_many([{"$ne": None}]), "cannot be an id"),
            (lambda r, id: r.get_many([None]), "the id of Customer must be an id"),
            (lambda r, id: r.populate([1], lambda _: [id, {}]), "cannot be an id"),
            (lambda r, id: r.populate([1], lambda _: 5), "the id of Customer must be an id"),
            (lambda r, id: r.distinct("email"), "a lambda that gives a field"),
            (lambda r, id: r.distinct(str), "a lambda that gives a field"),
            (lambda r, id: r.distinct(lambda c: c.emial), "did you mean 'email'"),
            (lambda r, id: r.distinct(lambda c: 5), "this one gave int"),
            (lambda r, id: r.distinct(lambda c: c.credits > 3), "this one gave Condition"),
            (lambda r, id: r.distinct(lambda c: c.address), "nested values as a whole"),
            (lambda r, id: r.distinct(lambda c: c.metadata), "distinct.. gives plain values or items"),
        ],
    )
    def test_what_cannot_be_asked(
        self, store: BillingStore, three: list[Customer], ask: Callable[[Any, str], object], words: str
    ) -> None:
        """It is refused by name, in readers and units, which go on."""
        for open_it in (store.reader, store.unit_of_work):
            with open_it() as billing:
                with pytest.raises(InvalidQuery, match=words):
                    ask(billing.customers, three[0].id)
                assert 3 == billing.customers.count()

    def test_distinct_values(self, store: BillingStore, three: list[Customer]) -> None:
        """Each value once, as the entity has it, sorted and without None; of a list its items; a rule counts."""
        with store.unit_of_work() as uow:
            uow.customers.get(three[1].id).nickname = "b"
            customers = uow.customers

            assert [1, 3] == customers.distinct(lambda c: c.credits)
            assert [Status.ACTIVE, Status.BLOCKED] == customers.distinct(lambda c: c.status)
            assert ["", "maths", "vip"] == customers.distinct(lambda c: c.tags)
            assert ["b"] == customers.distinct(lambda c: c.nickname)
            assert [JOINED] == customers.distinct(lambda c: c.joined_at)
            assert [Decimal(0), Decimal("1.50")] == customers.distinct(lambda c: c.balance)
            assert [False] == customers.distinct(lambda c: c.is_trusted)
            assert ["London"] == customers.distinct(lambda c: some(c.address).city)
            assert ["gold"] == customers.distinct(lambda c: c.metadata["tier"])
            assert [3] == customers.distinct(lambda c: c.credits, lambda c: c.status == Status.ACTIVE)
            assert [] == customers.distinct(lambda c: c.credits, lambda c: c.credits > 100)
            assert sorted(one.id for one in three) == customers.distinct(lambda c: c.id)
        with store.reader() as billing:
            assert [1, 3] == billing.customers.distinct(lambda c: c.credits)

    def test_populated_references(self, store: BillingStore, three: list[Customer]) -> None:
        """What entities refer to comes by id, each once; None and what leads nowhere are left out."""
        ada, bob, cid = three
        gone = CustomerId(new_id())
        invoices = [Invoice(number=f"{n}", customer_id=one) for n, one in enumerate([bob.id, ada.id, gone, bob.id])]
        with store.reader() as billing:
            owners = billing.customers.populate(invoices, lambda i: i.customer_id)
            nobody = billing.customers.populate(three, lambda c: c.referred_by)
            several = billing.customers.populate([1, 2], lambda n: [ada.id, None, cid.id] if n == 1 else None)
            empty = billing.customers.populate([], lambda _: ada.id)

        assert {bob.id: bob, ada.id: ada} == owners
        assert ([bob.id, ada.id], "bob@example.org") == ([*owners], owners[bob.id].email)
        assert ({}, {ada.id: ada, cid.id: cid}, {}) == (nobody, several, empty)

    def test_populated_references_in_a_unit(self, store: BillingStore, three: list[Customer]) -> None:
        """In a unit they are its entities: the same objects, whose edits are written."""
        with store.unit_of_work() as uow:
            ada = uow.customers.get(three[0].id)
            found = uow.customers.populate(three, lambda c: c.id)
            assert ada is found[ada.id]
            found[three[2].id].credits = 77
        with store.reader() as billing:
            assert 77 == billing.customers.get(three[2].id).credits

    def test_streams_of_views_end_with_their_reader(self, store: BillingStore, three: list[Customer]) -> None:
        """Outside its block a stream of views raises, as one of entities does."""
        with store.reader() as billing:
            stream = billing.customers.stream(select=Balance)
            next(stream)
        with pytest.raises(UnitOfWorkClosed):
            next(stream)

    def test_a_version_still_guards(self, store: BillingStore, three: list[Customer]) -> None:
        """The version of a view can be given to get."""
        with store.reader() as billing:
            seen = billing.customers.first(lambda c: c.name == "ada", select=Contact)
        assert seen is not None
        with store.unit_of_work() as uow:
            uow.customers.get(seen.id, version=seen.version).credits = 0
        with store.unit_of_work() as uow, pytest.raises(VersionConflict):
            uow.customers.get(seen.id, version=seen.version)


class ForeignReadsContract(SamplesContract):
    """Reads of documents that other programs wrote, on every backend."""

    def test_views_of_what_is_missing(self, store: SampleStore) -> None:
        """A view takes the entity's defaults for what a document lacks, and knows null as None."""

        @define
        class Kept:
            data: dict[str, Any]
            number: int | None
            version: int

        write(store, {"_id": number(1), "number": None})
        with store.reader() as reader:
            assert Kept({}, None, 0) == reader.samples.first(select=Kept)

    def test_views_of_what_does_not_fit(self, store: SampleStore) -> None:
        """A stored value of another type is a ValidationError; one that the view does not have is not read."""

        @define
        class Numbered:
            number: int | None

        write(store, {"_id": number(1), "number": "x", "text": "fine"})
        with store.reader() as reader:
            assert SampleView("fine", None) == reader.samples.first(select=SampleView)
            with pytest.raises(ValidationError, match="stored Numbered"):
                reader.samples.first(select=Numbered)

    def test_secrets_of_views(self, store: SampleStore) -> None:
        """A secret is read only by a view that names it and hides it."""
        write(store, {"_id": number(1), "password": "hush"})
        with store.reader() as reader:
            with pytest.raises(InvalidQuery, match=r"Shown.password is a secret of the entity"):
                reader.samples.first(select=Shown)
            found = reader.samples.first(select=Hidden)

        assert found is not None
        assert ("hush", False) == (found.password, "hush" in repr(found))

    def test_distinct_values_of_all_types(self, store: SampleStore) -> None:
        """A field without a type gives values in MongoDB's order of types; of lists the items, and no null."""
        no_number, zero = float("nan"), ObjectId("0" * 24)
        values = ["b", 2, [1, "a", None], None, True, 1.0, Decimal128("2.0"), "a", [], no_number, b"x", zero]
        write(store, *({"_id": number(n), "anything": value} for n, value in enumerate(values)), {"_id": number(99)})
        with store.reader() as reader:
            first, *found = reader.samples.distinct(lambda s: s.anything)

        assert first != first  # noqa: PLR0124 - NaN
        assert [1, 2, "a", "b", b"x", zero, True] == found

    def test_distinct_values_through_lists(self, store: SampleStore) -> None:
        """A key is looked for in the items of a list."""
        write(
            store,
            {"_id": number(1), "data": {"list": [{"x": 2}, {"x": 1}, 5, {"y": 0}]}},
            {"_id": number(2), "data": {"list": {"x": [3, 1]}}},
            {"_id": number(3), "data": {"list": 7}},
            {"_id": number(4), "data": None},
        )
        with store.reader() as reader:
            assert [1, 2, 3] == reader.samples.distinct(lambda s: s.data["list"]["x"])

    def test_distinct_values_that_do_not_fit(self, store: SampleStore) -> None:
        """A stored value of another type is a ValidationError that names the field."""
        write(store, {"_id": number(1), "number": "x"})
        with store.reader() as reader, pytest.raises(ValidationError, match="Sample is not valid: number"):
            reader.samples.distinct(lambda s: s.number)

    def test_nested_values_of_views(self, store: SampleStore) -> None:
        """A nested value is read whole."""
        write(store, {"_id": number(1), "place": {"city": "Oslo", "more": 1}, "text": "x"})
        with store.reader() as reader:
            assert SampleView("x", Place("Oslo")) == reader.samples.first(select=SampleView)


__all__ = ["ForeignReadsContract", "ReadsContract"]
