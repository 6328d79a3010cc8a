"""What both type checkers must refuse: each line that ends in the marker, and no other."""

from datetime import datetime
from decimal import Decimal
from typing import NewType

from attrs import define, field

from tristore import Entity, Id, Repository, Store, Stores, UnitOfWork, contains, not_, one_of, some, where
from tristore.domain.analytics import AnalyticsUnitOfWork
from tristore.domain.core import CoreUnitOfWork, ProjectId, User, UserId

InvoiceId = NewType("InvoiceId", Id)


@define(kw_only=True)
class Invoice(Entity[InvoiceId]):
    """An entity of a user's own."""

    number: str
    total: Decimal = Decimal(0)
    paid_at: datetime | None = None
    tags: list[str] = field(factory=list[str])


class InvoiceRepository(Repository[Invoice, InvoiceId]):
    """The invoices."""


class BillingUnitOfWork(UnitOfWork):
    """The unit of work."""

    invoices: InvoiceRepository


RICH = where(User, lambda u: u.credits >= 100)


def wrong_fields(core: CoreUnitOfWork) -> None:
    """A field that the entity does not have."""
    core.users.find(lambda u: u.credit_balance >= 10)  # refused
    where(Invoice, lambda i: i.nummber == "1")  # refused
    core.users.first().username  # refused
    Invoice(number="1", totl=Decimal(1))  # refused
    Invoice(total=Decimal(1))  # refused


def wrong_values(core: CoreUnitOfWork, paid_at: datetime) -> None:
    """A value that a field of this type never has."""
    core.users.find(lambda u: u.credits >= "10")  # refused
    core.users.find(lambda u: u.credits == "10")  # refused
    core.users.find(lambda u: u.status == "active")  # refused
    core.users.find(lambda u: one_of(u.credits, ["1"]))  # refused
    core.users.find(lambda u: contains(u.username, "a"))  # refused
    where(Invoice, lambda i: contains(i.tags, 3))  # refused
    core.users.find(lambda u: u.username.startswith(3))  # refused
    core.users.find(lambda u: some(u.last_login) >= 3)  # refused
    Invoice(number=1)  # refused
    Invoice(number="1").paid_at = "yesterday"  # refused


def wrong_ids(core: CoreUnitOfWork, user_id: UserId, project_id: ProjectId, text: str) -> None:
    """The id of another entity, or text that nobody looked at."""
    core.users.get(project_id)  # refused
    core.projects.get(user_id)  # refused
    core.users.get(text)  # refused
    core.users.get(user_id).organization_id = project_id  # refused
    Invoice(id=user_id, number="1")  # refused


def optional_fields(core: CoreUnitOfWork, cutoff: datetime) -> None:
    """What may be None is compared through some()."""
    core.users.find(lambda u: u.last_login >= cutoff)  # refused
    core.users.find(lambda u: u.nickname.startswith("a"))  # refused


def wrong_rules(core: CoreUnitOfWork) -> None:
    """A rule gives a condition, over the entity that the repository keeps."""
    core.users.find(lambda u: u.username)  # refused
    core.users.find(lambda u: not_(u.username))  # refused
    core.projects.find(RICH)  # refused
    RICH & where(Invoice)  # refused
    RICH.is_satisfied_by(Invoice(number="1"))  # refused
    core.users.find(sort=3)  # refused
    core.users.page(limit="20")  # refused


def wrong_entities(core: CoreUnitOfWork) -> None:
    """A repository keeps entities of one class."""
    core.users.add(Invoice(number="1"))  # refused
    core.users.remove("ada")  # refused
    core.users.add_many([Invoice(number="1")])  # refused
    core.users.update_where(lambda u: u.usernam == "ada", set={"credits": 1})  # refused
    core.invoices.count()  # refused


def writes_on_a_reader(stores: Stores, ada: User) -> None:
    """A reader knows no writes."""
    with stores.core.reader() as core:
        core.users.add(ada)  # refused
        core.users.remove(ada)  # refused
        core.users.attach(ada)  # refused
        core.users.add_many([ada])  # refused
        core.users.update_where(None)  # refused
        core.flush()  # refused
        core.commit()  # refused


def wrong_stores(stores: Stores, billing: Store[BillingUnitOfWork]) -> None:
    """What is run in a store takes the unit of work of that store."""

    def record(analytics: AnalyticsUnitOfWork) -> int:
        return analytics.metrics.count()

    stores.analytics.run(record)
    stores.core.run(record)  # refused
    billing.run(record)  # refused
    stores.core.transactional(record)  # refused
    other: Store[CoreUnitOfWork] = billing  # refused
    other.close()
    text: str = stores.analytics.run(record)  # refused
    text.strip()
