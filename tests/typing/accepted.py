"""What both type checkers must accept in their strict mode: a user's own store, written as the documentation says."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Any, NewType, assert_type

from attrs import define, field, frozen

from tristore import (
    Attempt,
    BulkResult,
    CacheSettings,
    Change,
    Documents,
    DocumentStore,
    Entity,
    Event,
    Id,
    Index,
    MongoRepository,
    Page,
    Reader,
    ReadRepository,
    Repository,
    Specification,
    Store,
    Unique,
    UnitOfWork,
    any_of,
    average,
    between,
    bucket,
    cache_disabled,
    cacheable,
    contains,
    contains_all,
    count,
    distinct_count,
    exists,
    from_dict,
    icontains,
    is_none,
    largest,
    matches,
    not_,
    not_one_of,
    one_of,
    open_store,
    open_stores,
    size,
    smallest,
    some,
    specification,
    to_dict,
    total,
    where,
)
from tristore.domain.core import CoreReader, CoreUnitOfWork, CreditTransfer, User, UserId, UserStatus
from tristore.fields import text
from tristore.operations import CacheObserver, CacheStats, Counted

InvoiceId = NewType("InvoiceId", Id)


class State(Enum):
    """Where an invoice stands."""

    OPEN = "open"
    SENT = "sent"


@define
class Address:
    """A nested value."""

    city: str
    street: str | None = None


@define
class Line:
    """An item of an invoice."""

    article: str
    price: Decimal
    count: int | None = None
    is_free: bool = False


@frozen(kw_only=True)
class InvoicePaid(Event):
    """The money came."""

    number: str


@define(kw_only=True)
class Invoice(Entity[InvoiceId]):
    """An entity of a user's own."""

    number: str = field(validator=text(max=40))
    total: Decimal
    state: State = State.OPEN
    paid_at: datetime | None = None
    address: Address | None = None
    tags: list[str] = field(factory=list[str])
    lines: list[Line] = field(factory=list[Line])
    old_lines: list[Line] | None = None
    weights: tuple[float | None, ...] = ()
    metadata: dict[str, Any] = field(factory=dict[str, Any])
    is_urgent: bool = False

    @property
    def is_open(self) -> bool:
        """Whether it can still be changed."""
        return self.state == State.OPEN


@define(kw_only=True)
class Country(Entity[str]):
    """An entity with an id of another type."""

    id: str = field()
    name: str


@define(kw_only=True)
class Note(Entity):
    """An entity whose id has no type of its own."""

    words: str = ""


class InvoiceQueries(ReadRepository[Invoice, InvoiceId]):
    """The named queries."""

    def unpaid(self) -> Sequence[Invoice]:
        """Those without a payment."""
        return self.find(lambda i: is_none(i.paid_at), sort="created_at")

    @cacheable(ttl=60, compress=True)
    def standing(self, state: State, *, limit: int = 20) -> Sequence[Invoice]:
        """Those in a state: a query with a mark."""
        return self.find(lambda i: i.state == state, limit=limit)


class InvoiceRepository(InvoiceQueries, Repository[Invoice, InvoiceId]):
    """The invoices."""

    unique = (Unique("number"),)

    def before_save(self, entity: Invoice, change: Change, uow: UnitOfWork[Any]) -> None:
        """A hook sees what was modified."""
        assert_type(change.fields, frozenset[str])

    def before_remove(self, entity: Invoice, uow: "BillingUnitOfWork") -> None:
        """A hook names the unit of its own store, and reaches its repositories."""
        assert_type(uow.invoices, InvoiceRepository)


class CountryRepository(Repository[Country, str]):
    """The countries."""


class NoteRepository(Repository[Note]):
    """The notes: the id has its default type."""


class BillingReader(Reader):
    """Reading."""

    invoices: InvoiceQueries


class BillingUnitOfWork(UnitOfWork[BillingReader]):
    """Writing."""

    invoices: InvoiceRepository
    countries: CountryRepository


class NotesUnitOfWork(UnitOfWork):
    """A unit that names no reader of its own."""

    notes: NoteRepository


INVOICES = Documents(InvoiceRepository, collection="invoices", indexes=(Index("paid_at", "-created_at"),))
COUNTRIES = Documents(CountryRepository, collection="countries", naming="snake_case")
NOTES = Documents(NoteRepository, collection="notes")

URGENT = where(Invoice, lambda i: i.is_urgent & not_(i.state == State.SENT))


