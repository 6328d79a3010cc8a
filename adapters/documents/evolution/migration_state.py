"""What a store remembers of its migrations, and when one of them is complete."""

from collections.abc import Callable, Mapping
from typing import Any

from ....domain.entities.bounds import Comparator
from ....domain.queries.query import Query
from ....domain.rules.predicates import Compare, OneOf
from ...backend import CollectionDeclaration, Document, Update, WritePlan
from ..values.keys import ID_KEY
from .schema_chain import SchemaChain

COLLECTION = "tristore_migrations"
"""The collection of leases, checkpoints and recorded steps; every store has one."""

FENCE = "fence"
"""The key of the fence of the runner that wrote a record last; every write asks for it."""

Find = Callable[[str, Query], list[Document]]
"""Reads what a query meets in a collection."""


def declaration() -> CollectionDeclaration:
    """The collection."""
    return CollectionDeclaration(COLLECTION, authoritative=True)


def schema_record(collection: str) -> str:
    """The id of the record of a collection's schema migration."""
    return f"schema:{collection}"


def wanted(id: str) -> Query:
    """Ask for a record."""
    return Query(Compare((ID_KEY,), Comparator.EQ, id), limit=1)


def is_complete(chain: SchemaChain, collection: str, find: Find) -> bool:
    """Whether no document of an older version is stored: a runner has recorded it, or none is found.

    Args:
        chain: the steps of the collection.
        collection: its name, with the database where it is another one.
        find: reads where the answer is to hold, as in the snapshot of a unit.
    """
    record: list[dict[str, Any]] = find(COLLECTION, wanted(schema_record(collection)))
    if record and record[0].get("complete") is True and record[0].get("version", 0) >= chain.current:
        return True
    return not find(collection, Query(chain.older(), limit=1, select=((ID_KEY,),)))


def reopen(chains: Mapping[str, SchemaChain], find: Find, write: Callable[[WritePlan], object]) -> None:
    """Take back that a migration is complete, where code of an older version is at work again, and writes its form.

    Args:
        chains: of each collection.
        find: reads records.
        write: carries out a plan.
    """
    ids = {schema_record(collection): chain for collection, chain in chains.items()}
    for record in find(COLLECTION, Query(OneOf((ID_KEY,), tuple(ids)))):
        if record.get("complete") is True and record.get("version", 0) > ids[record[ID_KEY]].current:
            write(WritePlan(COLLECTION, FENCE, updates=[Update(record[ID_KEY], record[FENCE], {"complete": False})]))
