"""The law of keyset paging: what is there all the time comes once and in order, whatever others do meanwhile."""

from collections.abc import Callable
from typing import Any

from attrs import frozen
from bson import ObjectId
from hypothesis import strategies as st

from tristore import Page

from .samples import PLAIN, STORED, Identified, Sample, SampleRepository, SampleStore, clear, delete, number, write

NAMES = (*sorted(STORED.keys() - {"place"}), "place.city", "anything", "data.key", "id", "version")
"""What an order can go by."""

MANY = 50
"""More pages than any scenario has: a walk that goes in circles ends here."""

Row = dict[str, Any]
Rule = Callable[[Sample], bool] | None

RULES: tuple[Rule, ...] = (
    None,
    lambda s: (s.number >= 1) | (s.text == "a") | (s.flag != True),  # type: ignore[operator] # noqa: E712
    lambda s: (s.number != 1) & (s.text != "b"),
)


@frozen
class Scenario:
    """What is stored, what is asked, and what others do.

    Attributes:
        kept: documents that are there all the time.
        others: documents that are there at first.
        steps: what others do between two pages: add a document, or remove the oldest of theirs (None).
        sort, limit, rule, view: what is asked.
    """

    kept: list[Row]
    others: list[Row]
    steps: list[Row | None]
    sort: list[str]
    limit: int
    rule: Rule
    view: type[Identified] | None


def _rows() -> st.SearchStrategy[Row]:
    fields: dict[str, st.SearchStrategy[Any]] = {
        name: st.sampled_from([None, *values]) for name, values in STORED.items()
    }
    anything = st.sampled_from([None, *PLAIN])
    data: st.SearchStrategy[Row] = st.just({}) | st.fixed_dictionaries({"key": anything})
    return st.fixed_dictionaries({}, optional={**fields, "anything": anything, "data": data})


def _sorts() -> st.SearchStrategy[list[str]]:
    keys = st.tuples(st.sampled_from(["", "-"]), st.sampled_from(NAMES))
    return st.lists(keys, max_size=3, unique_by=lambda key: key[1]).map(lambda sort: ["".join(key) for key in sort])


SCENARIOS = st.builds(
    Scenario,
    kept=st.lists(_rows(), max_size=12),
    others=st.lists(_rows(), max_size=4),
    steps=st.lists(st.none() | _rows(), max_size=12),
    sort=_sorts(),
    limit=st.integers(1, 5),
    rule=st.sampled_from(RULES),
    view=st.sampled_from([None, Identified]),
)


class Walk:
    """Goes through all pages of a scenario, while others write."""

    def __init__(self, store: SampleStore, scenario: Scenario) -> None:
        clear(store)
        self._store = store
        self._asked = scenario
        self._steps = [*scenario.steps]
        self._others: list[ObjectId] = []
        self._stored = 0
        self.kept = [self._add(row) for row in scenario.kept]
        for row in scenario.others:
            self._others.append(self._add(row))

    def _add(self, row: Row) -> ObjectId:
        """Store a document under an id that lies anywhere among the others."""
        self._stored += 1
        id = number(self._stored * 7_919 % 10_007)
        write(self._store, {"_id": id, **row})
        return id

    def _let_others_write(self) -> None:
        if self._steps:
            row = self._steps.pop()
            if row is not None:
                self._others.append(self._add(row))
            elif self._others:
                delete(self._store, self._others.pop(0))

    def in_order(self, samples: SampleRepository) -> list[str]:
        """The ids of all that match now, in the order of a find."""
        has_id = {"id", "-id"}.intersection(self._asked.sort)
        sort = self._asked.sort if has_id else [*self._asked.sort, "id"]
        return [one.id for one in samples.find(self._asked.rule, sort=sort)]

    def page(self, samples: SampleRepository, **place: Any) -> Page[Any]:
        """One page."""
        asked = self._asked
        if asked.view is None:
            return samples.page(asked.rule, sort=asked.sort, limit=asked.limit, **place)
        return samples.page(asked.rule, sort=asked.sort, limit=asked.limit, select=asked.view, **place)

    def forwards(self, samples: SampleRepository) -> list[Page[Any]]:
        """All pages from the first to the last."""
        pages = [self.page(samples)]
        while pages[-1].next_cursor is not None:
            self._let_others_write()
            pages.append(self.page(samples, after=pages[-1].next_cursor))
            assert len(pages) < MANY
        return pages

    def backwards(self, samples: SampleRepository, last: Page[Any]) -> list[Page[Any]]:
        """All pages from the last to the first, in the order of the pages."""
        pages = [last]
        while pages[0].prev_cursor is not None:
            self._let_others_write()
            pages.insert(0, self.page(samples, before=pages[0].prev_cursor))
            assert len(pages) < MANY
        return pages


def ids_of(pages: list[Page[Any]]) -> list[str]:
    """The ids of all that stand on pages."""
    return [one.id for page in pages for one in page]


def check(store: SampleStore, scenario: Scenario) -> None:
    """Hold the law against a scenario."""
    walk = Walk(store, scenario)
    kept = {id.binary.hex() for id in walk.kept}
    with store.reader() as reader:
        wanted = [id for id in walk.in_order(reader.samples) if id in kept]
        forwards = walk.forwards(reader.samples)
        backwards = walk.backwards(reader.samples, forwards[-1])
    for pages in (forwards, backwards):
        found = ids_of(pages)

        assert wanted == [id for id in found if id in kept]
        assert len(found) == len(set(found))
        assert all(len(page) <= scenario.limit for page in pages)
        if not scenario.steps:
            assert [False, *[True] * (len(pages) - 1)] == [page.has_prev for page in pages]
            assert [*[True] * (len(pages) - 1), False] == [page.has_next for page in pages]
