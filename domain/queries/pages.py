"""Pages: by number or from a cursor, with what is needed to go on."""

from collections.abc import Iterator
from typing import Any, Generic, TypeVar

from attrs import evolve, field, frozen

from ..errors import InvalidQuery
from .query import FIND_BOUND, Query, check_whole, skip_of_page

T = TypeVar("T")


@frozen
class Page(Generic[T]):
    """One page of a result.

    A cursor names a place in the order, not a number of entities before it: going on from it leaves no entity out and
    shows none twice, whatever is added or removed meanwhile.

    Attributes:
        items: what is on the page.
        page: its number, from 1; None for a page that was asked for by a cursor.
        limit: the most items on a page.
        total_count: how many there are on all pages; None where they were not counted.
        has_next: whether a page follows.
        has_prev: whether a page comes before.
        next_cursor: what to give as ``after`` for the page that follows; None where none does.
        prev_cursor: what to give as ``before`` for the page before; None where there is none.
    """

    items: tuple[T, ...]
    page: int | None
    limit: int
    total_count: int | None
    has_next: bool = field(kw_only=True)
    has_prev: bool = field(kw_only=True)
    next_cursor: str | None = field(kw_only=True, default=None)
    prev_cursor: str | None = field(kw_only=True, default=None)

    @property
    def total_pages(self) -> int | None:
        """How many pages there are; None where they were not counted."""
        return None if self.total_count is None else -(-self.total_count // self.limit)

    def __iter__(self) -> Iterator[T]:
        """Iterate over the items."""
        return iter(self.items)

    def __len__(self) -> int:
        """Count the items on this page."""
        return len(self.items)


@frozen
class PageRequest:
    """Which page is asked for: one by its number, or the one after or before a cursor.

    Attributes:
        query: rule, total order, selected paths, and the entities before the page where it has a number.
        limit: the most items on the page.
        number: from 1; None with a cursor.
        cursor: of the page that the caller has; None with a number.
        backwards: whether the page before the cursor is meant.
        counted: whether the entities on all pages are to be counted.
        view: the class of the items, None for entities.
    """

    query: Query
    limit: int
    number: int | None
    cursor: str | None
    backwards: bool
    counted: bool
    view: type[Any] | None = None


def page_request(
    query: Query,
    *,
    page: int | None,
    limit: int,
    after: str | None,
    before: str | None,
    total: bool | None,
    view: type[Any] | None,
) -> PageRequest:
    """Check which page is asked for.

    Raises:
        InvalidQuery: for a page that is none, a limit out of bounds, and a number together with a cursor.
    """
    check_whole("limit", limit, 1, FIND_BOUND)
    if sum(given is not None for given in (page, after, before)) > 1:
        raise InvalidQuery("a page is asked for by one of page=, after= and before=")
    for name, cursor in (("after", after), ("before", before)):
        if cursor is not None and not isinstance(cursor, str):
            raise InvalidQuery(f"{name}= takes the cursor of a page, which is text, not {type(cursor).__name__}")
    cursor = after if before is None else before
    by_number = cursor is None
    number = 1 if page is None else page
    return PageRequest(
        query=evolve(query, skip=skip_of_page(number, limit)) if by_number else query,
        limit=limit,
        number=number if by_number else None,
        cursor=cursor,
        backwards=before is not None,
        counted=by_number if total is None else bool(total),
        view=view,
    )
