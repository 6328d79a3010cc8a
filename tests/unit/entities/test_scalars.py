"""The rows of plain values: what JSON, Python source, orders and the test kit make of each type."""

from collections import defaultdict
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from attrs import define, field, validators
from contracts.entities.shifts import Shift
from hypothesis import given
from hypothesis import strategies as st

from tristore import Entity, InvalidQuery, ValidationError, from_dict, to_dict, where
from tristore.adapters.documents.values.codecs import STORED
from tristore.adapters.testing.fuzzing.python_source.source import Source
from tristore.domain.entities.plain_values import INT64_MAX, INT64_MIN
from tristore.domain.entities.scalars import SCALARS, Kind
from tristore.domain.entities.schema import schema_of
from tristore.testing import entities, factory_of

STEPPED = [(kind, scalar.steps) for kind, scalar in SCALARS.items() if scalar.steps is not None]
DAY, BEGINS = date(2026, 1, 31), time(9)


def values_of(kind: Kind) -> st.SearchStrategy[Any]:
    """Samples of a row, and values anywhere in its steps."""
    scalar = SCALARS[kind]
    samples = st.sampled_from(scalar.samples)
    if scalar.steps is None:
        return samples
    return samples | st.integers(scalar.steps.least, scalar.steps.most).map(scalar.steps.value)


def test_every_type_has_both_rows() -> None:
    """What the domain knows as a plain value, the codecs can store."""
    assert SCALARS.keys() == STORED.keys()


@given(st.data())
def test_json_is_read_as_what_was_written(data: st.DataObject) -> None:
    """What a row writes as JSON, it reads as an equal value of the same type."""
    kind = data.draw(st.sampled_from([*SCALARS]))
    value = data.draw(values_of(kind))
    row = SCALARS[kind]
    found = row.read(row.write(value))

    assert (type(value), repr(value)) == (type(found), repr(found))


@given(st.data())
def test_bson_is_loaded_as_what_was_dumped(data: st.DataObject) -> None:
    """What a row of the codecs dumps, it loads as an equal value of the same type."""
    kind = data.draw(st.sampled_from([*SCALARS]))
    value = data.draw(values_of(kind))
    codec = STORED[kind].codec
    found = codec.load(codec.dump(value))

    assert (type(value), repr(value)) == (type(found), repr(found))


@given(st.data())
def test_values_stand_in_the_order_of_their_places(data: st.DataObject) -> None:
    """The steps of a row, what it compares, and the stored form of a time are in the order of the values."""
    kind, steps = data.draw(st.sampled_from(STEPPED))
    one, other = (steps.value(data.draw(st.integers(steps.least, steps.most))) for _ in range(2))
    compared: list[Any] = [SCALARS[kind].compared(value) for value in (one, other)]
    stored = [STORED[kind].codec.dump(value) for value in (one, other)]

    assert (one < other) == (steps.place(one) < steps.place(other)) == (compared[0] < compared[1])
    if kind is not Kind.UUID:  # a server compares UUIDs as bytes, which have an order of their own class
        assert (one < other) == (stored[0] < stored[1])


@given(st.data())
def test_python_source_gives_the_value(data: st.DataObject) -> None:
    """The expression that a row writes is the value, with the imports that it asks for."""
    kind = data.draw(st.sampled_from([*SCALARS]))
    value = data.draw(values_of(kind))
    source = Source()
    text = source.of(value)
    names: dict[str, Any] = {}
    exec("\n".join([*source.imports(), f"found = {text}"]), names)

    assert repr(value) == repr(names["found"])


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (date(2026, 1, 31), "date(2026, 1, 31)"),
        (time(9, 30), "time(9, 30)"),
        (timedelta(hours=1), "timedelta(seconds=3600)"),
    ],
)
def test_findings_spell_times_as_a_reader_would(value: object, text: str) -> None:
    """The fuzzer writes the call that makes the value."""
    source = Source()

    assert text == source.of(value)
    assert [f"from datetime import {type(value).__name__}"] == source.imports()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (timedelta(), "PT0S"),
        (timedelta(days=1, hours=2, minutes=30), "P1DT2H30M"),
        (timedelta(microseconds=-500_000), "-PT0.5S"),
        (timedelta(days=3), "P3D"),
        (timedelta(seconds=61, microseconds=1), "PT1M1.000001S"),
        (timedelta(microseconds=INT64_MAX), "P106751991DT4H54.775807S"),
        (timedelta(microseconds=INT64_MIN), "-P106751991DT4H54.775808S"),
    ],
)
def test_durations_are_iso_8601(value: timedelta, text: str) -> None:
    """JSON has a duration of ISO 8601, to the microsecond."""
    shift = Shift(day=DAY, begins=BEGINS, left=value)

    assert text == to_dict(shift)["left"]
    assert value == from_dict(Shift, {"day": "2026-01-31", "begins": "09:00", "left": text}).left


