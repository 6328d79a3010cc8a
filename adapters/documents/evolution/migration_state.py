"""What a store remembers of its migrations, and when one of them is complete."""

from collections.abc import Callable, Iterable, Mapping

from ....domain.entities.bounds import Comparator
from ....domain.queries.query import Query
from ....domain.rules.predicates import AnyOf, Compare, OneOf, Predicate
from ...backend import CollectionDeclaration, Document, Update, WritePlan
from ..values.keys import ID_KEY
from ..values.own_records import owned_id
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


def schema_record(store: str, collection: str) -> str:
    """The id of the record of what a store has migrated of a collection."""
    return owned_id("schema", store, collection)


def unnamed_schema_record(collection: str) -> str:
    """The id of that record from before it carried the name of its store."""
    return f"schema:{collection}"


def wanted(*ids: str) -> Query:
    """Ask for records."""
    return Query(OneOf((ID_KEY,), ids))


def about(collection: str) -> Predicate:
    """What holds of the records of a collection's migrations, whichever store wrote them.

    Which versions are stored is a fact about the collection: two stores that have one and the same share it.
    """
    named = Compare(("collection",), Comparator.EQ, collection)
    return AnyOf((named, Compare((ID_KEY,), Comparator.EQ, unnamed_schema_record(collection))))


def is_complete(chain: SchemaChain, collection: str, find: Find) -> bool:
    """Whether no document of an older version is stored: a runner has recorded it, or none is found.

    Args:
        chain: the steps of the collection.
        collection: its name, with the database where it is another one.
        find: reads where the answer is to hold, as in the snapshot of a unit.
    """
    for record in find(COLLECTION, Query(about(collection))):
        if record.get("complete") is True and record.get("version", 0) >= chain.current:
            return True
    return not find(collection, Query(chain.older(), limit=1, select=((ID_KEY,),)))


def reopen(chains: Mapping[str, SchemaChain], find: Find, write: Callable[[WritePlan], object]) -> None:
    """Take back that a migration is complete, where code of an older version is at work again, and writes its form.

    Args:
        chains: of each collection.
        find: reads records.
        write: carries out a plan.
    """
    if chains:
        found = find(COLLECTION, Query(AnyOf(tuple(map(about, chains)))))
        newer = [one for one in found if one.get("version", 0) > chains[_collection_of(one)].current]
        take_back(newer, write)


def take_back(records: Iterable[Document], write: Callable[[WritePlan], object]) -> None:
    """Let records no longer say that a migration is complete."""
    for record in records:
        if record.get("complete") is True:
            write(WritePlan(COLLECTION, FENCE, updates=[Update(record[ID_KEY], record[FENCE], {"complete": False})]))


def _collection_of(record: Document) -> str:
    return str(record.get("collection") or record[ID_KEY].removeprefix("schema:"))
