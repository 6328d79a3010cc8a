"""Documents that share the values of a unique key, as the server would find them while it builds the index."""

from collections.abc import Mapping
from typing import Any

from pymongo.collection import Collection

from ...backend import Document, IndexDeclaration
from ...backend.administration import Duplicates
from ..translation.filters import to_filter

_NO_ITEMS = {"$literal": {"": "an empty list"}}
"""Stands for an empty list, which an index tells from a missing value."""


def duplicates_of(
    collection: Collection[Document], name: str, index: IndexDeclaration, examples: int
) -> Duplicates | None:
    """Return what keeps a unique index from being built, None if nothing does.

    Values are taken as the index files them: a missing one is null, and of a list each item counts once for each
    document.
    """
    found = list(collection.aggregate(_pipeline(index, examples), allowDiskUse=True, **_collated(index)))
    if not found:
        return None
    (one,) = found
    return Duplicates(
        collection=name,
        keys=tuple(key for key, _ in index.keys),
        groups=one["groups"],
        documents=one["documents"],
        examples=tuple(tuple(ids) for ids in one["examples"][:examples]),
    )


def _pipeline(index: IndexDeclaration, examples: int) -> list[Mapping[str, Any]]:
    names = {f"k{number}": key for number, (key, _) in enumerate(index.keys)}
    values = {name: {"$cond": [{"$eq": [f"${key}", []]}, _NO_ITEMS, f"${key}"]} for name, key in names.items()}
    filed = {name: {"$ifNull": [f"${name}", None]} for name in names}
    return [
        {"$match": _held(index)},
        {"$project": values},
        *({"$unwind": {"path": f"${name}", "preserveNullAndEmptyArrays": True}} for name in names),
        {"$group": {"_id": {**filed, "d": "$_id"}}},
        {"$group": {"_id": {name: f"$_id.{name}" for name in names}, "n": {"$sum": 1}, "ids": _some_ids()}},
        {"$match": {"n": {"$gt": 1}}},
        {"$sort": {"n": -1, "ids": 1}},
        {"$group": {"_id": None, "groups": {"$sum": 1}, "documents": {"$sum": "$n"}, "examples": _first(examples)}},
    ]


def _some_ids() -> Mapping[str, Any]:
    return {"$minN": {"n": 3, "input": "$_id.d"}}


def _first(examples: int) -> Mapping[str, Any]:
    return {"$firstN": {"n": max(1, examples), "input": "$ids"}}


def _held(index: IndexDeclaration) -> Mapping[str, Any]:
    """Which documents the index holds."""
    if index.partial is not None:
        return to_filter(index.partial)
    if index.sparse:
        return {"$or": [{key: {"$exists": True}} for key, _ in index.keys]}
    return {}


def _collated(index: IndexDeclaration) -> dict[str, Any]:
    collation = index.options.get("collation")
    return {} if collation is None else {"collation": collation}
