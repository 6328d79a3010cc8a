"""Pages: by number, and from a cursor in both directions, while others write."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from sized import sized

from tristore import InvalidQuery, Page, one_of

from .paging_law import SCENARIOS, Scenario, check
from .samples import Place, Sample, SamplesContract, SampleStore, SampleView, delete, number, write


def texts(page: Page[Any]) -> str:
    """The texts of a page's samples, one after the other."""
    return "".join(one.text or "-" for one in page)


def letters(store: SampleStore, letters: str) -> None:
    """Store one sample for each letter."""
    write(store, *({"_id": number(ord(letter)), "text": letter} for letter in letters))


class PagingContract(SamplesContract):
    """Pages, on every backend."""

    @sized(60, soak=400)
    def test_nothing_is_dropped_or_repeated(self, store: SampleStore, examples: int) -> None:
        """Forwards and backwards each entity that is there all the time comes once, in order, whatever others do."""

        @settings(max_examples=examples, deadline=None, suppress_health_check=[HealthCheck.too_slow])
        @given(SCENARIOS)
        def law(scenario: Scenario) -> None:
            check(store, scenario)

        law()

    def test_cursors_lead_on_and_back(self, store: SampleStore) -> None:
        """A page by number offers cursors; where nothing follows or comes before there is none."""
        letters(store, "abcdefg")
        with store.reader() as reader:
            first = reader.samples.page(sort="text", limit=3)
            second = reader.samples.page(sort="text", limit=3, after=first.next_cursor)
            third = reader.samples.page(sort="text", limit=3, after=second.next_cursor)
            again = reader.samples.page(sort="text", limit=3, before=third.prev_cursor)
            start = reader.samples.page(sort="text", limit=3, before=again.prev_cursor)

        assert ["abc", "def", "g", "def", "abc"] == [*map(texts, (first, second, third, again, start))]
        assert [(1, 7), (None, None)] == [(page.page, page.total_count) for page in (first, second)]
        assert [(True, False), (True, True), (False, True), (True, True), (True, False)] == [
            (page.has_next, page.has_prev) for page in (first, second, third, again, start)
        ]
        assert [True, False, False, True] == [
            one is None for one in (first.prev_cursor, second.prev_cursor, second.next_cursor, third.next_cursor)
        ]
        assert (None, 3) == (second.total_pages, first.total_pages)
        assert start.prev_cursor is None

    def test_going_on_from_a_number(self, store: SampleStore) -> None:
        """Any numbered page can be gone on from in both directions."""
        letters(store, "abcdefg")
        with store.reader() as reader:
            page = reader.samples.page(sort="-text", page=2, limit=2, total=False)
            after = reader.samples.page(sort="-text", limit=2, after=page.next_cursor)
            before = reader.samples.page(sort="-text", limit=2, before=page.prev_cursor)
            beyond = reader.samples.page(sort="-text", page=9, limit=2, total=False)
            last = reader.samples.page(sort="-text", limit=2, before=beyond.prev_cursor)
            counted = reader.samples.page(sort="-text", limit=2, after=page.next_cursor, total=True)

        assert ["ed", "cb", "gf", "", "ba"] == [*map(texts, (page, after, before, beyond, last))]
        assert [None, None, 7] == [one.total_count for one in (page, after, counted)]
        assert ((False, True), (False, True)) == (
            (beyond.has_next, beyond.has_prev),
            (last.has_next, last.has_prev),
        )

    def test_what_is_gone_leaves_the_place(self, store: SampleStore) -> None:
        """A cursor holds although its entity was removed; an emptied side has no page and no cursor."""
        letters(store, "abcdef")
        with store.reader() as reader:
            page = reader.samples.page(sort="text", limit=2)
            delete(store, number(ord("b")))
            after = reader.samples.page(sort="text", limit=2, after=page.next_cursor)
            delete(store, number(ord("a")))
            alone = reader.samples.page(sort="text", limit=2, after=page.next_cursor)
            delete(store, *(number(ord(letter)) for letter in "ef"))
            empty = reader.samples.page(sort="text", limit=2, after=after.next_cursor)
            back = reader.samples.page(sort="text", limit=1, before=empty.prev_cursor)
            delete(store, *(number(ord(letter)) for letter in "cd"))
            nothing = reader.samples.page(sort="text", limit=2, after=after.next_cursor)

        assert ["cd", "cd", "", "d", ""] == [*map(texts, (after, alone, empty, back, nothing))]
        assert [True, False, True, True, False] == [one.has_prev for one in (after, alone, empty, back, nothing)]
        assert [False, True, True] == [
            cursor is None for cursor in (empty.prev_cursor, alone.prev_cursor, nothing.prev_cursor)
        ]
        assert not back.has_next

    def test_inside_a_unit(self, store: SampleStore) -> None:
        """A unit's pages show its own changes and are tracked; those of a snapshot show its moment."""
        letters(store, "abcd")
        with store.unit_of_work() as uow:
            page = uow.samples.page(sort="-text", limit=2)
            page.items[1].text = "C"
            uow.samples.add(Sample(text="bb"))
            assert ["bb", "b", "a", "C"] == [
                one.text for one in uow.samples.page(sort="-text", limit=9, after=page.next_cursor)
            ]
        with store.reader(snapshot=True) as reader:
            page = reader.samples.page(sort="text", limit=3)
            letters(store, "e")
            after = reader.samples.page(sort="text", limit=3, after=page.next_cursor)

        assert ("Cabd", 5) == (texts(page)[:2] + "bd", page.total_count)
        assert ["bb", "d"] == [one.text for one in after]

    def test_rules_stay_as_they_are(self, store: SampleStore) -> None:
        """The caller's own and-or combines with the place, on every page."""
        letters(store, "abcdefgh")
        with store.reader() as reader:
            page = reader.samples.page(
                lambda s: (s.text == "a") | (s.text == "c") | (s.text == "g"), sort="text", limit=1
            )
            found = texts(page)
            while page.next_cursor is not None:
                page = reader.samples.page(
                    lambda s: (s.text == "a") | (s.text == "c") | (s.text == "g"),
                    sort="text",
                    limit=1,
                    after=page.next_cursor,
                )
                found += texts(page)

        assert "acg" == found

    def test_pages_of_views(self, store: SampleStore) -> None:
        """Pages of views go by fields that the view does not have."""
        write(store, *({"_id": number(n), "text": "x", "number": 5 - n, "data": {"key": n}} for n in range(5)))
        with store.reader() as reader:
            first = reader.samples.page(sort=("number", "-data.key"), limit=2, select=SampleView)
            second = reader.samples.page(
                sort=("number", "-data.key"), limit=9, select=SampleView, after=first.next_cursor
            )

        assert (SampleView("x", None),) * 2 == first.items
        assert 3 == len(second)

    @pytest.mark.parametrize("value", [[], [1, 2], {"a": 1}], ids=str)
    @pytest.mark.parametrize("sort", ["anything", "-anything", "data.key"])
    def test_lists_have_no_place(self, store: SampleStore, sort: str, value: Any) -> None:
        """A list or dictionary in a sort key is refused when a page meets it; find() still goes by it."""
        write(store, *({"_id": number(n), "anything": n, "data": {"key": n}} for n in range(3)))
        write(store, {"_id": number(9), "anything": value, "data": {"key": value}})
        with store.reader() as reader:
            with pytest.raises(InvalidQuery, match="has no place in an order"):
                page = reader.samples.page(sort=sort, limit=1)
                while page.next_cursor is not None:
                    page = reader.samples.page(sort=sort, limit=1, after=page.next_cursor)
            assert 4 == len(reader.samples.find(sort=sort))

    def test_lists_on_the_way_have_no_place(self, store: SampleStore) -> None:
        """A key is not looked for in the items of a list."""
        write(store, {"_id": number(1), "anything": [{"key": 1}]})
        with store.reader() as reader, pytest.raises(InvalidQuery, match="cannot go by"):
            reader.samples.page(sort="anything.key")

    @pytest.mark.parametrize(
        ("ask", "words"),
        [
            (lambda r, c: r.page(sort="-text", limit=2, after=c), "belongs to another question"),
            (lambda r, c: r.page(sort=("text", "number"), limit=2, after=c), "belongs to another question"),
            (lambda r, c: r.page(lambda s: s.number == 1, sort="text", after=c), "belongs to another question"),
            (lambda r, c: r.page(sort="text", after=c[:-1]), "is damaged"),
            (lambda r, c: r.page(sort="text", after=c + "A"), "is damaged"),
            (lambda r, c: r.page(sort="text", before=""), "is damaged"),
            (lambda r, c: r.page(sort="text", before="é"), "is damaged"),
            (lambda r, c: r.page(sort="text", after="a" * 50), "is damaged"),
            (lambda r, c: r.page(sort="text", after=5), "which is text, not int"),
            (lambda r, c: r.page(sort="text", after=b"a"), "which is text, not bytes"),
            (lambda r, c: r.page(sort="text", after=c, before=c), "one of page=, after= and before="),
            (lambda r, c: r.page(sort="text", after=c, page=1), "one of page=, after= and before="),
            (lambda r, c: r.page(sort="text", after=c, limit=0), "limit must be"),
            (lambda r, c: r.page(sort="password"), "it is a secret"),
            (lambda r, c: r.page(sort="place"), "has no order"),
        ],
    )
    def test_wrong_cursors_are_refused(self, store: SampleStore, ask: Callable[[Any, str], Any], words: str) -> None:
        """A cursor that is damaged, foreign, or none is InvalidQuery, and a unit goes on."""
        letters(store, "abc")
        with store.unit_of_work() as uow:
            cursor = uow.samples.page(sort="text", limit=1).next_cursor
            assert cursor is not None
            with pytest.raises(InvalidQuery, match=words):
                ask(uow.samples, cursor)
            assert "bc" == texts(uow.samples.page(sort="text", after=cursor))

    def test_cursors_of_equal_questions(self, store: SampleStore) -> None:
        """A question is the same whatever object asks it, and in whatever order its values were given."""
        letters(store, "abc")
        with store.reader() as reader:
            page = reader.samples.page(lambda s: one_of(s.text, {"a", "b", "c"}), sort="text", limit=1)
            after = reader.samples.page(
                lambda s: one_of(s.text, ["c", "b", "a"]), sort=["text", "id"], limit=9, after=page.next_cursor
            )

        assert "bc" == texts(after)

    def test_every_page_is_the_same_from_both_sides(self, store: SampleStore) -> None:
        """Mixed directions over nested and missing values give one order in both directions."""
        write(
            store,
            *(
                {"_id": number(n), "text": "ab"[n % 2], **({"place": {"city": "xyz"[n % 3]}} if n % 4 else {})}
                for n in range(12)
            ),
        )
        sort = ("-place.city", "text", "-id")
        with store.reader() as reader:
            wanted = [one.id for one in reader.samples.find(sort=sort)]
            page = reader.samples.page(sort=sort, limit=5)
            ids = [one.id for one in page]
            while page.next_cursor:
                page = reader.samples.page(sort=sort, limit=5, after=page.next_cursor)
                ids += [one.id for one in page]
            back = [one.id for one in page]
            while page.prev_cursor:
                page = reader.samples.page(sort=sort, limit=5, before=page.prev_cursor)
                back = [one.id for one in page] + back

        assert wanted == ids == back
        assert Place("z") in [one.place for one in page]
