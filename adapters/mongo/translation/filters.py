"""Predicates as MongoDB's filters.

Every value stands under an operator of its type, so that a value that looks like an operator stays a value.
"""

import struct
from collections.abc import Mapping, Sequence
from typing import Any, assert_never

from bson import ObjectId, encode
from bson.raw_bson import RawBSONDocument
from bson.regex import Regex

from ....domain.entities.bounds import Comparator
from ....domain.errors import InvalidQuery
from ....domain.queries.query import SortKey
from ....domain.rules.patterns import at_end, at_start
from ....domain.rules.predicates import (
    All,
    AnyItem,
    AnyOf,
    Compare,
    Contains,
    Exists,
    IsNone,
    Leaf,
    Matches,
    Not,
    OneOf,
    Path,
    Predicate,
    Size,
    Text,
    TextTest,
    dotted,
)
from ...backend.bson import CODEC_OPTIONS, RAW_OPTIONS
from ...backend.checks.given_values import check_operand, check_path, check_sort_path

Filter = dict[str, Any]

_OPERATORS = {
    Comparator.EQ: "$eq",
    Comparator.NE: "$ne",
    Comparator.LT: "$lt",
    Comparator.LE: "$lte",
    Comparator.GT: "$gt",
    Comparator.GE: "$gte",
}
_OF_NONE = (Comparator.EQ, Comparator.NE)
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
        case Size() | OneOf() if alternatives := _alternatives(predicate):
            return to_filter(alternatives)
        case _:
            return {to_key(predicate.path): _test(predicate)}


def to_sort(keys: Sequence[SortKey]) -> list[tuple[str, int]]:
    """Translate an order."""
    return [(to_sort_key(key.path), -1 if key.descending else 1) for key in keys]


def to_key(path: Path) -> str:
    """Return a path in dotted form.

    Raises:
        InvalidQuery: if it would be read as an operator.
    """
    check_path(path)
    return ".".join(path)


def to_sort_key(path: Path) -> str:
    """Return a path by which documents are put in order, grouped or cut, in dotted form.

    Raises:
        InvalidQuery: if there is none.
    """
    check_sort_path(path)
    return ".".join(path)


def _test(leaf: Leaf) -> Filter:
    """What a leaf asks of the values at its path."""
    match leaf:
        case Compare(path, comparator, value):
            check_operand(path, value)
            if value is None and comparator not in _OF_NONE:
                raise InvalidQuery(f"{dotted(path)} cannot be more or less than None: ask is_none()")
            return {_OPERATORS[comparator]: value}
        case IsNone():
            return {"$eq": None}
        case OneOf(path, values):
            for value in values:
                check_operand(path, value)
            return {"$in": list(values)}
        case Text() | Matches():
            return {"$regex": _pattern(leaf)}
        case Exists():
            return {"$exists": True}
        case Contains() | Size() | AnyItem():
            return _list_test(leaf)
    assert_never(leaf)


def _list_test(leaf: Contains | Size | AnyItem) -> Filter:
    match leaf:
        case Contains(path, value):
            check_operand(path, value)
            return {"$elemMatch": {"$eq": value}}
        case Size(_, _, None):
            return {"$type": "array"}
        case Size(_, size, _):
            return {"$size": size}
        case AnyItem(_, part) if leaf.is_about_fields:
            return {"$elemMatch": to_filter(part)}
        case AnyItem(_, part):
            return {"$elemMatch": _document(_tests_of_item(part))}


def _pattern(leaf: Text | Matches) -> str:
    if isinstance(leaf, Text):
        check_operand(leaf.path, leaf.text)
    match leaf:
        case Text(_, TextTest.STARTS, text):
            return at_start(text).pcre
        case Text(_, _, text):
            return at_end(text).pcre
        case Matches(_, pattern):
            return pattern.pcre


def _alternatives(leaf: Size | OneOf) -> Predicate | None:
    """What the server has no operator for, as one case or another; None if it has."""
    return _sizes(leaf) if isinstance(leaf, Size) else _without_operators(leaf)


def _sizes(leaf: Size) -> Predicate | None:
    """A range of sizes as one after the other, for the server compares no size with more or less."""
    if leaf.most is None and leaf.least > 0:
        shorter = tuple(Size(leaf.path, size, size) for size in range(leaf.least))
        return All((Size(leaf.path), Not(AnyOf(shorter))))
    if leaf.most is None or leaf.least == leaf.most:
        return None
    return AnyOf(tuple(Size(leaf.path, size, size) for size in range(leaf.least, leaf.most + 1)))


def _without_operators(leaf: OneOf) -> AnyOf | None:
    """Values that ``$in`` would take for operators, each compared for itself; None if there are none."""
    if not any(isinstance(value, Mapping) and str(next(iter(value), ""))[:1] == "$" for value in leaf.values):
        return None
    return AnyOf(tuple(Compare(leaf.path, Comparator.EQ, value) for value in leaf.values))


_Tests = list[tuple[str, Any]]


def _tests_of_item(predicate: Predicate) -> _Tests:
    """A predicate about an item itself, as operators that must all hold: there is no ``$and`` or ``$or`` for them."""
    match predicate:
        case All(()):
            return [("$nin", [])]
        case AnyOf(()):
            return [("$in", [])]
        case All(parts):
            return [test for part in parts for test in _tests_of_item(part)]
        case AnyOf(parts):
            return [_not([_not(_tests_of_item(part)) for part in parts])]
        case Not(part):
            return [_not(_tests_of_item(part))]
        case Text() | Matches():
            return [("$in", [Regex(_pattern(predicate))])]  # of several $regex in one document, only one would count
        case Size() | OneOf() if alternatives := _alternatives(predicate):
            return _tests_of_item(alternatives)
        case _:
            return list(_test(predicate).items())


def _not(tests: _Tests) -> tuple[str, Any]:
    return "$not", _document(tests)


def _document(tests: _Tests) -> Mapping[str, Any]:
    """A document of operators; the server takes one that stands there twice as two, which no dictionary can hold."""
    if len({operator for operator, _ in tests}) == len(tests):
        return dict(tests)
    elements = b"".join(encode({operator: value}, codec_options=CODEC_OPTIONS)[4:-1] for operator, value in tests)
    return RawBSONDocument(struct.pack("<i", len(elements) + 5) + elements + b"\0", RAW_OPTIONS)
