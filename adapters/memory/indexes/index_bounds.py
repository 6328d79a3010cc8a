"""What a query says about the keys of an index: the stretches of its order in which every match stands.

A stretch may hold rows that do not match; each row is looked at again.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from bson.regex import Regex

from ....domain.entities.bounds import Comparator
from ....domain.rules.patterns import at_start
from ....domain.rules.predicates import All, Compare, Contains, IsNone, OneOf, Path, Predicate, Text, TextTest
from ...backend.checks.given_values import INCOMPARABLE
from ..bson.value_order import NULL, TEXT, Key, order_key, stored
from ..operators.matching import matcher
from .index import Index
from .index_views import View

TOP = (1_000,)
"""Stands above every key."""

_MOST_STRETCHES = 200
"""Where several lists of values would give more, the later ones only filter."""

Bounds = tuple[tuple[Any, ...], tuple[Any, ...]]
"""From keys, included, up to keys that stand above all that is meant."""


class Limits(NamedTuple):
    """What one test allows for the key at its path.

    Attributes:
        points: the keys in order, if it names them.
        bounds: otherwise what follows the keys before it.
        absent: whether a document without the key may match.
        exact: whether each document that is filed so matches.
        beside: a key outside the bounds that matches too.
    """

    points: tuple[Key, ...] | None
    bounds: Bounds = ((), ())
    absent: bool = False
    exact: bool = True
    beside: Key | None = None


class Span(NamedTuple):
    """Where in an index the matches are.

    Attributes:
        stretches: their bounds, in order; they do not overlap.
        keys: how many keys of the index the query bounds.
        fixed: how many of these have one value in all of it.
        strict: whether a document without any of the keys cannot match.
        exact: how many tests of the query it says all about.
    """

    stretches: Sequence[Bounds] = (((), (TOP,)),)
    keys: int = 0
    fixed: int = 0
    strict: bool = False
    exact: int = 0


def parts_of(predicate: Predicate) -> Iterator[Predicate]:
    """Yield the predicates that must all hold."""
    if isinstance(predicate, All):
        for part in predicate.parts:
            yield from parts_of(part)
    else:
        yield predicate


def limits_by_path(parts: Sequence[Predicate]) -> dict[Path, list[Limits]]:
    """Collect what the parts of a query say about single keys; a test that names values comes first."""
    found: dict[Path, list[Limits]] = {}
    for part in parts:
        limits = _limits(part)
        if limits is not None:
            at_path = found.setdefault(part.path, [])  # type: ignore[union-attr] # only tests of a path have limits
            at_path.insert(len(at_path) if limits.points is None else 0, limits)
    return found


def span_of(index: Index, view: View, limits: Mapping[Path, list[Limits]]) -> Span:
    """Return where in an index the matches of a query stand.

    Two keys that lead through one list are not both bounded, for different items of it may match; nor are two bounds
    of one such key combined.
    """
    prefixes: list[tuple[Key, ...]] = [()]
    strict = through_list = False
    keys = exact = 0
    for position, path in enumerate(index.paths):
        allowed = limits.get(path)
        is_list = position in view.lists
        if allowed is None or (is_list and through_list):
            break
        points = allowed[0].points
        if points is not None and len(prefixes) * len(points) > _MOST_STRETCHES:
            break
        if points is None and any(_has_beside(view, prefix, one) for prefix in prefixes for one in allowed):
            break
        strict |= not allowed[0].absent
        exact += allowed[0].exact and not (allowed[0].absent and is_list)
        keys += 1
        if points is None:
            low, high = allowed[0].bounds if is_list else _common(allowed)
            stretches = [((*prefix, *low), (*prefix, *high)) for prefix in prefixes]
            return Span(stretches, keys, keys - 1 if len(prefixes) == 1 else 0, strict, exact)
        through_list |= is_list
        prefixes = [(*prefix, point) for prefix in prefixes for point in points]
    stretches = [(prefix, (*prefix, TOP)) for prefix in prefixes]
    return Span(stretches, keys, keys if len(prefixes) == 1 else 0, strict, exact)


def _has_beside(view: View, prefix: tuple[Key, ...], limits: Limits) -> bool:
    """Tell whether an index holds a match outside the bounds."""
    if limits.beside is None:
        return False
    place = (*prefix, limits.beside)
    return view.entries.count(view.entries.seek((place,)), view.entries.seek(((*place, TOP),))) > 0


def implies(parts: Sequence[Predicate], partial: Predicate) -> bool:
    """Tell whether a query's parts are known to hold only of documents that a partial index holds."""
    return all(any(_implies(part, wanted) for part in parts) for wanted in parts_of(partial))


def _implies(part: Predicate, wanted: Predicate) -> bool:
    if isinstance(part, Compare) and isinstance(wanted, Compare) and part.path == wanted.path:
        if part.comparator is wanted.comparator:
            return type(part.value) is type(wanted.value) and bool(part.value == wanted.value)
        if part.comparator is Comparator.EQ and len(part.path) == 1 and wanted.comparator is not Comparator.NE:
            return matcher(wanted)({part.path[0]: stored(part.value)})
    return isinstance(part, IsNone) and part == wanted


def _common(allowed: Sequence[Limits]) -> Bounds:
    """The bounds that all tests of a key without lists leave."""
    lows, highs = zip(*(limits.bounds for limits in allowed), strict=True)
    return max(lows), min(highs)


def _limits(part: Predicate) -> Limits | None:
    match part:
        case IsNone():
            return Limits(((NULL, 0),), absent=True)
        case Compare(_, Comparator.EQ, None):
            return Limits(((NULL, 0),), absent=True)
        case Compare(_, Comparator.EQ, value) | Contains(_, value) if _is_single(value):
            return Limits((order_key(stored(value)),), exact=isinstance(part, Compare))
        case OneOf(_, values) if all(value is None or _is_single(value) for value in values):
            points = tuple(sorted({order_key(stored(value)) for value in values}))
            return Limits(points, absent=None in values)
        case Compare(_, comparator, value) if comparator in _BEYOND and _is_single(value):
            return _range(comparator, order_key(stored(value)))
        case Text(_, TextTest.STARTS, text):
            below = (TEXT, after) if (after := _next(text)) else (TEXT + 1,)
            # to a server the expression that it is asked with matches itself, where it is stored
            return Limits(None, (((TEXT, text),), (below,)), beside=order_key(Regex(at_start(text).pcre)))
    return None


_BEYOND = frozenset({Comparator.LT, Comparator.LE, Comparator.GT, Comparator.GE})


def _range(comparator: Comparator, key: Key) -> Limits:
    """Only keys of one type compare."""
    rank = key[0]
    match comparator:
        case Comparator.LT:
            return Limits(None, (((rank,),), (key,)))
        case Comparator.LE:
            return Limits(None, (((rank,),), (key, TOP)))
        case Comparator.GT:
            return Limits(None, ((key, TOP), ((rank + 1,),)))
        case _:
            return Limits(None, ((key,), ((rank + 1,),)))


def _next(text: str) -> str:
    """The least text above all that begin so; empty if there is none."""
    while text:
        last = ord(text[-1])
        if last < _LAST_CHARACTER:
            return text[:-1] + chr(last + 1)
        text = text[:-1]
    return ""


_LAST_CHARACTER = 0x10FFFF


def _is_single(value: object) -> bool:
    """Whether a value can be looked up: a list is compared as a whole, too, and some values with nothing."""
    return value is not None and not isinstance(value, (list, tuple, *INCOMPARABLE))
