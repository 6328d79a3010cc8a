"""A small domain of a user's own, on which the contracts are tried: customers and their invoices."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Any, NewType

from attrs import define, field, frozen

from tristore import (
    Change,
    Documents,
    Entity,
    Event,
    Id,
    Index,
    Reader,
    ReadRepository,
    Repository,
    Unique,
    UnitOfWork,
    is_none,
)
from tristore.fields import at_least, to_email

CustomerId = NewType("CustomerId", Id)
InvoiceId = NewType("InvoiceId", Id)


class Status(Enum):
    """Where a customer stands."""

    ACTIVE = "active"
    BLOCKED = "blocked"


@frozen(kw_only=True)
class CustomerMoved(Event):
    """A customer has a new address."""

    city: str


@define
class Address:
    """A nested value."""

    city: str
    zip_code: str | None = None


@define(kw_only=True)
class Customer(Entity[CustomerId]):
    """Whom we bill: a field of every sort."""

    email: str = field(converter=to_email)
    name: str
    nickname: str | None = None
    status: Status = Status.ACTIVE
    credits: int = field(default=0, validator=at_least(0))
    score: float = 0.0
    balance: Decimal = Decimal(0)
    is_trusted: bool = False
    joined_at: datetime | None = None
    referred_by: CustomerId | None = None
    address: Address | None = None
    tags: list[str] = field(factory=list)
    metadata: dict[str, Any] = field(factory=dict)
    photo: bytes | None = None

    @property
    def is_active(self) -> bool:
        """Whether the customer may order."""
        return self.status == Status.ACTIVE

    def move(self, city: str) -> None:
        """Change the address, and say so."""
        self.address = Address(city)
        self.record(CustomerMoved(city=city))


class CustomerQueries(ReadRepository[Customer, CustomerId]):
    """Named queries over customers."""

    def rich(self, least: int) -> Sequence[Customer]:
        """Those with at least so many credits, the richest first."""
        return self.find(lambda c: c.credits >= least, sort=("-credits", "id"))


class CustomerRepository(CustomerQueries, Repository[Customer, CustomerId]):
    """Customers; removing one removes the invoices."""

    unique = (Unique("email"), Unique("nickname", sparse=True))

    def before_remove(self, entity: Customer, uow: "BillingUnitOfWork") -> None:
        """Remove the invoices of the customer too."""
        for invoice in uow.invoices.find(lambda i: i.customer_id == entity.id):
            uow.invoices.remove(invoice)


@define(kw_only=True)
class Invoice(Entity[InvoiceId]):
    """What a customer owes."""

    number: str
    customer_id: CustomerId
    total: Decimal = Decimal(0)
    paid_at: datetime | None = None
    slug: str = ""
    saved_fields: list[str] = field(factory=list)


class InvoiceQueries(ReadRepository[Invoice, InvoiceId]):
    """Named queries over invoices."""

    def unpaid(self) -> Sequence[Invoice]:
        """Those without a payment, the oldest first."""
        return self.find(lambda i: is_none(i.paid_at), sort="created_at")


class InvoiceRepository(InvoiceQueries, Repository[Invoice, InvoiceId]):
    """Invoices; each save notes what was modified."""

    unique = (Unique("number"),)

    def before_save(self, entity: Invoice, change: Change, uow: UnitOfWork[Any]) -> None:
        """Keep a slug of the number, and what was modified."""
        if not entity.number:
            raise RuntimeError("an invoice needs a number")
        entity.slug = f"invoice-{entity.number}"
        entity.saved_fields = ["new"] if change.is_new else sorted(change.fields)


class BillingReader(Reader):
    """Reading."""

    customers: CustomerQueries
    invoices: InvoiceQueries


class BillingUnitOfWork(UnitOfWork[BillingReader]):
    """Writing."""

    customers: CustomerRepository
    invoices: InvoiceRepository


DOCUMENTS = (
    Documents(CustomerRepository, collection="customers", indexes=(Index("status", "-credits"),)),
    Documents(
        InvoiceRepository, collection="invoices", indexes=(Index("customer_id"), Index("paid_at", "-created_at"))
    ),
)


def customer(email: str = "ada@example.org", **values: Any) -> Customer:
    """A customer with what a test does not care about."""
    return Customer(email=email, name=values.pop("name", email.partition("@")[0]), **values)
