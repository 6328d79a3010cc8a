"""Stores and commands for the tests of indexes, validators and slow queries on a real server."""

from collections.abc import Sequence
from typing import Any

from click.testing import CliRunner, Result
from contracts.billing import DOCUMENTS, BillingUnitOfWork, Customer, CustomerRepository

from tristore import (
    Documents,
    DocumentStore,
    Entity,
    Index,
    Repository,
    Unique,
    UnitOfWork,
    open_store,
)
from tristore.__main__ import cli

BillingStore = DocumentStore[BillingUnitOfWork]

INVOICES = DOCUMENTS[1]


def customers(*indexes: Index, **options: Any) -> tuple[Documents, ...]:
    """The documents of the billing domain, with these indexes of customers."""
    return (Documents(CustomerRepository, collection="customers", indexes=indexes, **options), INVOICES)


def open_billing(url: str, documents: Sequence[Documents] = DOCUMENTS, **options: Any) -> BillingStore:
    """Open a billing store that checks nothing by itself."""
    return open_store(BillingUnitOfWork, url=url, documents=documents, prepare="off", name="billing", **options)


def tristore(*arguments: str) -> Result:
    """Run a command on a terminal of 100 columns, with no store in the environment."""
    stores = {f"TRISTORE_{name}_URL": "" for name in ("CORE", "ANALYTICS", "SYSTEMLOGS")}
    return CliRunner().invoke(cli, arguments, env={**stores, "COLUMNS": "100"})


def on_billing(*arguments: str, url: str) -> Result:
    """Run a command on the billing store at a URL."""
    return tristore(*arguments, "--app", "contracts.billing", "--url", url)


__all__ = [
    "INVOICES",
    "BillingStore",
    "Customer",
    "Entity",
    "Repository",
    "Unique",
    "UnitOfWork",
    "customers",
    "on_billing",
    "open_billing",
    "tristore",
]
