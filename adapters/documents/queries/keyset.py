"""Places in an order: where a document stands, and the predicate of all that come after it.

MongoDB orders values of all types, missing as null and the types one after the other, while its comparisons meet
values of one type only. So "comes after" says what is excluded where several types can stand: what is at or before the
place in its own type, and every type that comes before.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from math import inf, isnan, nan
from typing import Any
from uuid import UUID

from attrs import frozen
from bson import Decimal128, Int64, ObjectId
from bson.binary import Binary
from bson.datetime_ms import DatetimeMS

from ....domain.entities.bounds import Comparator
from ....domain.entities.scalars import Kind
from ....domain.entities.schema import FieldType, schema_of
from ....domain.errors import InvalidQuery
from ....domain.queries.query import SortKey
from ....domain.rules.predicates import EVERYTHING, NOTHING, All, AnyOf, Compare, IsNone, Not, Path, Predicate, dotted
from ...backend import Document
from ..values.codecs import STORED
from ..values.keys import ID_KEY

LT, EQ, GE, GT = Comparator.LT, Comparator.EQ, Comparator.GE, Comparator.GT


@frozen(eq=False)
class Bracket:
    """The values that MongoDB compares with each other.

    Attributes:
        types: their classes.
        least: the smallest of them; NaN, which stands before all numbers, apart.
    """

    types: tuple[type[Any], ...]
    least: Any

    def whole(self, path: Path) -> Iterator[Predicate]:
        """Yield what holds of the values of these types, one or the other."""
        yield Compare(path, GE, self.least)
        if self is NUMBERS:
            yield Compare(path, EQ, nan)


NUMBERS = Bracket((int, Int64, float, Decimal128), -inf)
TEXTS = Bracket((str,), "")
BINARIES = Bracket((bytes, Binary, UUID), b"")
OBJECT_IDS = Bracket((ObjectId,), ObjectId(bytes(12)))
BOOLEANS = Bracket((bool,), False)
DATES = Bracket((datetime, DatetimeMS), DatetimeMS(-(2**63)))

BRACKETS = (NUMBERS, TEXTS, BINARIES, OBJECT_IDS, BOOLEANS, DATES)
"""In MongoDB's order, behind null. Between texts and binaries stand dictionaries and lists, which no place has."""

_BRACKET_OF = {
    **dict.fromkeys(("int", "long", "double", "decimal"), NUMBERS),
    "string": TEXTS,
    "binData": BINARIES,
    "objectId": OBJECT_IDS,
    "bool": BOOLEANS,
    "date": DATES,
}
"""By the aliases of BSON's types."""


@frozen
class Key:
    """One part of an order.

    Attributes:
        name: of the attribute, for messages.
        path: in the document.
        descending: whether the largest come first.
        brackets: of the values that it can have beside null.
    """

    name: str
    path: Path
    descending: bool
    brackets: tuple[Bracket, ...]

    def reversed(self) -> "Key":
        """The same part of the order from the other end."""
        return Key(self.name, self.path, not self.descending, self.brackets)

    def value(self, document: Document) -> Any:
        """Return what a document is ordered by.

        Raises:
            ValueError: if it can have no place in an order that pages follow.
        """
        found: Any = document
        for name in self.path:
            if isinstance(found, list):
                break
            found = found.get(name) if isinstance(found, dict) else None
        self.check(found)
        return found

    def check(self, value: object) -> None:
        """Refuse a value that does not belong to the field's type.

        Raises:
            ValueError: with what it is.
        """
        if value is not None and not any(type(value) in bracket.types for bracket in self.brackets):
            raise ValueError(f"a {type(value).__name__}")

    def same(self, value: object) -> Predicate:
        """Return what holds where the value is the same in the order."""
        return IsNone(self.path) if value is None else Compare(self.path, EQ, value)

    def beyond(self, value: object, *, inclusive: bool) -> Predicate:
        """Return what holds where the value comes after this one, or is the same."""
        if len(self.brackets) == 1 and not self.descending:
            return self._above(value, inclusive)
        if len(self.brackets) == 1 and value is None:
            return IsNone(self.path) if inclusive else NOTHING
        before = tuple(self._up_to(value, inclusive))
        return Not(before[0] if len(before) == 1 else AnyOf(before)) if before else EVERYTHING

    def _above(self, value: object, inclusive: bool) -> Predicate:
        """What is larger, where only null and one type can stand: a single range."""
        if value is None:
            return EVERYTHING if inclusive else Not(IsNone(self.path))
        if _is_nan(value):
            return Not(IsNone(self.path)) if inclusive else Compare(self.path, GE, -inf)
        return Compare(self.path, GE if inclusive else GT, value)

    def _up_to(self, value: object, inclusive: bool) -> Iterator[Predicate]:
        """Yield what comes before this value and, unless it is inclusive, what is the same."""
        path, own = self.path, self._bracket(value)
        if not inclusive:
            yield self.same(value)
        if not _is_nan(value) and own is not None:
            yield Compare(path, GT if self.descending else LT, value)
        if own is NUMBERS and self.descending == _is_nan(value):
            yield Compare(path, GE, -inf) if self.descending else Compare(path, EQ, nan)
        if own is not None and not self.descending:
            yield IsNone(path)
        number = -1 if own is None else self.brackets.index(own)
        for other in self.brackets[number + 1 :] if self.descending else self.brackets[: max(number, 0)]:
            yield from other.whole(path)

    def _bracket(self, value: object) -> Bracket | None:
        return next((bracket for bracket in self.brackets if type(value) in bracket.types), None)


