"""Parcels whose documents have come a long way: every sort of step, on which migrations are tried."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from attrs import define, field
from bson import ObjectId

from tristore import (
    Convert,
    Default,
    Documents,
    DocumentStore,
    Drop,
    Entity,
    Rename,
    Repository,
    SchemaStep,
    UnitOfWork,
    touches,
)
from tristore.adapters.backend import Query, SortKey, WritePlan

COLLECTION = "parcels"


@define
class Label:
    """A nested value."""

    city: str
    zip_code: str = ""


@define(kw_only=True)
class Parcel(Entity):
    """What is sent."""

    code: str
    weight: int = 0
    priority: str = "normal"
    first: str = ""
    last: str = ""
    label: Label | None = None
    notes: list[str] | None = None
    marks: list[str] = field(factory=list)


class ParcelRepository(Repository[Parcel]):
    """Parcels."""


class ParcelUnitOfWork(UnitOfWork):
    """Writing parcels."""

    parcels: ParcelRepository


@touches("name", "first", "last")
def split_name(document: dict[str, Any]) -> dict[str, Any]:
    """Make two keys of one."""
    document["first"], _, document["last"] = document.pop("name", "").partition(" ")
    return document


def grams(kilograms: str) -> int:
    """What versions before 4 wrote as text in kilograms."""
    return int(kilograms) * 1_000


def kilograms(grams: int) -> list[str]:
    """The only text that became so many grams."""
    return [str(grams // 1_000)] if grams % 1_000 == 0 else []


STEPS = (
    SchemaStep(2, Rename("number", "code"), Default("priority", "normal")),
    SchemaStep(3, Rename("zip", "label.zipCode"), Default("label.city", "?"), Drop("legacy")),
    SchemaStep(4, Convert("weight", grams, back=kilograms)),
    SchemaStep(5, split_name),
)
PARCELS = Documents(ParcelRepository, collection=COLLECTION, schema_version=5, steps=STEPS)
READS_AT_ONCE = Documents(ParcelRepository, collection=COLLECTION, schema_version=5, steps=STEPS, write_back="on_read")


def old(number: int, **values: Any) -> dict[str, Any]:
    """A document as the code of version 1 wrote it."""
    return {
        "_id": ObjectId(f"{number:024x}"),
        "number": f"P{number}",
        "weight": str(number % 5),
        "name": f"Ada L{number}",
        "zip": f"{number:05}",
        "legacy": {"any": number},
        "version": 1,
        "createdAt": datetime(2025, 1, 1),
        "updatedAt": datetime(2025, 1, 1),
        "schemaVersion": 1,
        "unknown": number,
    } | values


def migrated(number: int, version: int = 2, **values: Any) -> dict[str, Any]:
    """The same document at version 5."""
    return {
        "_id": ObjectId(f"{number:024x}"),
        "weight": number % 5 * 1_000,
        "version": version,
        "createdAt": datetime(2025, 1, 1),
        "updatedAt": datetime(2025, 1, 1),
        "schemaVersion": 5,
        "unknown": number,
        "code": f"P{number}",
        "priority": "normal",
        "label": {"zipCode": f"{number:05}", "city": "?"},
        "first": "Ada",
        "last": f"L{number}",
    } | values


def insert(store: DocumentStore[Any], documents: Iterable[dict[str, Any]], collection: str = COLLECTION) -> None:
    """Store documents as they are."""
    store.backend.write(WritePlan(collection, "version", inserts=list(documents)), transaction=None, timeout=30)


def stored(store: DocumentStore[Any], collection: str = COLLECTION) -> list[dict[str, Any]]:
    """All documents as they are, by id."""
    query = Query(sort=(SortKey(("_id",)),))
    return store.backend.find(collection, query, transaction=None, timeout=30).to_list()