@pytest.mark.parametrize(("text", "hours"), [("PT48H", 48), ("PT90M", 1.5), ("P1DT0.0S", 24), ("PT3600S", 1)])
def test_other_spellings_of_a_duration_are_read(text: str, hours: float) -> None:
    """A duration need not be written in its largest units."""
    assert timedelta(hours=hours) == SCALARS[Kind.TIMEDELTA].read(text)


@given(entities(Shift))
def test_an_entity_comes_back_from_json(shift: Shift) -> None:
    """`from_dict` makes of `to_dict` an entity with equal values, also in lists, sets and dictionaries."""
    found = from_dict(Shift, to_dict(shift))

    assert {name: getattr(shift, name) for name in schema_of(Shift).fields} == {
        name: getattr(found, name) for name in schema_of(Shift).fields
    }


@pytest.mark.parametrize(
    ("field_name", "given_value", "message"),
    [
        ("day", "31.1.2026", "must be a date in ISO 8601, such as 2026-01-31"),
        ("day", "2026-01-31T00:00:00", "must be a date in ISO 8601, such as 2026-01-31"),
        ("day", datetime(2026, 1, 31, tzinfo=UTC), "must be a date, such as 2026-01-31, not datetime"),
        ("day", 5, "must be a date, such as 2026-01-31, not int"),
        ("begins", "9 o'clock", "must be a time in ISO 8601, such as 12:30:00"),
        ("begins", "09:00:00Z", "must be a time without a zone, such as 12:30:00"),
        ("begins", 9, "must be a time, such as 12:30:00, not int"),
        ("left", "P", "must be a duration in ISO 8601, such as P1DT2H30M or -PT0.5S"),
        ("left", "PT1.0000001S", "must be a duration in ISO 8601, such as P1DT2H30M or -PT0.5S"),
        ("left", "P106751992D", "must fit 64 bits of microseconds"),
        ("left", "PT9223372036855S", "must fit 64 bits of microseconds"),
        ("left", timedelta.max, "must fit 64 bits of microseconds"),
        ("left", 3600, "must be a duration in ISO 8601, such as P1DT2H30M, not int"),
    ],
)
def test_wrong_json_is_refused_with_its_field(field_name: str, given_value: object, message: str) -> None:
    """What is no date, time or duration is told with its field, and what to write instead."""
    with pytest.raises(ValidationError) as refusal:
        from_dict(Shift, {"day": DAY, "begins": BEGINS, field_name: given_value})

    assert [(field_name, message)] == [(problem.field, problem.message) for problem in refusal.value.problems]


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (lambda s: s.day == datetime(2026, 1, 31, tzinfo=UTC), "day is date, and cannot be compared with a datetime"),
        (lambda s: s.day == "2026-01-31", "day is date, and cannot be compared with a str"),
        (lambda s: s.created_at > date(2026, 1, 31), "created_at is datetime, and cannot be compared with a date"),
        (lambda s: s.begins < time(9, tzinfo=UTC), "a time with a zone: give one without"),
        (lambda s: s.lasts > 5, "lasts is timedelta, and cannot be compared with the int 5"),
        (lambda s: s.left == timedelta.max, "a timedelta of more than 64 bits of microseconds"),
    ],
)
def test_rules_refuse_what_a_field_never_has(rule: Any, message: str) -> None:
    """A rule compares a date with dates, a time with times without a zone, a duration with durations."""
    with pytest.raises(InvalidQuery, match=message):
        where(Shift, rule)


@define(kw_only=True)
class Bounded(Entity):
    """Fields whose validators bound them."""

    day: date = field(validator=[validators.gt(date(2026, 1, 1)), validators.le(date(2026, 1, 3))])
    begins: time = field(validator=[validators.ge(time(23, 59, 59, 999_998))])
    lasts: timedelta = field(validator=[validators.gt(timedelta()), validators.lt(timedelta(microseconds=3))])
    chosen: date = field(validator=validators.in_([date.min, date.max]))


BOUNDED = {
    "day": {date(2026, 1, 2), date(2026, 1, 3)},
    "begins": {time(23, 59, 59, 999_998), time.max},
    "lasts": {timedelta(microseconds=1), timedelta(microseconds=2)},
    "chosen": {date.min, date.max},
}


def test_strategies_and_factories_stay_inside_bounds() -> None:
    """Both make every value that the bounds leave, and no other."""
    drawn: dict[str, set[Any]] = defaultdict(set)

    @given(entities(Bounded))
    def draw(found: Bounded) -> None:
        for name in BOUNDED:
            drawn[name].add(getattr(found, name))

    draw()
    made = factory_of(Bounded).batch(60)

    assert BOUNDED == drawn
    assert BOUNDED == {name: {getattr(one, name) for one in made} for name in BOUNDED}


@pytest.mark.parametrize("value", [date(2026, 1, 31), time(9), timedelta(1)])
def test_a_free_value_is_none_of_them(value: object) -> None:
    """Where no type is declared they could not come back as they were, so they are refused."""

    @define(kw_only=True)
    class Free(Entity):
        free: dict[str, Any] = field(factory=dict)

    with pytest.raises(InvalidQuery, match=f"cannot be compared with a {type(value).__name__}"):
        where(Free, lambda f: f.free["a"] == value)
