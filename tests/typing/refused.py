"""What both type checkers must refuse: each line that ends in the marker, and no other."""

from datetime import datetime
from decimal import Decimal
from typing import NewType

from attrs import define, field, frozen

from tristore import (
    Entity,
    Id,
    Repository,
    Store,
    UnitOfWork,
    any_of,
    average,
    between,
    bucket,
    cacheable,
    contains,
    contains_all,
    count,
    icontains,
    matches,
    not_,
    not_one_of,
    one_of,
    size,
    some,
    specification,
    total,
    where,
)
from tristore.three_stores import Stores
from tristore.domain.analytics import AnalyticsUnitOfWork
from tristore.domain.core import CoreUnitOfWork, Project, ProjectId, User, UserId

InvoiceId = NewType("InvoiceId", Id)


@define
class Line:
    """An item of an invoice."""

    article: str
    price: Decimal
    count: int | None = None


@define(kw_only=True)
class Invoice(Entity[InvoiceId]):
    """An entity of a user's own."""

    number: str
    total: Decimal = Decimal(0)
    paid_at: datetime | None = None
    tags: list[str] = field(factory=list[str])
    lines: list[Line] = field(factory=list[Line])


@define
class Named:
    """A view of a user."""

    username: str


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
    core.users.find(select=Named)[0].credits  # refused
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


def wrong_words(core: CoreUnitOfWork, paid_at: datetime) -> None:
    """A word of the language with what the field never has."""
    core.users.find(lambda u: between(u.credits, "1", "2"))  # refused
    core.users.find(lambda u: between(u.last_login, paid_at, 3))  # refused
    core.users.find(lambda u: not_one_of(u.credits, ["1"]))  # refused
    where(Invoice, lambda i: contains_all(i.tags, [3]))  # refused
    where(Invoice, lambda i: contains_all(i.number, ["1"]))  # refused
    where(Invoice, lambda i: any_of(i.lines, lambda o: o.prize > 3))  # refused
    where(Invoice, lambda i: any_of(i.lines, lambda o: o.price > "3"))  # refused
    where(Invoice, lambda i: any_of(i.lines, lambda o: o.count > 3))  # refused
    where(Invoice, lambda i: any_of(i.lines, lambda o: o.article))  # refused
    where(Invoice, lambda i: any_of(i.total, lambda o: o.price > 3))  # refused
    where(Invoice, lambda i: size(i.total) == 3)  # refused
    where(Invoice, lambda i: size(i.tags) > "3")  # refused
    where(Invoice, lambda i: size(i.tags))  # refused
    where(Invoice, lambda i: matches(i.total, "3"))  # refused
    where(Invoice, lambda i: icontains(i.number, 3))  # refused
    where(Invoice, lambda i: i.tags["a"] == "a")  # refused
    where(Invoice, lambda i: i.lines[0].prize == 3)  # refused


@specification
def dearer_than(invoice: Invoice, least: Decimal) -> bool:
    """A rule with parameters."""
    return invoice.total > least


def wrong_parameters(core: CoreUnitOfWork) -> None:
    """A specification is called with the parameters behind the entity, and is one over it."""
    dearer_than("3")  # refused
    dearer_than()  # refused
    dearer_than(Invoice(number="1"), Decimal(3))  # refused
    core.users.find(dearer_than(Decimal(3)))  # refused


def wrong_ids(core: CoreUnitOfWork, user_id: UserId, project_id: ProjectId, text: str) -> None:
    """The id of another entity, or text that nobody looked at."""
    core.users.get(project_id)  # refused
    core.projects.get(user_id)  # refused
    core.users.get(text)  # refused
    core.users.get_many([project_id])  # refused
    core.users.populate([text], lambda one: project_id)  # refused
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
    core.users.page(after=20)  # refused
    core.users.distinct(lambda u: u.creditz)  # refused


@frozen
class Tally:
    """A row."""

    name: str
    n: int


def wrong_rollups(core: CoreUnitOfWork) -> None:
    """A rollup takes fields of its entity, dates in buckets, numbers in sums, and gives rows of its view."""
    core.users.rollup(Tally, by=lambda u: {"name": u.usernam}, values=lambda u: {"n": count()})  # refused
    core.users.rollup(Tally, values=lambda u: {"n": total(u.username)})  # refused
    core.users.rollup(Tally, values=lambda u: {"n": average(u.status)})  # refused
    core.users.rollup(Tally, by=lambda u: {"name": bucket(u.username, "day")})  # refused
    core.users.rollup(Tally, by=lambda u: {"name": bucket(u.last_login, "days")})  # refused
    core.users.rollup(Tally, by=lambda u: u.username)  # refused
    core.users.rollup(Tally, values=lambda u: {"n": count()})[0].m  # refused
    core.users.aggregate_raw([])  # refused


class ProjectsByName(Repository[Project, ProjectId]):
    """A repository with a marked query."""

    @cacheable(ttl=5)
    def named(self, name: str) -> int:
        """How many bear a name."""
        return self.count(lambda p: p.name == name)


def wrong_caching(core: CoreUnitOfWork, projects: ProjectsByName, stores: Stores, ada: User) -> None:
    """The options of a cached read are named and have their types; what is read then is as without them."""
    core.users.cached(60)  # refused
    core.users.cached(ttl="60")  # refused
    core.users.cached(key=7)  # refused
    core.users.cached().by_emial("ada@example.org")  # refused
    core.users.cached().find(lambda u: u.creditz > 3)  # refused
    projects.named(3)  # refused
    projects.named("a").title()  # refused
    projects.cached().named()  # refused
    stores.core.cache_stats().total("hits")  # refused
    stores.observe_cache(ada)  # refused
    with stores.core.reader() as reader:
        reader.users.cached().add(ada)  # refused


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