def opened(url: str) -> Store[BillingUnitOfWork]:
    """A store is typed by its unit of work."""
    billing = open_store(BillingUnitOfWork, url=url, documents=[INVOICES, COUNTRIES])
    assert_type(billing, DocumentStore[BillingUnitOfWork])
    with billing.unit_of_work() as uow:
        assert_type(uow, BillingUnitOfWork)
        uow.invoices.add(Invoice(number="2026-001", total=Decimal("9.90")))
    with billing.reader() as reader:
        assert_type(reader, BillingReader)
    return billing


def reading(billing: Store[BillingUnitOfWork], id: InvoiceId) -> None:
    """A reader has the type that the unit of work names, and every query that of its result."""
    with billing.reader(snapshot=True) as reader:
        assert_type(reader, BillingReader)
        assert_type(reader.invoices, InvoiceQueries)
        assert_type(reader.invoices.get(id), Invoice)
        assert_type(reader.invoices.get(id, version=7).paid_at, datetime | None)
        assert_type(reader.invoices.unpaid(), Sequence[Invoice])
        assert_type(reader.invoices.find(lambda i: i.is_open, sort=("-total", "number"), limit=20), Sequence[Invoice])
        assert_type(reader.invoices.first(URGENT), Invoice | None)
        assert_type(reader.invoices.stream(), Iterator[Invoice])
        assert_type(reader.invoices.page(lambda i: i.is_urgent, page=2), Page[Invoice])
        assert_type(reader.invoices.page().items, tuple[Invoice, ...])
        assert_type(reader.invoices.count(URGENT), int)
        assert_type(reader.invoices.exists(lambda i: i.total > 0), bool)


@frozen
class InvoiceTotal:
    """A view of an invoice."""

    number: str
    total: Decimal


def views(billing: Store[BillingUnitOfWork]) -> None:
    """With select= every read gives objects of that class."""
    with billing.reader() as reader:
        invoices = reader.invoices
        assert_type(invoices.find(lambda i: i.is_open, sort="-total", select=InvoiceTotal), Sequence[InvoiceTotal])
        assert_type(invoices.first(URGENT, select=InvoiceTotal), InvoiceTotal | None)
        assert_type(invoices.stream(select=InvoiceTotal), Iterator[InvoiceTotal])
        page = invoices.page(lambda i: i.is_open, sort="-total", limit=50, select=InvoiceTotal)
        assert_type(page, Page[InvoiceTotal])
        assert_type(page.next_cursor, str | None)
        assert_type(page.total_count, int | None)
        following = invoices.page(lambda i: i.is_open, sort="-total", after=page.next_cursor, total=False)
        assert_type(following, Page[Invoice])
        assert_type(invoices.page(before=following.prev_cursor, select=InvoiceTotal).items, tuple[InvoiceTotal, ...])


class Metrics:
    """What hears of a cache needs no base class."""

    def counted(self, store: str, counted: Counted, seconds: float) -> None:
        """Something was counted."""
        print(store, counted.collection, counted.method, counted.outcome, counted.reason, seconds)


def caching(billing: Store[BillingUnitOfWork], id: InvoiceId) -> None:
    """With cached() a repository keeps its own type, for readers and for units; a mark changes no query."""
    with billing.reader() as reader:
        kept = reader.invoices.cached(ttl=60, key="of this page", compress=True)
        assert_type(kept, InvoiceQueries)
        assert_type(kept.unpaid(), Sequence[Invoice])
        assert_type(kept.get(id), Invoice)
        assert_type(kept.find(select=InvoiceTotal), Sequence[InvoiceTotal])
        assert_type(reader.invoices.standing(State.OPEN, limit=3), Sequence[Invoice])
        assert_type(kept.cached(ttl=5).standing(state=State.SENT), Sequence[Invoice])
    with billing.unit_of_work() as uow, cache_disabled():
        assert_type(uow.invoices.cached(), InvoiceRepository)
        assert_type(uow.invoices.standing(State.OPEN), Sequence[Invoice])
    settings = CacheSettings(url="redis://localhost", prefix="shop-live", strict=True, watch=True)
    own = open_store(BillingUnitOfWork, url="memory://", documents=[INVOICES, COUNTRIES], cache=settings)
    assert_type(own.cache_stats(), CacheStats)
    observer: CacheObserver = Metrics()
    own.observe_cache(observer)
    with open_stores(cache="memory://") as stores:
        stores.observe_cache(Metrics())
        stores.log_cache_stats()
        assert_type(stores.cache_stats(), Mapping[str, CacheStats])
        assert_type(stores.core.cache_stats().total("hit", collection="users", method="get"), int)


