"""What is read of documents: some of their keys, or the different values of one."""

from collections.abc import Sequence
from typing import Any

from ....domain.rules.predicates import Path, Predicate
from .filters import to_filter, to_sort_key


def to_projection(select: Sequence[Path] | None) -> dict[str, int] | None:
    """Translate what a query selects; the id is always there.

    Raises:
        InvalidQuery: if a key cannot be that of a document.
    """
    return None if select is None else {"_id": 1, **{to_sort_key(path): 1 for path in select}}


def to_distinct(path: Path, predicate: Predicate) -> list[dict[str, Any]]:
    """Return the pipeline that gives each value at a path once, in order, also null: of a list its items.

    Raises:
        InvalidQuery: if a key cannot be that of a document.
    """
    value = f"${to_sort_key(path)}"
    return [
        {"$match": to_filter(predicate)},
        {"$project": {"_id": value}},
        {"$unwind": "$_id"},
        {"$group": {"_id": "$_id"}},
        {"$sort": {"_id": 1}},
    ]
