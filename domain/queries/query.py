"""What is asked of a repository beside the rule: order and bounds."""

from collections.abc import Sequence
from typing import Any

from attrs import frozen

from ..entities.plain_values import INT64_MAX
from ..entities.scalars import Kind
from ..entities.schema import schema_of
from ..errors import InvalidQuery
from ..rules.predicates import EVERYTHING, Path, Predicate, dotted

FIND_BOUND = 1_000
"""The most entities that a find without a limit returns; one more raises `TooManyResults`."""

SORT_BOUND = 32
"""The most fields of an order (https://www.mongodb.com/docs/manual/reference/limits)."""

Sort = str | Sequence[str]
"""Attribute names in order of weight, dotted for nested ones, a leading ``-`` for the largest first."""


@frozen
class SortKey:
    """One part of an order."""

    path: Path
    descending: bool = False


@frozen
class Query:
    """Which documents, in which order, how many; paths and values of the entity or of its stored document.

    Attributes:
        predicate: what holds of them.
        sort: their order; without one it is the store's.
        skip: how many to pass over.
        limit: the most to return, None for all.
        select: the only paths to read beside the id, none of them below another one; None for all.
    """

    predicate: Predicate = EVERYTHING
    sort: tuple[SortKey, ...] = ()
    skip: int = 0
    limit: int | None = None
    select: tuple[Path, ...] | None = None


_BY_ID = SortKey(("id",))


def sort_keys(entity: type[Any], sort: Sort, *, total: bool = False) -> tuple[SortKey, ...]:
    """Read an order such as ``("-created_at", "email")`` and check it against the entity.

    Args:
        entity: the class of the entities.
        sort: the order.
        total: whether the id is to be its last part, so that no two entities are alike in it.

    Raises:
        InvalidQuery: for a name that the entity does not have, a field that has no order or stands there twice, and
            for too many of them.
    """
    if sort == () and not total:
        return ()
    if not isinstance(sort, str | list | tuple):
        raise InvalidQuery(f"sort takes a name of a field, or a list or tuple of them, not {type(sort).__name__}")
    parts = (sort,) if isinstance(sort, str) else tuple(sort)
    keys = [_sort_key(entity, part) for part in parts if part != ""]
    paths = [key.path for key in keys]
    if total and _BY_ID.path not in paths:
        keys.append(_BY_ID)
    if len(keys) > SORT_BOUND:
        raise InvalidQuery(f"an order has at most {SORT_BOUND} fields, not {len(keys)}")
    for path in paths:
        if paths.count(path) > 1:
            raise InvalidQuery(f"{dotted(path)} stands twice in the order")
    return tuple(keys)


def _sort_key(entity: type[Any], part: str) -> SortKey:
    if not isinstance(part, str):
        raise InvalidQuery(f"sort takes names of fields, not {type(part).__name__}")
    path = tuple(part.removeprefix("-").split("."))
    schema, free = schema_of(entity), False
    for depth, name in enumerate(path):
        if free:
            if not name or name.startswith("$") or "\0" in name:
                raise InvalidQuery(f"{name!r} cannot be a key to sort by")
            continue
        declared = schema.field_of(name).type
        last = depth == len(path) - 1
        if declared.kind is Kind.NESTED and not last:
            schema = schema_of(declared.python)
        elif declared.kind in {Kind.DICT, Kind.FREE} and not last:
            free = True
        elif not last or declared.kind in {Kind.SEQUENCE, Kind.NESTED, Kind.DICT}:
            raise InvalidQuery(f"{'.'.join(path)} has no order: {name} is {declared}")
    return SortKey(path, part.startswith("-"))


def check_bounds(skip: int, limit: int | None) -> None:
    """Refuse a skip or limit that is not a whole number, or negative, or a limit of 0.

    Raises:
        InvalidQuery: with the bound that was broken.
    """
    check_whole("skip", skip, 0, INT64_MAX)
    if limit is not None:
        check_whole("limit", limit, 1, INT64_MAX)


def skip_of_page(page: int, limit: int) -> int:
    """Return how many entities come before a page.

    Raises:
        InvalidQuery: for a page that is none, and one beyond what a store can count to.
    """
    check_whole("page", page, 1, INT64_MAX)
    check_whole("limit", limit, 1, FIND_BOUND)
    skip = (page - 1) * limit
    if skip > INT64_MAX:
        raise InvalidQuery(f"page {page} of {limit} entities each lies beyond the 64 bits that a store counts with")
    return skip


def check_whole(name: str, value: object, least: int, most: int) -> None:
    """Refuse what is not a whole number within bounds.

    Raises:
        InvalidQuery: with the bounds.
    """
    if type(value) is int and least <= value <= most:
        return
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise InvalidQuery(f"{name} must be a whole number of at least {least} and at most {most}, not {value!r}")
