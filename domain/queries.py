"""What is asked of a repository beside the rule: order, bounds, pages."""

from collections.abc import Iterator, Sequence
from typing import Any, Generic, TypeVar

from attrs import frozen

from .errors import InvalidQuery
from .predicates import EVERYTHING, Path, Predicate
from .schema import Kind, schema_of

T = TypeVar("T")

FIND_BOUND = 1_000
"""The most entities that a find without a limit returns; one more raises `TooManyResults`."""

Sort = str | Sequence[str]
"""Attribute names in order of weight, dotted for nested ones, a leading ``-`` for the largest first."""


@frozen
class SortKey:
    """One part of an order."""

    path: Path
    descending: bool = False


@frozen
class Query:
    """Which documents, in which order, how many; paths and values of the entity or of its stored document."""

    predicate: Predicate = EVERYTHING
    sort: tuple[SortKey, ...] = ()
    skip: int = 0
    limit: int | None = None


def sort_keys(entity: type[Any], sort: Sort) -> tuple[SortKey, ...]:
    """Read an order such as ``("-created_at", "email")`` and check it against the entity.

    Raises:
        InvalidQuery: for a name that the entity does not have, or a field that has no order.
    """
    if not isinstance(sort, str | list | tuple):
        raise InvalidQuery(f"sort takes a name of a field, or a list or tuple of them, not {type(sort).__name__}")
    parts = (sort,) if isinstance(sort, str) else tuple(sort)
    return tuple(_sort_key(entity, part) for part in parts if part != "")


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
    if isinstance(skip, bool) or not isinstance(skip, int) or skip < 0:
        raise InvalidQuery(f"skip must be a whole number of at least 0, not {skip!r}")
    if limit is not None and (isinstance(limit, bool) or not isinstance(limit, int) or limit < 1):
        raise InvalidQuery(f"limit must be a whole number of at least 1, not {limit!r}")


@frozen
class Page(Generic[T]):
    """One page of a result.

    Attributes:
        items: what is on the page.
        page: its number, from 1.
        limit: the most items on a page.
        total_count: how many there are on all pages.
    """

    items: tuple[T, ...]
    page: int
    limit: int
    total_count: int

    @property
    def total_pages(self) -> int:
        """How many pages there are."""
        return -(-self.total_count // self.limit)

    @property
    def has_next(self) -> bool:
        """Whether a page follows."""
        return self.page < self.total_pages

    @property
    def has_prev(self) -> bool:
        """Whether a page comes before, and it is not beyond the end."""
        return 1 < self.page <= self.total_pages + 1

    def __iter__(self) -> Iterator[T]:
        """Iterate over the items."""
        return iter(self.items)

    def __len__(self) -> int:
        """Count the items on this page."""
        return len(self.items)
