"""Rollups in memory against a real mongod: the same groups, figures and order, of whatever values."""

import math
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from bson.decimal128 import Decimal128
from bson.objectid import ObjectId
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pymongo import MongoClient
from sized import sized

from tristore import TristoreError
from tristore.adapters.backend import (
    EVERYTHING,
    Backend,
    BackendOptions,
    Bucket,
    Comparator,
    Compare,
    Document,
    Figure,
    Function,
    GroupKey,
    IsNone,
    Not,
    Predicate,
    Rollup,
    SortKey,
    TimeUnit,
    WritePlan,
)
from tristore.adapters.memory.bson.value_order import order_key
from tristore.adapters.mongo.backend import MongoBackend
from tristore.testing import MemoryBackend, MongoServer

DATABASE = f"rollups_{os.getpid()}"
OPTIONS = BackendOptions("twin", ())
THOROUGH = settings(
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
ZONES = (
    *("UTC", "Europe/Berlin", "America/New_York", "America/Sao_Paulo", "America/Havana", "Asia/Beirut"),
    *("Asia/Kathmandu", "Asia/Kolkata", "Australia/Lord_Howe", "Asia/Pyongyang", "Pacific/Apia", "Antarctica/Troll"),
)
"""Zones whose clocks change at midnight, at other hours, by half an hour, by two hours, by a day, or never."""

NUMBERS = st.sampled_from(
    [
        *(0, 1, -1, 2, 7, 2**31, 2**53, 2**53 + 1, 2**62, 2**63 - 1, -(2**63), 2**32 + 1),
        *(0.0, -0.0, 1.0, 0.1, -1.5, 2.0**53, 2.0**63, 1e300, -1e300, 5e-324, 1e16),
        *(float("nan"), float("inf"), -float("inf"), 1.7976931348623157e308),
        *map(Decimal128, ["0", "-0", "1", "1.00", "0.1", "1E+300", "NaN", "Infinity", "-Infinity", "2.5", "-7"]),
        *map(
            Decimal128, ["9.999999999999999999999999999999999E+6144", "1E-6176", "0.3333333333333333333333333333333333"]
        ),
    ]
)
DATES = st.datetimes(datetime(1901, 1, 1), datetime(2100, 1, 1)).map(
    lambda moment: moment.replace(microsecond=moment.microsecond // 1000 * 1000)
)
SCALARS = st.one_of(
    NUMBERS,
    st.integers(-9, 9),
    st.floats(allow_nan=False, allow_infinity=False, width=32),
    DATES,
    st.sampled_from([True, False, "", "a", "b", b"", b"a", UUID(int=0), ObjectId("0" * 24), ObjectId("f" * 24)]),
)
NAMES = st.sampled_from(["a", "b", "c", "0"])
VALUES = st.recursive(
    st.none() | SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=5,
)
DOCUMENTS = st.lists(
    st.fixed_dictionaries({}, optional={"a": VALUES, "b": VALUES, "n": NUMBERS, "g": st.integers(0, 2), "d": DATES}),
    max_size=12,
)
PATHS = st.sampled_from([("a",), ("b",), ("a", "b"), ("a", "0"), ("a", "b", "c"), ("n",), ("g",), ("d",), ("_id",)])
BUCKETS = st.builds(Bucket, st.sampled_from(TimeUnit), st.sampled_from(ZONES))
KEYS = st.one_of(
    st.builds(GroupKey, st.just(""), PATHS),
    st.builds(GroupKey, st.just(""), st.sampled_from([("d",), ("x",)]), BUCKETS),
)
FIGURES = st.builds(Figure, st.just(""), st.sampled_from(Function), PATHS)
PREDICATES: st.SearchStrategy[Predicate] = st.sampled_from(
    [EVERYTHING, Not(IsNone(("a",))), Compare(("g",), Comparator.GE, 1), Compare(("n",), Comparator.LT, 5)]
)


@st.composite
def rollups(draw: st.DrawFn) -> Rollup:
    """A rollup whose results have names of their own, in any order."""
    keys = [
        GroupKey(f"key{number}", key.path, key.bucket) for number, key in enumerate(draw(st.lists(KEYS, max_size=3)))
    ]
    figures = [
        Figure(f"figure{number}", figure.function, figure.path)
        for number, figure in enumerate(draw(st.lists(FIGURES, min_size=1, max_size=4)))
    ]
    names = [*(key.name for key in keys), *(figure.name for figure in figures)]
    sort = draw(
        st.lists(
            st.builds(SortKey, st.sampled_from(names).map(lambda name: (name,)), st.booleans()),
            max_size=3,
            unique_by=lambda key: key.path,
        )
    )
    return Rollup(tuple(keys), tuple(figures), draw(PREDICATES), tuple(sort), draw(st.none() | st.integers(1, 3)))


@pytest.fixture(scope="module")
def mongo(tristore_mongod: MongoServer) -> Iterator[MongoBackend]:
    backend = MongoBackend.open(tristore_mongod.url_for(DATABASE), OPTIONS)
    yield backend
    backend.close()
    with MongoClient[Document](tristore_mongod.url) as client:
        client.drop_database(DATABASE)


@pytest.fixture(scope="module")
def bare(tristore_mongod: MongoServer) -> Iterator[Any]:
    with MongoClient[Document](tristore_mongod.url) as client:
        yield client[DATABASE].c


def twins(bare: Any, mongo: MongoBackend, contents: list[Document]) -> tuple[Backend, Backend]:
    """Both backends with the same documents."""
    bare.delete_many({})
    memory = MemoryBackend.open("memory://", OPTIONS)
    documents = [{"_id": number, **content} for number, content in enumerate(contents)]
    for backend in (memory, mongo):
        backend.write(WritePlan("c", "version", inserts=documents), transaction=None, timeout=5)
    return memory, mongo


def answer(backend: Backend, rollup: Rollup) -> object:
    """What a backend answers, numbers by type and value; of values that are alike, any is the smallest or largest."""
    extremes = {one.name for one in rollup.figures if one.function in {Function.SMALLEST, Function.LARGEST}}
    try:
        rows = backend.rollup("c", rollup, transaction=None, timeout=10)
        return [
            [(name, order_key(value) if name in extremes else comparable(value)) for name, value in row.items()]
            for row in rows
        ]
    except TristoreError as error:
        return type(error)


def comparable(value: Any) -> Any:
    if isinstance(value, dict):
        return [(name, comparable(item)) for name, item in value.items()]
    if isinstance(value, list):
        return [comparable(item) for item in value]
    if isinstance(value, Decimal128):
        number = value.to_decimal()
        return "decimal", str(number) if number.is_nan() else (number, number.is_signed())
    if isinstance(value, float):
        return "double", "nan" if math.isnan(value) else (value, math.copysign(1, value))
    return ("int", int(value)) if isinstance(value, int) and not isinstance(value, bool) else (type(value), value)


@sized(60, soak=300)
def test_the_same_rows(bare: Any, mongo: MongoBackend, examples: int) -> None:
    """Of documents of all types of values, both backends give the same rows in the same order."""

    @settings(THOROUGH, max_examples=examples)
    @given(DOCUMENTS, st.lists(rollups(), min_size=3, max_size=8))
    def law(contents: list[Document], wanted: list[Rollup]) -> None:
        memory, server = twins(bare, mongo, contents)

        for rollup in wanted:
            assert answer(server, rollup) == answer(memory, rollup), rollup

    law()


def borders(zone: str) -> list[datetime]:
    """Moments around each change of the clocks of a zone from 2000 to 2060, and at the borders of its years."""
    found: list[datetime] = []
    place, moment = ZoneInfo(zone), datetime(2000, 1, 1, tzinfo=UTC)
    offset = moment.astimezone(place).utcoffset()
    while moment.year < 2060:
        moment += timedelta(hours=12)
        changed = moment.astimezone(place).utcoffset()
        if changed != offset:
            found.append(moment)
        offset = changed
    years = [datetime(year, 1, 1, tzinfo=UTC) for year in range(1950, 2060, 7)]
    steps = [timedelta(minutes=30 * number) for number in range(-50, 51, 10)] + [timedelta(milliseconds=-1)]
    return [
        (one + step).replace(tzinfo=None) for one in (*found[:: max(1, len(found) // 16)], *years) for step in steps
    ]


@pytest.mark.parametrize("zone", ZONES)
def test_the_same_buckets(bare: Any, mongo: MongoBackend, zone: str) -> None:
    """Around each change of the clocks, and far from it, both backends cut time at the same moments."""
    memory, server = twins(bare, mongo, [{"d": moment} for moment in borders(zone)])

    for unit in TimeUnit:
        keys = (GroupKey("id", ("_id",)), GroupKey("begin", ("d",), Bucket(unit, zone)))

        assert answer(server, Rollup(keys)) == answer(memory, Rollup(keys)), unit
