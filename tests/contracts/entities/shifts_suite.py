"""What a store keeps of dates, times of the day and durations."""

from collections.abc import Callable
from contextlib import nullcontext
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from bson import Int64, ObjectId
from hypothesis import given, settings
from hypothesis import strategies as st

from tristore import (
    ConfigurationError,
    Documents,
    DuplicateKey,
    Index,
    InvalidQuery,
    Specification,
    ValidationError,
    average,
    between,
    bucket,
    contains,
    contains_all,
    is_none,
    largest,
    not_one_of,
    one_of,
    open_store,
    smallest,
    some,
    total,
    where,
)
from tristore.adapters.backend import Document, Query, WritePlan
from tristore.operations import export_lines, import_lines
from tristore.testing import entities, factory_of, specifications

from .shifts import Day, Shift, ShiftContract, ShiftRepository, ShiftStore, ShiftUnitOfWork, Stay, When

HOUR = timedelta(hours=1)
LAW = settings(max_examples=30, deadline=None, database=None)
SEVERAL = st.lists(
    entities(Shift), min_size=1, max_size=4, unique_by=(lambda s: s.id, lambda s: (s.worker, s.day, s.begins))
)
FIELDS = ("worker", "day", "begins", "lasts", "left", "last_day", "ends", "rest", "breaks", "off", "spent", "stay")


def shifts() -> list[Shift]:
    """Three shifts that differ in everything."""
    return [
        Shift(worker="ada", day=date(2026, 1, 31), begins=time(9), lasts=8 * HOUR, breaks=[time(12), time(15, 30)]),
        Shift(worker="bob", day=date(2026, 1, 31), begins=time(9, 0, 0, 1), lasts=HOUR, ends=time(10), rest=-HOUR),
        Shift(
            worker="cid",
            day=date(2026, 2, 1),
            begins=time(23, 59),
            last_day=date(2026, 2, 2),
            off={date(2026, 2, 3), date.max},
            spent={"tea": HOUR},
            stay=Stay(date(2026, 2, 2), time(0, 1)),
        ),
    ]


def values_of(shift: Shift) -> list[Any]:
    """What a test gave it."""
    return [getattr(shift, name) for name in FIELDS]


def stored(store: ShiftStore) -> list[Document]:
    """The documents."""
    return store.backend.find("shifts", Query(), transaction=None, timeout=5).to_list()


def add(store: ShiftStore, *found: Shift) -> None:
    """Store shifts."""
    with store.unit_of_work() as uow:
        for one in found:
            uow.shifts.add(one)


def forget(store: ShiftStore) -> None:
    """Remove all of them."""
    with store.bulk() as bulk:
        bulk.shifts.remove_where(None)


RULES: dict[str, tuple[Callable[[Shift], Any], str]] = {
    "a day": (lambda s: s.day == date(2026, 1, 31), "ada bob"),
    "not a day": (lambda s: s.day != date(2026, 1, 31), "cid"),
    "later days": (lambda s: s.day > date(2026, 1, 31), "cid"),
    "between days": (lambda s: between(s.day, date(2026, 1, 1), date(2026, 1, 31)), "ada bob"),
    "one of the days": (lambda s: one_of(s.day, [date(2026, 2, 1), date.min]), "cid"),
    "none of the days": (lambda s: not_one_of(s.day, [date(2026, 2, 1)]), "ada bob"),
    "an optional day": (lambda s: some(s.last_day) >= date(2026, 2, 2), "cid"),
    "no day": (lambda s: is_none(s.last_day), "ada bob"),
    "a day off": (lambda s: contains(s.off, date.max), "cid"),
    "a time": (lambda s: s.begins == time(9), "ada"),
    "earlier times": (lambda s: s.begins < time(9, 0, 0, 1), "ada"),
    "between times": (lambda s: between(s.begins, time(9), time(9, 0, 0, 1)), "ada bob"),
    "breaks": (lambda s: contains_all(s.breaks, [time(12), time(15, 30)]), "ada"),
    "a break by its position": (lambda s: s.breaks[1] == time(15, 30), "ada"),
    "a duration": (lambda s: s.lasts == 8 * HOUR, "ada"),
    "shorter ones": (lambda s: s.lasts <= HOUR, "bob cid"),
    "negative ones": (lambda s: some(s.rest) < timedelta(), "bob"),
    "one under a key": (lambda s: s.spent["tea"] > 59 * timedelta(minutes=1), "cid"),
    "a nested day": (lambda s: some(s.stay).day == date(2026, 2, 2), "cid"),
}


