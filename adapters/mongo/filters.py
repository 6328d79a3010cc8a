"""Predicates as MongoDB's filters.

Every value stands under an operator of its type, so that a value that looks like an operator stays a value.
"""

import re
from collections.abc import Sequence
from typing import Any

from bson import ObjectId

from ...domain.errors import InvalidQuery
from ...domain.predicates import (
    All,
    AnyOf,
    Comparator,
    Compare,
    Contains,
    IsNone,
    Leaf,
    Not,
    OneOf,
    Path,
    Predicate,
    Text,
    TextTest,
)
from ...domain.queries import SortKey

Filter = dict[str, Any]

_OPERATORS = {
    Comparator.EQ: "$eq",
    Comparator.NE: "$ne",
    Comparator.LT: "$lt",
    Comparator.LE: "$lte",
    Comparator.GT: "$gt",
    Comparator.GE: "$gte",
}
_NEVER: Filter = {"_id": {"$in": []}}


def to_filter(predicate: Predicate) -> Filter:
    """Translate a predicate.

    Raises:
        InvalidQuery: if a key cannot be that of a document.
    """
    match predicate:
        case All(()):
            return {}
        case AnyOf(()):
            return dict(_NEVER)
        case All(parts):
            return {"$and": [to_filter(part) for part in parts]}
        case AnyOf(parts):
            return {"$or": [to_filter(part) for part in parts]}
        case Not(part):
            return {"$nor": [to_filter(part)]}
        # The server has a shorter way for an id that stands alone; an ObjectId cannot be an operator.
        case Compare(("_id",), Comparator.EQ, ObjectId() as id_):
            return {"_id": id_}
        case _:
            return {to_key(predicate.path): _test(predicate)}


def to_sort(keys: Sequence[SortKey]) -> list[tuple[str, int]]:
    """Translate an order."""
    return [(to_key(key.path), -1 if key.descending else 1) for key in keys]


def to_key(path: Path) -> str:
    """Return a path in dotted form.

    Raises:
        InvalidQuery: if it would be read as an operator.
    """
    key = ".".join(path)
    if not key or key[0] == "$" or "\0" in key:
        raise InvalidQuery(f"{key!r} cannot be the key of a document")
    return key


def _test(leaf: Leaf) -> Filter:
    match leaf:
        case Compare(_, comparator, value):
            return {_OPERATORS[comparator]: value}
        case IsNone():
            return {"$eq": None}
        case OneOf(_, values):
            return {"$in": list(values)}
        case Contains(_, value):
            return {"$elemMatch": {"$eq": value}}
        case Text(_, TextTest.STARTS, text):
            return {"$regex": f"^{_literal(text)}"}
        case Text(_, _, text):
            return {"$regex": rf"{_literal(text)}\z"}


def _literal(text: str) -> str:
    """Text as a pattern that matches nothing else; a pattern cannot hold NUL as it is."""
    return re.escape(text).replace("\\\0", r"\x00").replace("\0", r"\x00")


__all__ = ["Filter", "to_filter", "to_key", "to_sort"]
