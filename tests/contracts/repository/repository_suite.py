"""What every repository does, on every backend."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tristore import (
    DocumentStore,
    DuplicateKey,
    InvalidQuery,
    NotFound,
    ValidationError,
    VersionConflict,
    contains,
    is_none,
    new_id,
    not_,
    one_of,
    some,
    where,
)
from tristore.errors import TooLarge, TooManyResults, UnitOfWorkClosed, UnitOfWorkError

from ..billing import Address, BillingUnitOfWork, Customer, CustomerId, Status, customer
from ..stores import BillingContract

BillingStore = DocumentStore[BillingUnitOfWork]
JOINED = datetime(2025, 5, 4, 3, 2, 1, 987000, tzinfo=UTC)


def save(store: BillingStore, *customers: Customer) -> None:
    """Store customers in one unit."""
    with store.unit_of_work() as uow:
        for one in customers:
            uow.customers.add(one)


def emails(found: Any) -> list[str]:
    """The e-mails of customers."""
    return [one.email for one in found]


RULES: dict[str, tuple[Callable[[Customer], bool], set[str]]] = {
    "equal": (lambda c: c.name == "ada", {"ada"}),
    "not equal": (lambda c: c.name != "ada", {"bob", "cid"}),
    "less": (lambda c: c.credits < 10, {"ada"}),
    "at most": (lambda c: c.credits <= 10, {"ada", "bob"}),
    "more": (lambda c: c.credits > 10, {"cid"}),
    "at least": (lambda c: c.credits >= 10, {"bob", "cid"}),
    "and": (lambda c: (c.credits >= 10) & (c.name != "cid"), {"bob"}),
    "or": (lambda c: (c.credits < 10) | (c.name == "cid"), {"ada", "cid"}),
    "not": (lambda c: not_(c.credits < 10), {"bob", "cid"}),
    "enum": (lambda c: c.status == Status.BLOCKED, {"cid"}),
    "property": (lambda c: c.is_active, {"ada", "bob"}),
    "flag": (lambda c: c.is_trusted, {"bob"}),
    "not flag": (lambda c: not_(c.is_trusted), {"ada", "cid"}),
    "one of": (lambda c: one_of(c.name, ["ada", "cid", "zoe"]), {"ada", "cid"}),
    "one of none": (lambda c: one_of(c.name, []), set()),
    "contains": (lambda c: contains(c.tags, "vip"), {"ada", "bob"}),
    "is none": (lambda c: is_none(c.nickname), {"bob", "cid"}),
    "equals none": (lambda c: c.nickname == None, {"bob", "cid"}),  # noqa: E711
    "is not none": (lambda c: not_(is_none(c.nickname)), {"ada"}),
    "some at least": (lambda c: some(c.joined_at) >= JOINED, {"ada"}),
    "some before": (lambda c: some(c.joined_at) < JOINED, {"bob"}),
    "some not equal": (lambda c: some(c.nickname) != "zoe", {"ada"}),
    "optional not equal": (lambda c: c.nickname != "countess", {"bob", "cid"}),
    "starts": (lambda c: c.email.startswith("ad"), {"ada"}),
    "starts literally": (lambda c: c.email.startswith("."), set()),
    "ends": (lambda c: c.email.endswith("@example.org"), {"ada", "bob", "cid"}),
    "nested": (lambda c: some(c.address).city == "London", {"ada"}),
    "nested not equal": (lambda c: some(c.address).city != "Paris", {"ada"}),
    "nested none": (lambda c: is_none(c.address), {"bob", "cid"}),
    "key": (lambda c: c.metadata["tier"] == "gold", {"ada"}),
    "deep key": (lambda c: c.metadata["plan"]["seats"] >= 3, {"bob"}),
    "decimal": (lambda c: c.balance >= Decimal("1.5"), {"bob", "cid"}),
    "float": (lambda c: c.score > 0.25, {"cid"}),
    "bytes": (lambda c: c.photo == b"\x00\x01", {"cid"}),
    "bytes, the length first": (lambda c: some(c.photo) > b"\xff", {"cid"}),
    "bytes, then the content": (lambda c: some(c.photo) < b"\x00\x02", {"cid"}),
    "enum, less": (lambda c: c.status < Status.BLOCKED, {"ada", "bob"}),  # type: ignore[operator]
    "enum, at least": (lambda c: c.status >= Status.BLOCKED, {"cid"}),  # type: ignore[operator]
}


@pytest.fixture
def three() -> list[Customer]:
    """Three customers who differ in everything."""
    return [
        customer(
            "ada@example.org",
            credits=1,
            nickname="countess",
            tags=["vip", "maths"],
            joined_at=JOINED,
            address=Address("London"),
            metadata={"tier": "gold"},
        ),
        customer(
            "bob@example.org",
            credits=10,
            tags=["vip"],
            is_trusted=True,
            balance=Decimal("1.50"),
            joined_at=JOINED - timedelta(milliseconds=1),
            metadata={"plan": {"seats": 3}},
        ),
        customer(
            "cid@example.org",
            credits=100,
            status=Status.BLOCKED,
            balance=Decimal(7),
            score=0.5,
            photo=b"\x00\x01",
            metadata={"tier": 3},
        ),
    ]


class RepositoryContract(BillingContract):
    """Reads and writes of one entity at a time, queries, pages, refusals."""

    def test_an_entity_comes_back_as_it_was_stored(self, store: BillingStore) -> None:
        """Every sort of value survives the way into the store and back."""
        ada = customer(
            score=0.1,
            balance=Decimal("10.50"),
            joined_at=JOINED,
            referred_by=CustomerId(new_id()),
            address=Address("London", "N1"),
            tags=["a", "b"],
            metadata={"n": 1, "f": 1.5, "b": True, "none": None, "at": JOINED, "deep": {"list": [1, {"x": "y"}]}},
            photo=b"\x00\xff",
            credits=2**62,
        )
        save(store, ada)
        with store.reader() as billing:
            found = billing.customers.get(ada.id)

        assert ada is not found
        for name in ("email", "score", "balance", "joined_at", "referred_by", "address", "tags", "metadata", "photo"):
            assert getattr(ada, name) == getattr(found, name)
        assert (1, 2**62) == (found.version, found.credits)
        assert ada.created_at == found.created_at == ada.updated_at == found.updated_at

    def test_what_is_no_number_is_neither_less_nor_more(self, store: BillingStore) -> None:
        """NaN meets no comparison but "not equal", in the store and on objects, also as a Decimal."""
        odd = customer(score=float("nan"), balance=Decimal("NaN"))
        save(store, odd)
        rules: list[Callable[[Customer], bool]] = [
            lambda c: (c.score < 1) | (c.score <= 1) | (c.score > 1) | (c.score >= 1) | (c.score == 1),
            lambda c: (c.balance < 1) | (c.balance <= 1) | (c.balance > 1) | (c.balance >= 1) | (c.balance == 1),
            lambda c: one_of(c.balance, [Decimal(1)]) | one_of(c.score, [1.0]),
            lambda c: (c.score != 1) & (c.balance != 1),
        ]
        with store.reader() as billing:
            found = [billing.customers.exists(rule) for rule in rules]

        assert [False, False, False, True] == found
        assert found == [where(Customer, rule).is_satisfied_by(odd) for rule in rules]

    def test_get_names_what_is_not_there(self, store: BillingStore) -> None:
        """NotFound carries the entity's name and the id."""
        missing = CustomerId(new_id())
        with store.reader() as billing, pytest.raises(NotFound, match=f"no Customer with id '{missing}'") as error:
            billing.customers.get(missing)

        assert ("Customer", missing) == (error.value.entity, error.value.id)

    @pytest.mark.parametrize("name", RULES)
    def test_a_rule_selects_the_same_in_the_store_and_on_objects(
        self, store: BillingStore, three: list[Customer], name: str
    ) -> None:
        """A lambda means the same on an object, in memory and on a server."""
        rule, expected = RULES[name]
        save(store, *three)
        with store.reader() as billing:
            found = {one.name for one in billing.customers.find(rule)}
            counted = billing.customers.count(rule)
            exists = billing.customers.exists(rule)
        satisfied = {one.name for one in three if where(Customer, rule).is_satisfied_by(one)}

        assert expected == found == satisfied
        assert (len(expected), bool(expected)) == (counted, exists)

    def test_find_sorts_skips_and_limits(self, store: BillingStore) -> None:
        """The order is by the keys given, - for the largest first; None comes before every value."""
        save(
            store,
            *(customer(f"u{n}@example.org", credits=n % 3, nickname=None if n == 4 else f"n{n}") for n in range(6)),
        )
        with store.reader() as billing:
            by_two = billing.customers.find(sort=("-credits", "email"), skip=1, limit=3)
            by_nickname = billing.customers.find(sort="nickname", limit=2)

        assert ["u5@example.org", "u1@example.org", "u4@example.org"] == emails(by_two)
        assert ["u4@example.org", "u0@example.org"] == emails(by_nickname)

    def test_first_and_named_queries(self, store: BillingStore, three: list[Customer]) -> None:
        """first() gives one or None; a named query of the port runs on every backend."""
        save(store, *three)
        with store.reader() as billing:
            richest = billing.customers.first(sort="-credits")
            nobody = billing.customers.first(lambda c: c.name == "zoe")
            rich = billing.customers.rich(10)

        assert richest is not None
        assert "cid" == richest.name
        assert nobody is None
        assert ["cid", "bob"] == [one.name for one in rich]

    def test_find_without_a_limit_never_cuts_silently(self, store: BillingStore) -> None:
        """1,000 entities come back, 1,001 raise TooManyResults; a limit and stream() go on."""
        save(store, *(customer(f"u{n}@example.org") for n in range(1000)))
        with store.reader() as billing:
            assert 1000 == len(billing.customers.find())
        save(store, customer("last@example.org"))
        with store.reader() as billing:
            with pytest.raises(TooManyResults, match="pass a limit, use page"):
                billing.customers.find()
            assert 1001 == len(billing.customers.find(limit=2000))
            assert 1001 == sum(1 for _ in billing.customers.stream())

    def test_pages_by_number(self, store: BillingStore) -> None:
        """Pages hold the guideline's fields, share no entity and lose none, ties included."""
        save(store, *(customer(f"u{n}@example.org", credits=1) for n in range(7)))
        with store.reader() as billing:
            pages = [billing.customers.page(page=n, limit=3, sort="credits") for n in (1, 2, 3)]
            beyond = billing.customers.page(page=4, limit=3)
            empty = billing.customers.page(lambda c: c.credits > 5, limit=3)

        assert [3, 3, 1] == [len(page) for page in pages]
        assert 7 == len({one.id for page in pages for one in page})
        assert [(7, 3, True, False), (7, 3, True, True), (7, 3, False, True)] == [
            (page.total_count, page.total_pages, page.has_next, page.has_prev) for page in pages
        ]
        assert ((), 7, True) == (beyond.items, beyond.total_count, beyond.has_prev)
        assert ((), 0, 0, False, False) == (
            empty.items,
            empty.total_count,
            empty.total_pages,
            empty.has_next,
            empty.has_prev,
        )

    @pytest.mark.parametrize(
        ("ask", "words"),
        [
            (lambda r: r.find(lambda c: c.emial == "x"), "did you mean 'email'"),
            (lambda r: r.find(sort="-creditz"), "did you mean 'credits'"),
            (lambda r: r.find(sort="tags"), "has no order"),
            (lambda r: r.find(lambda c: c.credits == "10"), "credits is int"),
            (lambda r: r.find(lambda c: c.email == {"$ne": None}), "email is str"),
            (lambda r: r.find(lambda c: c.metadata["tier"] == {"$gt": ""}), "cannot be compared with a dict"),
            (lambda r: r.find(lambda c: c.metadata["$where"] == "1"), "cannot be a key"),
            (lambda r: r.find(lambda c: c.credits == 2**63), "credits is int"),
            (lambda r: r.find(lambda c: some(c.joined_at) > datetime(2025, 1, 1)), "joined_at is datetime"),
            (lambda r: r.find(lambda c: c.name == "a" and c.credits > 1), "write &"),
            (lambda r: r.find(limit=0), "limit must be"),
            (lambda r: r.find(skip=-1), "skip must be"),
            (lambda r: r.page(page=0), "page must be"),
            (lambda r: r.page(limit=1001), "at most 1000"),
            (lambda r: r.get("not an id"), "24 lower-case hex digits"),
            (lambda r: r.get({"$gt": ""}), "24 lower-case hex digits"),
            (lambda r: r.find("email"), "a lambda or a Specification"),
        ],
    )
    def test_what_cannot_be_asked_is_refused_before_any_server(
        self, store: BillingStore, ask: Callable[[Any], object], words: str
    ) -> None:
        """InvalidQuery names the field and what to write instead, and leaves the unit usable."""
        with store.unit_of_work() as uow:
            with pytest.raises(InvalidQuery, match=words):
                ask(uow.customers)
            uow.customers.add(customer())
        with store.reader() as billing:
            assert billing.customers.exists()

    @pytest.mark.parametrize(
        ("edit", "words"),
        [
            ({"metadata": {"$set": 1}}, r"metadata: has the key '\$set'"),
            ({"metadata": {"a\0b": 1}}, "metadata: has the key"),
            ({"metadata": {"deep": {"a.b": 1}}}, "metadata: has the key 'a.b'"),
            ({"metadata": {1: "x"}}, "keys are text"),
            ({"metadata": {"at": datetime(2025, 1, 1)}}, "aware datetime"),
            ({"joined_at": datetime(2025, 1, 1)}, "joined_at: must be an aware datetime"),
            ({"metadata": {"n": 2**63}}, "64 bits"),
            ({"credits": 2**63}, "credits: must fit 64 bits"),
            ({"metadata": {"x": object()}}, "cannot be stored"),
            ({"name": 5}, "name: must be text"),
            ({"referred_by": "me"}, "referred_by: must be an id"),
        ],
    )
    def test_what_cannot_be_stored_is_refused_with_nothing_written(
        self, store: BillingStore, edit: dict[str, Any], words: str
    ) -> None:
        """ValidationError names every field that is wrong, on an add and on an edit."""
        with pytest.raises(ValidationError, match=words), store.unit_of_work() as uow:
            uow.customers.add(customer("fine@example.org"))
            uow.customers.add(customer("wrong@example.org", **edit))
        with store.reader() as billing:
            assert not billing.customers.exists()
        save(store, customer("edited@example.org"))
        with pytest.raises(ValidationError, match=words), store.unit_of_work() as uow:
            found = uow.customers.find()[0]
            for name, value in edit.items():
                setattr(found, name, value)
        with store.reader() as billing:
            assert 1 == billing.customers.find()[0].version

    def test_a_document_above_16_mib_is_refused(self, store: BillingStore) -> None:
        """TooLarge says the size and the limit, and nothing is written."""
        with pytest.raises(TooLarge, match="at most 16,777,216") as error, store.unit_of_work() as uow:
            uow.customers.add(customer(metadata={"x": "x" * 17 * 1024 * 1024}))

        assert 16 * 1024 * 1024 == error.value.limit
        with store.reader() as billing:
            assert not billing.customers.exists()

    def test_a_document_above_1_mib_warns(self, store: BillingStore) -> None:
        """A large document is stored, with a warning."""
        with pytest.warns(UserWarning, match="takes 1,"), store.unit_of_work() as uow:
            uow.customers.add(customer(metadata={"x": "x" * 1_100_000}))
        with store.reader() as billing:
            assert 1_100_000 == len(billing.customers.find()[0].metadata["x"])

    def test_unique_keys(self, store: BillingStore) -> None:
        """DuplicateKey names the fields, never the values; nothing of the unit is kept."""
        save(store, customer("ada@example.org"))
        with pytest.raises(DuplicateKey, match="this email") as error:
            save(store, customer("bob@example.org"), customer(" ADA@example.org", name="other"))

        assert ("Customer", ("email",)) == (error.value.entity, error.value.fields)
        assert "ada@" not in str(error.value)
        with store.reader() as billing:
            assert ["ada@example.org"] == emails(billing.customers.find())

    def test_a_sparse_unique_key_leaves_out_who_has_none(self, store: BillingStore) -> None:
        """Many may have no nickname; two may not have the same one."""
        save(store, customer("a@example.org"), customer("b@example.org"), customer("c@example.org", nickname="n"))
        with pytest.raises(DuplicateKey, match="nickname"):
            save(store, customer("d@example.org", nickname="n"))

    def test_the_id_is_a_unique_key(self, store: BillingStore) -> None:
        """An id that is stored already is refused as a duplicate."""
        ada = customer()
        save(store, ada)
        with pytest.raises(DuplicateKey) as error:
            save(store, customer("b@example.org", id=ada.id))

        assert ("id",) == error.value.fields

    def test_an_entity_is_removed(self, store: BillingStore) -> None:
        """After the commit it is gone; its version is 0 again, so that it can be added anew."""
        ada = customer()
        save(store, ada)
        with store.unit_of_work() as uow:
            found = uow.customers.get(ada.id)
            uow.customers.remove(found)
            with pytest.raises(NotFound):
                uow.customers.get(ada.id)
            assert not uow.customers.exists()
        with store.reader() as billing:
            assert not billing.customers.exists()
        assert 0 == found.version
        save(store, found)

    def test_a_repository_refuses_entities_of_another_class(self, store: BillingStore) -> None:
        """What goes into a repository is of its class."""
        with store.unit_of_work() as uow, pytest.raises(InvalidQuery, match="keeps Invoice entities, not Customer"):
            uow.invoices.add(customer())  # type: ignore[arg-type]

    def test_a_stored_entity_is_attached_not_added(self, store: BillingStore) -> None:
        """add() of an entity that was stored before says what to do."""
        ada = customer()
        save(store, ada)
        with store.unit_of_work() as uow, pytest.raises(UnitOfWorkError, match="attach"):
            uow.customers.add(ada)

    def test_a_reader_refuses_writes_and_ends(self, store: BillingStore) -> None:
        """A reader does not write, and cannot be used after its block."""
        with store.reader() as billing, pytest.raises(UnitOfWorkError, match="does not write"):
            billing.customers.add(customer())  # type: ignore[attr-defined]
        with pytest.raises(UnitOfWorkClosed):
            billing.customers.count()

    def test_a_snapshot_reader_shows_one_moment(self, store: BillingStore) -> None:
        """All reads of a snapshot reader see the store as it was at the first one."""
        save(store, customer("a@example.org"))
        with store.reader(snapshot=True) as billing:
            before = billing.customers.count()
            save(store, customer("b@example.org"))
            after = billing.customers.count()
        with store.reader() as billing:
            now = billing.customers.count()

        assert (1, 1, 2) == (before, after, now)

    def test_a_stream_ends_with_its_reader(self, store: BillingStore) -> None:
        """U14: a cursor that outlives its reader refuses to go on; one that is closed early leaves nothing."""
        save(store, *(customer(f"u{n}@example.org") for n in range(5)))
        with store.reader() as billing:
            early = billing.customers.stream()
            next(early)
            early.close()  # type: ignore[attr-defined]
            late = billing.customers.stream(sort="email")
            first = next(late)
        with pytest.raises(UnitOfWorkClosed):
            next(late)

        assert "u0@example.org" == first.email

    def test_entities_compare_by_identity(self, store: BillingStore) -> None:
        """Two objects of one entity are equal whatever their values, and hash alike."""
        ada = customer()
        save(store, ada)
        with store.unit_of_work() as uow:
            found = uow.customers.get(ada.id)
            found.name = "other"

        assert ada == found
        assert 1 == len({ada, found})
        assert ada != customer()

    def test_get_with_a_version(self, store: BillingStore) -> None:
        """U12: get(id, version=) raises VersionConflict with both versions if the entity moved on."""
        ada = customer()
        save(store, ada)
        with store.unit_of_work() as uow:
            uow.customers.get(ada.id, version=1).name = "new"
        with store.unit_of_work() as uow, pytest.raises(VersionConflict) as error:
            uow.customers.get(ada.id, version=1)

        assert [(1, 2)] == [(one.expected, one.actual) for one in error.value.stale]
