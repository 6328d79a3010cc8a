"""What both type checkers must accept in their strict mode: a user's own store, written as the documentation says."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Any, NewType, assert_type

from attrs import define, field, frozen

from tristore import (
    Attempt,
    BulkResult,
    Change,
    Documents,
    DocumentStore,
    Entity,
    Event,
    Id,
    Index,
    Page,
    Reader,
    ReadRepository,
    Repository,
    Specification,
    Store,
    Unique,
    UnitOfWork,
    contains,
    from_dict,
    is_none,
    not_,
    one_of,
    open_store,
    open_stores,
    some,
    to_dict,
    where,
)
from tristore.domain.core import CoreReader, CoreUnitOfWork, CreditTransfer, User, UserId, UserStatus
from tristore.domain.fields import text

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


class InvoiceRepository(InvoiceQueries, Repository[Invoice, InvoiceId]):
    """The invoices."""

    unique = (Unique("number"),)

    def before_save(self, entity: Invoice, change: Change, uow: UnitOfWork[Any]) -> None:
        """A hook sees what was modified."""
        assert_type(change.fields, frozenset[str])


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
        where(Invoice),
    ]
    assert_type(forms, list[Specification[Invoice]])
    combined = forms[0] & (forms[1] | not_(URGENT))
    assert_type(combined, Specification[Invoice])
    assert_type(combined.is_satisfied_by(Invoice(number="1", total=Decimal(1))), bool)
    return combined


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