class ShiftsContract(ShiftContract):
    """Dates, times of the day and durations."""

    def test_they_come_back_as_they_were(self, store: ShiftStore) -> None:
        """Whatever `entities` derives is stored and loaded with equal values of the same types."""

        @LAW
        @given(SEVERAL)
        def come_back(given: list[Shift]) -> None:
            forget(store)
            before = {shift.id: values_of(shift) for shift in given}
            add(store, *given)
            with store.reader() as reader:
                found = reader.shifts.find()

            assert before == {shift.id: values_of(shift) for shift in found}
            assert {(date, time, timedelta, timedelta)} == {
                (type(s.day), type(s.begins), type(s.lasts), type(s.left)) for s in found
            }

        come_back()

    @pytest.mark.parametrize("name", ["day", "begins", "lasts", "left"])
    def test_the_order_of_the_store_is_that_of_the_values(self, store: ShiftStore, name: str) -> None:
        """A sort, in either direction and page by page, gives the order in which Python has the values."""

        @LAW
        @given(SEVERAL)
        def in_order(given: list[Shift]) -> None:
            forget(store)
            add(store, *given)
            expected = sorted(getattr(shift, name) for shift in given)
            with store.reader() as reader:
                found = [getattr(shift, name) for shift in reader.shifts.find(sort=name)]
                backwards = [getattr(shift, name) for shift in reader.shifts.find(sort=f"-{name}")]
                page = reader.shifts.page(limit=1, sort=name)
                paged = [*page.items]
                while page.next_cursor is not None:
                    page = reader.shifts.page(limit=1, sort=name, after=page.next_cursor)
                    paged += page.items

            assert [expected, expected[::-1]] == [found, backwards]
            assert expected == [getattr(shift, name) for shift in paged]

        in_order()

    def test_stores_find_what_satisfies_a_rule(self, store: ShiftStore) -> None:
        """A store finds exactly those shifts that a derived rule says."""

        @LAW
        @given(SEVERAL, st.lists(specifications(Shift), min_size=1, max_size=5))
        def agree(given: list[Shift], rules: list[Specification[Shift]]) -> None:
            forget(store)
            add(store, *given)
            with store.reader() as reader:
                found = [{shift.id for shift in reader.shifts.find(rule)} for rule in rules]

            assert [{shift.id for shift in given if rule.is_satisfied_by(shift)} for rule in rules] == found

        agree()

    @pytest.mark.parametrize("name", RULES)
    def test_every_word_asks_about_them(self, store: ShiftStore, name: str) -> None:
        """Each word of the rule language finds in the store what it says of the object."""
        rule, expected = RULES[name]
        add(store, *shifts())
        with store.reader() as reader:
            found = [shift.worker for shift in reader.shifts.find(rule, sort="worker")]

        assert expected.split() == found
        assert found == [shift.worker for shift in shifts() if where(Shift, rule).is_satisfied_by(shift)]

    def test_the_stored_forms_are_those_of_the_documentation(self, store: ShiftStore) -> None:
        """A date is a date at midnight in UTC, a time text of one width, a timedelta 64 bits of microseconds."""
        add(
            store, Shift(day=date(2026, 1, 31), begins=time(9, 5), lasts=timedelta(microseconds=3), off={date(1, 1, 1)})
        )
        (document,) = stored(store)

        assert datetime(2026, 1, 31) == document["day"]
        assert [datetime(1, 1, 1)] == document["off"]
        assert "09:05:00.000000" == document["begins"]
        assert (Int64(3), Int64) == (document["lasts"], type(document["lasts"]))

    def test_what_does_not_fit_is_refused_with_its_field(self, store: ShiftStore) -> None:
        """A datetime is no date, a time has no zone, and a duration fits 64 bits: all that is wrong is told at once."""
        wrong: Any = {"day": datetime(2026, 1, 31, tzinfo=UTC), "begins": time(9, tzinfo=UTC), "left": timedelta.max}
        with pytest.raises(ValidationError) as refusal:
            add(store, Shift(**wrong))

        assert {
            "day": "must be a date, not a value of type datetime",
            "begins": "must be a time without a zone",
            "left": "must fit 64 bits of microseconds",
        } == {problem.field: problem.message for problem in refusal.value.problems}

    @pytest.mark.parametrize(
        ("field", "value", "message"),
        [
            ("lastDay", datetime(2026, 1, 31, 12), "expected a date at midnight UTC, found one with a time of the day"),
            ("lastDay", "2026-01-31", "expected a date between the years 1 and 9999, found a value of type str"),
            ("ends", "9:00", "expected a time as HH:MM:SS.ffffff, found another text"),
            ("ends", "24:00:00.000000", "expected a time as HH:MM:SS.ffffff, found another text"),
            ("ends", 9, "expected a time as HH:MM:SS.ffffff, found a value of type int"),
            ("rest", 0.5, "must be a whole number, not a value of type float"),
            ("rest", 1e300, "must fit 64 bits"),
            ("rest", "PT1S", "must be a whole number, not a value of type str"),
        ],
    )
    def test_a_stored_value_of_another_form_is_refused(
        self, unvalidated: ShiftStore, field: str, value: object, message: str
    ) -> None:
        """What another program stored in another form is an error that names the field."""
        document = {"_id": ObjectId(), "day": datetime(2026, 1, 31), "begins": "09:00:00.000000", field: value}
        plan = WritePlan("loose", "version", inserts=[document])
        unvalidated.backend.write_many(plan, timeout=5)
        with unvalidated.reader() as reader, pytest.raises(ValidationError) as refusal:
            reader.shifts.find()

        (problem,) = refusal.value.problems
        assert {"lastDay": "last_day"}.get(field, field) == problem.field
        assert message == problem.message

    def test_a_whole_double_is_a_duration(self, unvalidated: ShiftStore) -> None:
        """Other programs write every number as a double."""
        document = {"_id": ObjectId(), "day": datetime(2026, 1, 31), "begins": "09:00:00.000000", "rest": 1e6}
        unvalidated.backend.write_many(WritePlan("loose", "version", inserts=[document]), timeout=5)
        with unvalidated.reader() as reader:
            (found,) = reader.shifts.find()

        assert timedelta(seconds=1) == found.rest

    def test_a_unique_key_of_them_holds(self, store: ShiftStore) -> None:
        """No two shifts of a worker begin on one day at one time."""
        add(store, *shifts())
        with pytest.raises(DuplicateKey):
            add(store, shifts()[0])

        add(store, Shift(worker="ada", day=date(2026, 1, 31), begins=time(9, 0, 1)))

    def test_documents_may_expire_by_a_date(self, url: str) -> None:
        """An index lets documents go some time after the midnight with which a date begins; a time is no date."""
        for name, refusal in (("day", None), ("begins", "begins holds no datetime")):
            index = Index(name, expire_after=HOUR)
            documents = [Documents(ShiftRepository, collection="expiring", indexes=(index,))]
            with nullcontext() if refusal is None else pytest.raises(ConfigurationError, match=refusal):
                open_store(ShiftUnitOfWork, url=url, documents=documents, prepare="create").close()

    def test_durations_are_added_up(self, store: ShiftStore) -> None:
        """A rollup gives the total, the smallest and the largest, as dates, times and durations."""
        add(store, *shifts())
        with store.reader() as reader:
            rows = reader.shifts.rollup(
                Day,
                by=lambda s: {"day": s.day},
                values=lambda s: {"lasts": total(s.lasts), "first": smallest(s.begins), "longest": largest(s.lasts)},
                sort="day",
            )

        assert [
            Day(date(2026, 1, 31), 9 * HOUR, time(9), 8 * HOUR),
            Day(date(2026, 2, 1), timedelta(), time(23, 59), timedelta()),
        ] == rows

    def test_a_total_beyond_64_bits_is_told(self, store: ShiftStore) -> None:
        """Where durations add up to more than a store can hold, that is an error and no other duration."""
        most = timedelta(microseconds=2**63 - 1)
        begins = [time(hour) for hour in range(3)]
        add(store, *(Shift(day=date(2026, 1, 31), begins=begin, lasts=most) for begin in begins))
        with store.reader() as reader, pytest.raises(ValidationError, match="does not fit the 64 bits in which"):
            reader.shifts.rollup(
                Day,
                by=lambda s: {"day": s.day},
                values=lambda s: {"lasts": total(s.lasts), "first": smallest(s.begins), "longest": largest(s.lasts)},
            )

    def test_a_mean_and_a_bucket_of_them_are_refused(self, store: ShiftStore) -> None:
        """A mean of durations may lie between two of them, and a date is no datetime: both are refused with why."""
        refused: Any = (
            (lambda s: {"day": s.day}, lambda s: {"lasts": average(s.lasts)}, "the mean may lie between two of them"),
            (lambda s: {"day": bucket(s.day, "month")}, lambda s: {}, r"day is date: bucket\(\) takes a datetime"),
            (lambda s: {"day": s.day}, lambda s: {"lasts": total(s.begins)}, "takes numbers, Decimal and timedeltas"),
        )
        for by, values, message in refused:
            with store.reader() as reader, pytest.raises(InvalidQuery, match=message):
                reader.shifts.rollup(Day, by=by, values=values)

    def test_a_duration_is_incremented_where_it_is_stored(self, store: ShiftStore) -> None:
        """An increment adds to stored durations, and meets none that its validator would then refuse."""
        add(store, *shifts())
        with store.bulk() as bulk:
            shorter = bulk.shifts.update_where(None, increment={"lasts": -2 * HOUR, "left": timedelta(microseconds=1)})
        with store.reader() as reader:
            found = {shift.worker: (shift.lasts, shift.left) for shift in reader.shifts.find()}

        assert 1 == shorter.matched
        assert {
            "ada": (6 * HOUR, timedelta(microseconds=1)),
            "bob": (HOUR, timedelta()),
            "cid": (timedelta(), timedelta()),
        } == found

    @pytest.mark.parametrize(
        ("increment", "message"),
        [
            ({"lasts": 5}, "lasts is timedelta, and cannot be incremented by a int"),
            ({"left": timedelta.max}, "left can be incremented by a finite number of at most 64 bits"),
            ({"day": timedelta(1)}, "day is date: only numbers, Decimal and timedeltas can be incremented"),
        ],
    )
    def test_other_increments_are_refused(self, store: ShiftStore, increment: dict[str, Any], message: str) -> None:
        """Only a timedelta of 64 bits is added, and only to a timedelta."""
        with store.bulk() as bulk, pytest.raises(InvalidQuery, match=message):
            bulk.shifts.update_where(None, increment=increment)

    def test_changes_are_found_and_sets_without_loading_too(self, store: ShiftStore) -> None:
        """Edits in place are written, equal values are none, and `update_where` sets values."""
        add(store, *shifts())
        with store.unit_of_work() as uow:
            ada, bob, cid = uow.shifts.find(sort="worker")
            ada.breaks[0] = time(13)
            bob.day = date(2026, 1, 31)
            cid.spent["tea"] = 2 * HOUR
            cid.off.add(date(2026, 2, 4))
        with store.bulk() as bulk:
            bulk.shifts.update_where(
                lambda s: s.begins == time(9), set={"ends": time(17), "last_day": date(2026, 3, 1)}
            )
        with store.reader() as reader:
            ada, bob, cid = reader.shifts.find(sort="worker")

        assert ([time(13), time(15, 30)], time(17), date(2026, 3, 1), 3) == (
            ada.breaks,
            ada.ends,
            ada.last_day,
            ada.version,
        )
        assert (1, 2) == (bob.version, cid.version)
        assert (2 * HOUR, {date(2026, 2, 3), date(2026, 2, 4), date.max}) == (cid.spent["tea"], cid.off)

    def test_views_values_and_cached_reads_give_them(self, store: ShiftStore) -> None:
        """A view, the different values of a field and a read through the cache have the same values."""
        add(store, *shifts())
        with store.reader() as reader:
            views = reader.shifts.find(sort="worker", select=When)
            days = reader.shifts.distinct(lambda s: s.day)
            breaks = reader.shifts.distinct(lambda s: s.breaks)
            lengths = reader.shifts.distinct(lambda s: s.lasts)
            cached = [reader.shifts.cached(ttl=60).find(sort="worker") for _ in range(2)]

        assert [When(s.day, s.begins) for s in shifts()] == views
        assert [date(2026, 1, 31), date(2026, 2, 1)] == days
        assert [time(12), time(15, 30)] == breaks
        assert [timedelta(), HOUR, 8 * HOUR] == lengths
        assert [[values_of(s) for s in shifts()]] * 2 == [[values_of(s) for s in found] for found in cached]

    def test_they_go_out_and_come_in_as_extended_json(self, store: ShiftStore, tmp_path: Path) -> None:
        """An export and an import make the same documents again."""
        add(store, *shifts())
        before = stored(store)
        export_lines(store, "shifts", tmp_path / "shifts.jsonl")
        forget(store)
        report = import_lines(store, "shifts", tmp_path / "shifts.jsonl")

        assert (3, 0) == (report.inserted, report.rejected)
        assert sorted(map(str, before)) == sorted(map(str, stored(store)))

    def test_factories_make_and_save_them(self, store: ShiftStore) -> None:
        """A factory's shifts pass their own rules and the store's."""
        saved = factory_of(Shift).save(store, count=5)
        with store.reader() as reader:
            found = {shift.id: values_of(shift) for shift in reader.shifts.find()}

        assert {shift.id: values_of(shift) for shift in saved} == found