def several(billing: Store[BillingUnitOfWork], ids: list[InvoiceId]) -> None:
    """Several entities, the values of a field, and what entities refer to."""
    with billing.unit_of_work() as uow:
        assert_type(uow.invoices.get_many(ids), Sequence[Invoice])
        assert_type(uow.invoices.distinct(lambda i: i.state), Sequence[State])
        assert_type(uow.invoices.distinct(lambda i: i.paid_at, URGENT), Sequence[datetime])
        tags: Sequence[str] = uow.invoices.distinct(lambda i: i.tags)
        assert "late" not in tags
    with open_stores().core.reader() as core:
        projects = core.projects.find(limit=20)
        owners = core.users.populate(projects, lambda project: project.owner_id)
        assert_type(owners, Mapping[UserId, User])
        assert_type(core.users.populate(owners.values(), lambda user: [user.id]), Mapping[UserId, User])


def many(billing: Store[BillingUnitOfWork], new: Iterator[Invoice]) -> None:
    """Calls on many entities have the types of the unit of work, in it and outside."""
    with billing.bulk() as bulk:
        assert_type(bulk, BillingUnitOfWork)
        loaded = bulk.invoices.add_many(new, max_errors=10)
        assert_type(loaded, BulkResult[Invoice])
        assert_type(loaded.errors[0].entity.number, str)
        assert_type(bulk.invoices.bulk_update(bulk.invoices.stream()), BulkResult[Invoice])
    with billing.unit_of_work() as uow:
        changed = uow.invoices.update_where(
            lambda i: i.is_open, set={"state": State.SENT}, increment={"total": Decimal(1)}
        )
        assert_type(changed.matched, int)
        assert_type(uow.invoices.remove_where(URGENT).removed, int)
        assert_type(uow.invoices.upsert(Invoice(number="1", total=Decimal(1)), by=("number",)), Invoice)


def without_a_reader(notes: Store[NotesUnitOfWork], id: Id) -> str:
    """Where a unit names no reader, its readers have its own type."""
    with notes.reader() as reader:
        assert_type(reader, NotesUnitOfWork)
        return reader.notes.get(id).words


def other_ids(billing: Store[BillingUnitOfWork]) -> str:
    """The id of an entity may have another type."""
    with billing.unit_of_work() as uow:
        return uow.countries.get("NO").name


@specification
def dearer_than(invoice: Invoice, least: Decimal, *, late: bool = False) -> bool:
    """A rule with parameters."""
    return (invoice.total > least) & (contains(invoice.tags, "late") == late)


def rules(cutoff: datetime) -> Specification[Invoice]:
    """Every form of a rule."""
    forms = [
        where(Invoice, lambda i: (i.total >= Decimal(10)) & (i.number != "x")),
        where(Invoice, lambda i: (i.total < 10) | i.is_open),
        where(Invoice, lambda i: one_of(i.state, [State.OPEN, State.SENT])),
        where(Invoice, lambda i: one_of(i.number, {"1", "2"})),
        where(Invoice, lambda i: contains(i.tags, "late")),
        where(Invoice, lambda i: some(i.paid_at) >= cutoff),
        where(Invoice, lambda i: not_(is_none(i.paid_at))),
        where(Invoice, lambda i: some(i.address).city == "Oslo"),
        where(Invoice, lambda i: some(some(i.address).street).startswith("Karl")),
        where(Invoice, lambda i: i.number.endswith("-001")),
        where(Invoice, lambda i: i.metadata["plan"]["seats"] >= 3),
        where(Invoice, lambda i: between(i.total, Decimal(1), Decimal(2)) | between(i.paid_at, cutoff, cutoff)),
        where(Invoice, lambda i: between(i.metadata["seats"], 1, 3)),
        where(Invoice, lambda i: not_one_of(i.state, [State.OPEN]) & not_one_of(i.number, ["1"])),
        where(Invoice, lambda i: exists(i.metadata["plan"]) & exists(i.address)),
        where(Invoice, lambda i: contains_all(i.tags, ["late", "new"])),
        where(Invoice, lambda i: any_of(i.lines, lambda o: (o.price > 3) & (some(o.count) > 1))),
        where(Invoice, lambda i: any_of(i.old_lines, lambda o: o.is_free)),
        where(Invoice, lambda i: any_of(i.weights, lambda w: between(w, 0.5, 1))),
        where(Invoice, lambda i: any_of(i.tags, lambda t: t.startswith("x") & not_(matches(t, "^xx")))),
        where(Invoice, lambda i: (size(i.tags) >= 2) & (size(i.old_lines) == 0)),
        where(Invoice, lambda i: matches(some(i.address).street, r"^\d+") & icontains(i.number, "x")),
        where(Invoice, lambda i: (i.tags[0] == "a") & (i.lines[1].price < 3)),
        where(Invoice),
        dearer_than(Decimal(3), late=True),
    ]
    assert_type(forms, list[Specification[Invoice]])
    combined = forms[0] & (forms[1] | not_(URGENT))
    assert_type(combined, Specification[Invoice])
    assert_type(combined.is_satisfied_by(Invoice(number="1", total=Decimal(1))), bool)
    return combined


