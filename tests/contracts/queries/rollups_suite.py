"""Rollups through repositories, on every backend."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from attrs import field, frozen

from tristore import (
    DocumentStore,
    InvalidQuery,
    ValidationError,
    average,
    bucket,
    count,
    distinct_count,
    largest,
    one_of,
    smallest,
    total,
)
from tristore.adapters.backend import Document, WritePlan
from tristore.errors import TooManyResults, UnitOfWorkFailed
from tristore.fields import at_least

from ..billing import Address, BillingUnitOfWork, Customer, CustomerId, Invoice, Status, customer
from ..stores import BillingContract

BillingStore = DocumentStore[BillingUnitOfWork]
MARCH = datetime(2026, 3, 28, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@frozen
class ByStatus:
    """Figures of every sort, by an enum and an optional text."""

    status: Status
    nickname: str | None
    customers: int
    credits: int
    mean_credits: float
    best: float
    poorest: Decimal
    owed: Decimal
    mean_owed: Decimal
    names: int
    first_joined: datetime | None
    referrer: CustomerId | None


@frozen
class Tally:
    """One text and a number."""

    key: str | None
    n: int = field(validator=at_least(0))


@frozen
class Day:
    """The customers of a day."""

    day: datetime | None
    n: int


@frozen
class Whole:
    """Everything together."""

    n: int
    credits: int
    names: int
    mean: float | None
    least: int | None
    owed: Decimal


def by_status(uow: Any, rule: Any = None, **options: Any) -> list[ByStatus]:
    """The rollup of all sorts of figures."""
    found = uow.customers.rollup(
        ByStatus,
        rule,
        by=lambda c: {"status": c.status, "nickname": c.nickname},
        values=lambda c: {
            "customers": count(),
            "credits": total(c.credits),
            "mean_credits": average(c.credits),
            "best": largest(c.score),
            "poorest": smallest(c.balance),
            "owed": total(c.balance),
            "mean_owed": average(c.balance),
            "names": distinct_count(c.name),
            "first_joined": smallest(c.joined_at),
            "referrer": largest(c.referred_by),
        },
        **options,
    )
    return [*found]


def tallies(uow: Any, rule: Any = None, *, sort: Any = (), limit: int | None = None) -> list[tuple[str | None, int]]:
    """How many customers have each name."""
    found = uow.customers.rollup(
        Tally, rule, by=lambda c: {"key": c.name}, values=lambda c: {"n": count()}, sort=sort, limit=limit
    )
    return [(row.key, row.n) for row in found]


def whole(uow: Any, rule: Any = None) -> Whole:
    """The one row of a rollup without groups."""
    (found,) = uow.customers.rollup(
        Whole,
        rule,
        values=lambda c: {
            "n": count(),
            "credits": total(c.credits),
            "names": distinct_count(c.name),
            "mean": average(c.score),
            "least": smallest(c.credits),
            "owed": total(c.balance),
        },
    )
    assert isinstance(found, Whole)
    return found


def write(store: BillingStore, *documents: Document) -> None:
    """Store documents as another program would."""
    plan = WritePlan("customers", "version", inserts=documents)
    store.backend.write(plan, transaction=None, timeout=5.0)


def save(store: BillingStore, *customers: Customer) -> None:
    """Store customers in one unit."""
    with store.unit_of_work() as uow:
        for one in customers:
            uow.customers.add(one)


def named(*names: str, **values: Any) -> list[Customer]:
    """Customers with these names."""
    return [customer(f"{number}@example.org", name=name, **values) for number, name in enumerate(names)]


UNKNOWN_UNIT: Any = "days"
REFUSED: dict[str, tuple[Callable[[Any], Any], str]] = {
    "unknown field": (lambda r: r(Tally, by=lambda c: {"key": c.nam}, values=_n), "did you mean 'name'"),
    "unknown name": (lambda r: r(Tally, by=lambda c: {"kez": c.name}, values=_n), "Tally has no field 'kez'.*'key'"),
    "name left out": (lambda r: r(Tally, by=lambda c: {"key": c.name}), "names n of Tally"),
    "nothing named": (lambda r: r(Tally), "names key, n of Tally"),
    "name of both": (lambda r: r(Tally, by=lambda c: {"key": c.name}, values=lambda c: {"key": count()}), "key stands"),
    "figure in by": (lambda r: r(Tally, by=lambda c: {"key": count()}, values=_n), "count.. stands in values"),
    "field in values": (lambda r: r(Tally, by=_key, values=lambda c: {"n": c.credits}), "n is no figure"),
    "number in values": (lambda r: r(Tally, by=_key, values=lambda c: {"n": 1}), "n is no figure"),
    "constant in by": (lambda r: r(Tally, by=lambda c: {"key": "x"}, values=_n), "takes a field of the entity"),
    "property in by": (lambda r: r(Tally, by=lambda c: {"key": c.is_active}, values=_n), "takes a field"),
    "list": (lambda r: r(Tally, by=lambda c: {"key": c.tags}, values=_n), "tags is list.*holds one value"),
    "dictionary": (lambda r: r(Tally, by=lambda c: {"key": c.metadata}, values=_n), "metadata is dict"),
    "nested value": (lambda r: r(Tally, by=lambda c: {"key": c.address}, values=_n), "name a field of what is nested"),
    "list counted": (lambda r: r(Tally, by=_key, values=lambda c: {"n": distinct_count(c.tags)}), "tags is list"),
    "total of text": (lambda r: r(Tally, by=_key, values=lambda c: {"n": total(c.name)}), "name is str: total.. takes"),
    "total of a bool": (lambda r: r(Tally, by=_key, values=lambda c: {"n": total(c.is_trusted)}), "is bool: total"),
    "wrong type of key": (lambda r: r(Tally, by=lambda c: {"key": c.status}, values=_n), "key is str.*are Status"),
    "id as text": (lambda r: r(Tally, by=lambda c: {"key": c.id}, values=_n), "key is str.*values are CustomerId"),
    "wrong type of mean": (lambda r: r(Tally, by=_key, values=lambda c: {"n": average(c.credits)}), "values are float"),
    "wrong type of total": (lambda r: r(Tally, by=_key, values=lambda c: {"n": total(c.score)}), "values are float"),
    "optional": (
        lambda r: r(ByStatus, by=lambda c: {"status": c.status}, values=lambda c: {"names": smallest(c.nickname)}),
        "names nickname",
    ),
    "optional mean": (
        lambda r: r(Mean, values=lambda c: {"mean": average(c.score)}),
        "Mean.mean must be float | None: without by there may be nothing",
    ),
    "optional key": (
        lambda r: r(Mean, by=lambda c: {"mean": c.metadata["x"]}),
        "Mean.mean must be float | None: metadata.x may be None",
    ),
    "bucket of text": (lambda r: r(Day, by=lambda c: {"day": bucket(c.name, "day")}, values=_n), "takes a date"),
    "bucket of no unit": (
        lambda r: r(Day, by=lambda c: {"day": bucket(c.joined_at, UNKNOWN_UNIT)}, values=_n),
        "one of year",
    ),
    "bucket of no zone": (
        lambda r: r(Day, by=lambda c: {"day": bucket(c.joined_at, "day", "Europe/Berln")}, values=_n),
        "no time zone 'Europe/Berln'; did you mean 'Europe/Berlin'",
    ),
    "no class": (lambda r: r("Tally", by=_key, values=_n), "and str is none"),
    "no attrs class": (lambda r: r(int, by=_key, values=_n), "and int is none"),
    "no lambda": (lambda r: r(Tally, by={"key": "name"}, values=_n), "by takes a lambda"),
    "no parameter": (lambda r: r(Tally, by=lambda: {"key": "x"}, values=_n), "by takes a lambda with one parameter"),
    "no dictionary": (lambda r: r(Tally, by=lambda c: c.name, values=_n), "by gives a dictionary"),
    "unknown sort": (lambda r: r(Tally, by=_key, values=_n, sort="-m"), "Tally has no field 'm'"),
    "sort twice": (lambda r: r(Tally, by=_key, values=_n, sort=("n", "-n")), "each field once"),
    "no sort": (lambda r: r(Tally, by=_key, values=_n, sort=3), "sort takes a name"),
    "limit": (lambda r: r(Tally, by=_key, values=_n, limit=0), "limit must be"),
    "word of Python": (lambda r: r(Tally, by=lambda c: {"key": c.name or c.email}, values=_n), "or cannot be captured"),
    "arithmetic": (lambda r: r(Tally, by=_key, values=lambda c: {"n": count() + 1}), "cannot be captured"),
}


@frozen
class Mean:
    """A number that is always there."""

    mean: float


def _key(c: Customer) -> dict[str, object]:
    return {"key": c.name}


def _n(c: Customer) -> dict[str, object]:
    return {"n": count()}


class RollupsContract(BillingContract):
    """Groups and figures with the types of the view."""

    def test_figures_of_groups(self, store: BillingStore) -> None:
        """Rows have the types of the view: enums, ids, Decimal, aware dates; None is a group of its own."""
        ada = customer("ada@example.org", credits=10, score=1.5, balance=Decimal("0.10"), joined_at=MARCH)
        bob = customer("bob@example.org", credits=5, score=2.5, balance=Decimal("-3"), joined_at=MARCH + HOUR)
        cid = customer("cid@example.org", status=Status.BLOCKED, nickname="c", name="ada", referred_by=ada.id)
        save(store, ada, bob, cid)

        with store.reader() as reader:
            found = by_status(reader)

        assert [
            ByStatus(
                *(Status.ACTIVE, None, 2, 15, 7.5, 2.5, Decimal("-3"), Decimal("-2.90"), Decimal("-1.45"), 2),
                *(MARCH, None),
            ),
            ByStatus(*(Status.BLOCKED, "c", 1, 0, 0.0, 0.0, Decimal(0), Decimal(0), Decimal(0), 1), None, ada.id),
        ] == found
        assert [(Decimal, UTC)] == [(type(found[0].owed), found[0].first_joined and found[0].first_joined.tzinfo)]

    def test_rules(self, store: BillingStore) -> None:
        """A rule says which entities are in the groups; groups without any are not there."""
        save(store, *named("ada", "ada", "bob", "cid"))

        with store.reader() as reader:
            assert [("ada", 2), ("cid", 1)] == tallies(reader, lambda c: one_of(c.name, ["ada", "cid"]))
            assert [] == tallies(reader, lambda c: c.credits > 0)

    def test_sort_and_limit(self, store: BillingStore) -> None:
        """Rows are in the order of the names in sort, then of the groups; the limit cuts that order."""
        save(store, *named("d", "b", "c", "b", "a", "c"))

        with store.reader() as reader:
            assert [("a", 1), ("b", 2), ("c", 2), ("d", 1)] == tallies(reader)
            assert [("b", 2), ("c", 2), ("a", 1)] == tallies(reader, sort="-n", limit=3)
            assert [("d", 1), ("a", 1), ("c", 2), ("b", 2)] == tallies(reader, sort=["n", "-key"])

    def test_everything_is_one_group(self, store: BillingStore) -> None:
        """Without by there is one row, of nothing too: counts and totals are 0, the others None."""
        with store.reader() as reader:
            assert Whole(0, 0, 0, None, None, Decimal(0)) == whole(reader)

        save(store, *named("ada", "bob", "bob", credits=2, score=1.5, balance=Decimal("0.5")))

        with store.reader() as reader:
            assert Whole(3, 6, 2, 1.5, 2, Decimal("1.5")) == whole(reader)
            assert Whole(0, 0, 0, None, None, Decimal(0)) == whole(reader, lambda c: c.credits > 2)

    def test_days_of_a_zone(self, store: BillingStore) -> None:
        """A bucket is a day of the zone: the one on which summer time begins has 23 hours."""
        save(store, *(customer(f"{n}@example.org", joined_at=MARCH + n * HOUR) for n in range(48)), customer())

        with store.reader() as reader:
            found = reader.customers.rollup(
                Day, by=lambda c: {"day": bucket(c.joined_at, "day", zone="Europe/Berlin")}, values=_n
            )

        midnights = [datetime(2026, 3, day, hour, tzinfo=UTC) for day, hour in ((27, 23), (28, 23), (29, 22))]
        assert [Day(None, 1), *map(Day, midnights, (11, 23, 14))] == [*found]

    def test_nested_fields_and_keys(self, store: BillingStore) -> None:
        """Fields of nested values and keys of dictionaries are grouped and added up like others."""
        save(
            store,
            customer("a@example.org", address=Address("Rome"), metadata={"plan": "free", "seats": 2}),
            customer("b@example.org", address=Address("Rome"), metadata={"plan": "free", "seats": 0.5}),
            customer("c@example.org", metadata={"plan": "paid"}),
        )

        with store.reader() as reader:
            cities = reader.customers.rollup(
                Tally,
                by=lambda c: {"key": c.address.city},  # type: ignore[union-attr] # the suite asks for what may be None
                values=_n,
            )
            seats = reader.customers.rollup(
                Seats, by=lambda c: {"plan": c.metadata["plan"]}, values=lambda c: {"seats": total(c.metadata["seats"])}
            )

        assert [Tally(None, 1), Tally("Rome", 2)] == [*cities]
        assert [Seats("free", 2.5), Seats("paid", 0)] == [*seats]

    def test_a_unit_sees_its_own_changes(self, store: BillingStore) -> None:
        """A rollup first writes what is pending, reads the unit's snapshot, and tracks nothing."""
        save(store, *named("ada", "bob"))

        with store.unit_of_work() as uow:
            (ada,) = uow.customers.find(lambda c: c.name == "ada")
            ada.name = "bob"
            uow.customers.add(customer())
            seen = tallies(uow)
            uow.rollback()

        assert [("ada", 1), ("bob", 2)] == seen
        with store.reader(snapshot=True) as reader:
            before = tallies(reader)
            save(store, customer())
            assert [("ada", 1), ("bob", 1)] == before == tallies(reader)

    def test_a_rollup_is_never_cut_silently(self, store: BillingStore) -> None:
        """1,000 groups come back, 1,001 raise TooManyResults; a limit goes on."""
        save(store, *named(*map(str, range(1_000))))
        with store.reader() as reader:
            assert 1_000 == len(tallies(reader))

        save(store, customer())
        with store.reader() as reader:
            with pytest.raises(TooManyResults, match=r"1,000 Tally.*group more coarsely"):
                tallies(reader)
            assert 1_001 == len(tallies(reader, limit=2_000))

    @pytest.mark.parametrize("case", REFUSED)
    def test_what_cannot_be_asked(self, store: BillingStore, case: str) -> None:
        """What cannot be asked is refused at once, saying why; a unit goes on."""
        asked, words = REFUSED[case]
        with store.unit_of_work() as uow:
            with pytest.raises(InvalidQuery, match=words):
                asked(uow.customers.rollup)
            assert 0 == uow.customers.count()

    def test_foreign_documents(self, store: BillingStore) -> None:
        """Documents of another program: what is missing needs a view that allows None, other types are left out."""
        foreign: list[Document] = [{"status": "active", "credits": 2.0}, {"credits": "many"}, {}]
        write(store, *({"_id": n, "email": f"{n}", **one} for n, one in enumerate(foreign)))
        by: Any = lambda c: {"status": c.status}  # noqa: E731 - used twice
        values: Any = lambda c: {"credits": total(c.credits)}  # noqa: E731

        with store.reader() as reader:
            with pytest.raises(ValidationError, match=r"StatusCredits.*status.*let it be None"):
                reader.customers.rollup(StatusCredits, by=by, values=values)
            found = reader.customers.rollup(MaybeStatusCredits, by=by, values=values)

        assert [MaybeStatusCredits(None, 0), MaybeStatusCredits(Status.ACTIVE, 2)] == [*found]

    def test_totals_beyond_64_bits(self, store: BillingStore) -> None:
        """A total that stores cannot add up exactly is no int; as a float it is near."""
        save(store, *named("a", "b", credits=2**63 - 1))

        with store.reader() as reader:
            with pytest.raises(ValidationError, match=r"credits.*64 bits.*make it a float"):
                whole(reader)
            (found,) = reader.customers.rollup(Mean, by=None, values=lambda c: {"mean": total(c.credits)})

        assert Mean(2.0**64) == found

    def test_values_that_do_not_fit(self, store: BillingStore) -> None:
        """A key without a type that holds what the view does not allow is a ValidationError that names the field."""
        save(store, customer(metadata={"plan": 3}))

        with store.reader() as reader, pytest.raises(ValidationError, match=r"Tally.*key"):
            reader.customers.rollup(Tally, by=lambda c: {"key": c.metadata["plan"]}, values=_n)

    def test_dates_that_are_none(self, store: BillingStore) -> None:
        """A stored value that is no date fails the rollup, and the unit with it."""
        write(store, {"_id": 1, "joinedAt": "2026-01-01"})

        with pytest.raises(ValidationError, match="joinedAt"), store.unit_of_work() as uow:
            with pytest.raises(ValidationError, match="joinedAt: a stored value is no date"):
                uow.customers.rollup(Day, by=lambda c: {"day": bucket(c.joined_at, "day")}, values=_n)
            with pytest.raises(UnitOfWorkFailed):
                uow.customers.count()

    def test_entities_of_other_collections(self, store: BillingStore) -> None:
        """Ids group by their own types, and properties of the entity work in the rule."""
        ada, bob = named("ada", "bob")
        with store.unit_of_work() as uow:
            for one in (ada, bob):
                uow.customers.add(one)
            for number, owner in enumerate((ada, bob, ada)):
                uow.invoices.add(Invoice(number=str(number), customer_id=owner.id, total=Decimal(number)))

        with store.reader() as reader:
            found = reader.invoices.rollup(
                Owed,
                lambda i: i.number != "9",
                by=lambda i: {"customer_id": i.customer_id},
                values=lambda i: {"owed": total(i.total)},
                sort="-owed",
            )

        assert [Owed(ada.id, Decimal(2)), Owed(bob.id, Decimal(1))] == [*found]


@frozen
class Seats:
    """A sum of values without a type."""

    plan: str | None
    seats: float


@frozen
class StatusCredits:
    """Credits by status."""

    status: Status
    credits: int


@frozen
class MaybeStatusCredits:
    """Credits by status, or without one."""

    status: Status | None
    credits: int


@frozen
class Owed:
    """What a customer owes."""

    customer_id: CustomerId
    owed: Decimal