@frozen
class Keyset:
    """A total order, by the paths of the documents.

    Attributes:
        keys: its parts up to the id, which no two documents share.
        sort: all of it.
    """

    keys: tuple[Key, ...]
    sort: tuple[SortKey, ...]

    def place(self, document: Document) -> tuple[Any, ...]:
        """Return where a document stands.

        Raises:
            InvalidQuery: if one of the fields has a value that no page can go on from.
        """
        found = []
        for key in self.keys:
            try:
                found.append(key.value(document))
            except ValueError as error:
                raise InvalidQuery(
                    f"page() cannot go by {key.name}: the document {document.get(ID_KEY)!r} has {error} there, which "
                    "has no place in an order; use find() with skip and limit, or order by another field"
                ) from error
        return tuple(found)

    def beyond(self, place: Sequence[Any], *, inclusive: bool, backwards: bool) -> Predicate:
        """Return what holds of the documents that come after a place, or before it; inclusive, also of the one there.

        With several keys the first one bounds the whole, so that an index can begin at the place.
        """
        keys = [key.reversed() if backwards else key for key in self.keys]
        last, ways = len(keys) - 1, []
        for depth, key in enumerate(keys):
            ahead = key.beyond(place[depth], inclusive=inclusive and depth == last)
            if ahead != NOTHING:
                same = (before.same(value) for before, value in zip(keys[:depth], place, strict=False))
                ways.append(All((*same, ahead)) if depth else ahead)
        if last == 0:
            return ways[0] if ways else NOTHING
        bound = keys[0].beyond(place[0], inclusive=True)
        either = ways[0] if len(ways) == 1 else AnyOf(tuple(ways))
        return either if bound == EVERYTHING else All((bound, either))

    def order(self, *, backwards: bool) -> tuple[SortKey, ...]:
        """Return the order, or the reverse of it."""
        return tuple(SortKey(key.path, key.descending != backwards) for key in self.sort)


def keyset_of(entity: type[Any], sort: Sequence[SortKey], stored: Sequence[SortKey]) -> Keyset:
    """Return the order of an entity's pages.

    Args:
        entity: the class of the entities.
        sort: the order by attributes, the id among them.
        stored: the same by the paths of the documents.

    Raises:
        InvalidQuery: for an order by a secret: its values would stand in the cursors.
    """
    keys = []
    for attribute, document in zip(sort, stored, strict=True):
        brackets = _brackets(entity, attribute.path)
        keys.append(Key(dotted(attribute.path), document.path, attribute.descending, brackets))
        if document.path == (ID_KEY,):
            break
    return Keyset(tuple(keys), tuple(stored))


def _brackets(cls: type[Any], path: Path) -> tuple[Bracket, ...]:
    """The types of the values at a path; all of them below a dictionary."""
    field = schema_of(cls).field_of(path[0])
    if field.secret:
        raise InvalidQuery(f"page() cannot go by {field.name}: it is a secret, and would stand in the cursors")
    if field.type.kind is Kind.NESTED:
        return _brackets(field.type.python, path[1:])
    return BRACKETS if path[1:] else _brackets_of(field.type)


def _brackets_of(declared: FieldType) -> tuple[Bracket, ...]:
    if declared.kind is not Kind.ENUM:
        stored = STORED.get(declared.kind)
        return BRACKETS if stored is None else (_BRACKET_OF[stored.aliases[0]],)
    kinds = {type(member.value) for member in declared.python}
    found = tuple(bracket for bracket in BRACKETS if kinds.intersection(bracket.types))
    return found if all(any(kind in bracket.types for bracket in found) for kind in kinds) else BRACKETS


def same_place(one: Sequence[Any], other: Sequence[Any]) -> bool:
    """Tell whether two places are one: numbers are compared across their types, and NaN is one value."""
    return [*map(_comparable, one)] == [*map(_comparable, other)]


def _comparable(value: Any) -> tuple[str, Any]:
    if isinstance(value, bool):
        return "bool", value
    if _is_nan(value):
        return "nan", None
    if isinstance(value, Decimal128):
        return "number", value.to_decimal()
    return ("number" if isinstance(value, int | float) else ""), value


def _is_nan(value: object) -> bool:
    if isinstance(value, Decimal128):
        return bool(value.to_decimal().is_nan())
    return isinstance(value, float) and isnan(value)
