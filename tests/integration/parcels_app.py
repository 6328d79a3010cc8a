"""An application with migrations, as ``tristore migrate --app`` finds it: where its store is, PARCELS_URL says."""

import os
from typing import Any

from contracts.parcels import PARCELS, ParcelUnitOfWork

from tristore import Store, open_store
from tristore.operations import Migrations, OneOff


def prefer_ada(store: Store[Any]) -> str:
    """Let parcels of Ada go first."""
    with store.bulk() as bulk:
        done = bulk.parcels.update_where(lambda p: p.first == "Ada", set={"priority": "high"})
    return f"{done.modified} parcels"


def migrations() -> Migrations:
    """The migrations of the store."""
    store = open_store(ParcelUnitOfWork, url=os.environ["PARCELS_URL"], documents=[PARCELS], prepare="create")
    return Migrations(store, [OneOff("2026-01-ada", "Parcels of Ada go first", prefer_ada)])


def opened(url: str) -> Store[Any]:
    """The store at a URL."""
    return open_store(ParcelUnitOfWork, url=url, documents=[PARCELS], prepare="create")


def not_migrations() -> int:
    """Something else."""
    return 7
