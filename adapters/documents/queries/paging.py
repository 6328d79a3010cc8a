"""Reading pages: by number, and from a cursor in either direction."""

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from attrs import evolve, frozen

from ....domain.queries.pages import Page, PageRequest
from ....domain.queries.query import Query
from ....domain.rules.predicates import NOTHING, All, Path, Predicate
from ...backend import Document
from ..mapping.entity_mapping import EntityMapping
from .cursors import END, Cursors, Place, fingerprint_of
from .keyset import keyset_of, same_place

T = TypeVar("T")


class Together(Protocol):
    """Reads a page and the total, one after the other or side by side; a page may tell the total by itself."""

    def __call__(
        self, page: Callable[[], T], count: Callable[[], int], told_by: Callable[[T], int | None]
    ) -> tuple[T, int]: ...


@frozen
class Reads:
    """What pages are read with.

    Attributes:
        read: the documents of a query, in the words of the documents.
        count: how many documents a predicate holds of, up to a limit.
        load: entities or views of documents.
        together: reads a page and the total.
    """

    read: Callable[[Query], list[Document]]
    count: Callable[[Predicate, int | None], int]
    load: Callable[[list[Document]], list[Any]]
    together: Together


def read_page(request: PageRequest, mapping: EntityMapping, collection: str, reads: Reads) -> Page[Any]:
    """Read the page that is asked for.

    Raises:
        InvalidQuery: if the cursor is not one of this question, or a field of the order has a value without a place.
    """
    stored = mapping.to_stored(request.query)
    keyset = keyset_of(mapping.cls, request.query.sort, stored.sort)
    cursors = Cursors(keyset, fingerprint_of(collection, mapping.name, keyset, stored.predicate))
    query = evolve(stored, select=_with_keys(stored))
    reading = PageReading(request, query, cursors, reads)
    return reading.by_number() if request.cursor is None else reading.from_place(cursors.read(request.cursor))


def _with_keys(query: Query) -> tuple[Path, ...] | None:
    """What is selected, and the sort keys: a cursor is made of them."""
    if query.select is None:
        return None
    paths = dict.fromkeys((*query.select, *(key.path for key in query.sort)))
    return tuple(path for path in paths if not any(path[:depth] in paths for depth in range(1, len(path))))


@frozen
class PageReading:
    """One page on its way."""

    request: PageRequest
    query: Query
    cursors: Cursors
    reads: Reads

    def by_number(self) -> Page[Any]:
        """Read a page by its number: one document more than fits on it tells whether another page follows."""
        skip, limit, number = self.query.skip, self.request.limit, self.request.number or 1

        def told_by(documents: list[Document]) -> int | None:
            return skip + len(documents) if 0 < len(documents) <= limit or (not documents and skip == 0) else None

        documents, total = self._read(evolve(self.query, limit=limit + 1), told_by)
        has_next = len(documents) > limit
        at_most = None if total is None else -(-total // limit) + 1
        has_prev = number > 1 and (bool(documents) or at_most is None or number <= at_most)
        return self._page(documents[:limit], total, has_next=has_next, has_prev=has_prev, empty=(None, END))

    def from_place(self, place: Place) -> Page[Any]:
        """Read the page after a place, or before it.

        The document that stands at the place is read once more: it is there as a rule, and tells that there is a page
        on the other side.
        """
        backwards, limit = self.request.backwards, self.request.limit
        again = not place.inclusive and place.values is not None
        ahead = self._beyond(place, inclusive=again or place.inclusive, backwards=backwards)
        sort = self.cursors.keyset.order(backwards=backwards)
        query = evolve(self.query, predicate=ahead, sort=sort, limit=limit + 1 + again)
        documents, total = self._read(query, lambda _: None)
        behind = again and bool(documents) and same_place(self._place(documents[0]), place.values or ())
        if behind:
            documents = documents[1:]
        else:
            behind = self._exists(self._beyond(place, inclusive=False, backwards=not backwards))
        follows, found = len(documents) > limit, documents[:limit]
        turned = Place(place.values, not place.inclusive) if place.values is not None else END
        if backwards:
            return self._page(found[::-1], total, has_next=behind, has_prev=follows, empty=(turned, None))
        return self._page(found, total, has_next=follows, has_prev=behind, empty=(None, turned))

    def _read(self, query: Query, told_by: Callable[[list[Document]], int | None]) -> tuple[list[Document], int | None]:
        if not self.request.counted:
            return self.reads.read(query), None
        rule = self.query.predicate
        return self.reads.together(lambda: self.reads.read(query), lambda: self.reads.count(rule, None), told_by)

    def _beyond(self, place: Place, *, inclusive: bool, backwards: bool) -> Predicate:
        """The rule, and that the place comes before: the caller's own ands and ors stay as they are."""
        rule = self.query.predicate
        if place.values is None:
            return rule if backwards else NOTHING
        return All((rule, self.cursors.keyset.beyond(place.values, inclusive=inclusive, backwards=backwards)))

    def _exists(self, predicate: Predicate) -> bool:
        return predicate != NOTHING and self.reads.count(predicate, 1) > 0

    def _place(self, document: Document) -> tuple[Any, ...]:
        return self.cursors.keyset.place(document)

    def _page(
        self,
        documents: list[Document],
        total: int | None,
        *,
        has_next: bool,
        has_prev: bool,
        empty: tuple[Place | None, Place | None],
    ) -> Page[Any]:
        """Build the page; of an empty one the cursors lead to what lies on either side of the place."""
        items = tuple(self.reads.load(documents))
        places = [Place(self._place(document)) for document in documents]
        after, before = (places[-1], places[0]) if places else empty
        return Page(
            items,
            self.request.number,
            self.request.limit,
            total,
            has_next=has_next,
            has_prev=has_prev,
            next_cursor=self.cursors.write(after) if has_next and after is not None else None,
            prev_cursor=self.cursors.write(before) if has_prev and before is not None else None,
        )