@frozen
class Turnover:
    """What a month brought."""

    month: datetime | None
    state: State
    invoices: int
    total: Decimal
    mean: Decimal
    first: datetime
    last: datetime | None
    numbers: int


class MongoInvoices(MongoRepository[Invoice, InvoiceId], InvoiceRepository):
    """The invoices, with what only MongoDB can tell of them."""

    def some_of_them(self) -> list[dict[str, Any]]:
        """A sample."""
        return self.aggregate_raw([{"$sample": {"size": 3}}])


def adding_up(billing: Store[BillingUnitOfWork]) -> None:
    """The rows of a rollup have the type of the view, and the words in it those of the fields."""
    with billing.reader() as reader:
        rows = reader.invoices.rollup(
            Turnover,
            lambda i: i.total > 0,
            by=lambda i: {"month": bucket(i.paid_at, "month", zone="Europe/Berlin"), "state": i.state},
            values=lambda i: {
                "invoices": count(),
                "total": total(i.total),
                "mean": average(i.total),
                "first": smallest(i.created_at),
                "last": largest(i.paid_at),
                "numbers": distinct_count(i.number),
            },
            sort=("-total", "month"),
            limit=10,
        )
        assert_type(rows, Sequence[Turnover])
        assert_type(rows[0].total, Decimal)


def running(billing: Store[BillingUnitOfWork], id: InvoiceId) -> None:
    """What is run has the type of its result."""

    def pay(uow: BillingUnitOfWork) -> Decimal:
        invoice = uow.invoices.get(id)
        invoice.record(InvoicePaid(number=invoice.number))
        return invoice.total

    assert_type(billing.run(pay, max_attempts=3), Decimal)
    assert_type(billing.run(lambda uow: uow.invoices.count()), int)
    for attempt in billing.attempts(deadline=1.0):
        assert_type(attempt, Attempt[BillingUnitOfWork])
        with attempt as uow:
            uow.lock(uow.invoices.get(id))
    billing.subscribe(InvoicePaid, lambda event: print(event.number))


def decorating(billing: Store[BillingUnitOfWork], id: InvoiceId) -> Decimal:
    """A transactional function keeps its other parameters."""

    @billing.transactional
    def raise_by(uow: BillingUnitOfWork, invoice_id: InvoiceId, *, amount: Decimal) -> Decimal:
        invoice = uow.invoices.get(invoice_id)
        invoice.total += amount
        return invoice.total

    return raise_by(id, amount=Decimal(1))


def the_three_stores(sender_id: UserId, receiver_id: UserId) -> None:
    """The shipped stores are made the same way."""
    stores = open_stores()

    def transfer(core: CoreUnitOfWork) -> None:
        sender, receiver = core.users.get(sender_id), core.users.get(receiver_id)
        sender.debit(10)
        receiver.credit(10)
        core.transfers.add(CreditTransfer(sender_id=sender_id, receiver_id=receiver_id, amount=10))

    assert_type(stores.core.run(transfer), None)
    with stores.core.reader() as core:
        assert_type(core, CoreReader)
        assert_type(core.users.by_email("ada@example.org"), User | None)
        core.users.find(lambda u: (u.status == UserStatus.ACTIVE) & (u.credits >= 100), sort="-created_at", limit=20)


def from_outside(body: dict[str, Any]) -> dict[str, Any]:
    """What is built from outside data has its class."""
    invoice = from_dict(Invoice, body)
    assert_type(invoice, Invoice)
    assert_type(invoice.id, InvoiceId)
    return to_dict(invoice)
