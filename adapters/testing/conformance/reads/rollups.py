"""What a backend with rollups answers, document by document."""

from datetime import datetime
from typing import Any

import pytest
from bson import Decimal128, ObjectId
from bson.datetime_ms import DatetimeMS

from .....domain.entities.bounds import Comparator
from .....domain.errors import InvalidQuery, ValidationError
from .....domain.queries.query import SortKey
from .....domain.queries.rollups import Bucket, Figure, Function, GroupKey, Rollup, TimeUnit
from .....domain.rules.predicates import Compare
from ....backend import Backend, Document
from ..cases import TIMEOUT, open_transaction, write
from ..offers import OfferedGuarantees

V = ("v",)
COUNT = Figure("n", Function.COUNT)


def rows(backend: Backend, rollup: Rollup, **options: Any) -> list[Document]:
    """The rows of a rollup over the things."""
    return backend.rollup("things", rollup, **{"transaction": None, "timeout": TIMEOUT, **options})


def figure(backend: Backend, function: Function, *values: Any) -> Any:
    """One figure of documents with these values."""
    write(backend, {"_id": 0}, *({"_id": number, "v": value} for number, value in enumerate(values, 1)))
    (row,) = rows(backend, Rollup(figures=(Figure("x", function, V),)))
    return row["x"]


def begun(backend: Backend, unit: TimeUnit, zone: str, *moments: Any) -> list[Any]:
    """The beginnings of the buckets in which moments lie, in the order of the moments."""
    write(backend, *({"_id": number, "v": moment} for number, moment in enumerate(moments)))
    keys = (GroupKey("id", ("_id",)), GroupKey("begin", V, Bucket(unit, zone)))
    return [row["begin"] for row in rows(backend, Rollup(keys))]


MOMENT = datetime(2026, 5, 14, 17, 38, 59, 999000)
NAN, INFINITY = float("nan"), float("inf")


class RollupsContract(OfferedGuarantees):
    """Groups, figures, buckets and their order."""

    @pytest.mark.parametrize(
        ("values", "expected"),
        [
            ([], 0),
            ([None, "5", True, [5], {"x": 5}, MOMENT], 0),
            ([1, 2, 3], 6),
            ([1, 0.5], 1.5),
            ([0.1] * 10, 1.0),
            ([1e16, 1.0, 1.0], 1e16 + 2),
            ([2**63 - 1, -1], 2**63 - 2),
            ([2**63 - 1, 1], 2.0**63),
            ([-(2**63), -1], -(2.0**63)),
            ([2**63 - 1, 2**63 - 1, -(2**63)], 2**63 - 2),
            ([2**53, 1, 1.0], 2.0**53 + 2),
            ([Decimal128("0.1"), 2, 0.5], Decimal128("2.6")),
            ([Decimal128("1E+34"), 1, Decimal128("-1E+34")], Decimal128("1")),
            ([INFINITY, 1], INFINITY),
        ],
        ids=str,
    )
    def test_totals(self, rolling: Backend, values: list[Any], expected: Any) -> None:
        """A total takes numbers alone, is exact in 64 bits, a double beyond, and decimal from the first decimal on."""
        found = figure(rolling, Function.TOTAL, *values)

        assert (type(expected) is float, expected) == (type(found) is float, found)

    @pytest.mark.parametrize(
        ("values", "expected"),
        [
            ([], None),
            ([None, "5", True], None),
            ([1, 2], 1.5),
            ([4], 4.0),
            ([2**63 - 1, 2**63 - 1], 2.0**63),
            ([Decimal128("0.1"), 2], Decimal128("1.05")),
            ([Decimal128("1"), 0, 0], Decimal128("0.3333333333333333333333333333333333")),
        ],
        ids=str,
    )
    def test_averages(self, rolling: Backend, values: list[Any], expected: Any) -> None:
        """A mean takes numbers alone, of nothing it is None."""
        found = figure(rolling, Function.AVERAGE, *values)

        assert (type(expected), expected) == (type(found), found)

    @pytest.mark.parametrize("function", [Function.TOTAL, Function.AVERAGE])
    @pytest.mark.parametrize(
        "values", [[NAN, 1], [INFINITY, -INFINITY, 1], [INFINITY, Decimal128("-Infinity")]], ids=str
    )
    def test_what_is_no_number(self, rolling: Backend, function: Function, values: list[Any]) -> None:
        """NaN, and infinities that cancel, make NaN of the whole."""
        found = figure(rolling, function, *values)

        assert found != found if isinstance(found, float) else found.to_decimal().is_nan()  # noqa: PLR0124

    @pytest.mark.parametrize(
        ("values", "least", "most"),
        [
            ([], None, None),
            ([None], None, None),
            ([3, 1.5, Decimal128("2")], 1.5, 3),
            ([5, "a", None, True, [0], {"x": 1}], 5, True),
            ([[2, 3], [2], [1, 9]], [1, 9], [2, 3]),
            (["b", "B", ""], "", "b"),
        ],
        ids=str,
    )
    def test_smallest_and_largest(self, rolling: Backend, values: list[Any], least: Any, most: Any) -> None:
        """Values of all types have one order, null has no part in it, lists compare as wholes."""
        smallest = figure(rolling, Function.SMALLEST, *values)
        both = Rollup(figures=(Figure("least", Function.SMALLEST, V), Figure("most", Function.LARGEST, V)))

        assert least == smallest
        assert [{"least": least, "most": most}] == rows(rolling, both)

    @pytest.mark.parametrize(
        ("values", "expected"),
        [
            ([], 0),
            ([None, None], 0),
            ([1, 1.0, Decimal128("1.00"), True, "1", 2], 4),
            ([NAN, NAN, 0.0, -0.0], 2),
            ([[1], [1], [1, 1], {"a": 1, "b": 2}, {"b": 2, "a": 1}], 4),
        ],
        ids=str,
    )
    def test_distinct_counts(self, rolling: Backend, values: list[Any], expected: int) -> None:
        """Values that MongoDB calls equal are one, and null is none."""
        assert expected == figure(rolling, Function.DISTINCT_COUNT, *values)

    def test_groups(self, rolling: Backend) -> None:
        """Missing and null are one key, numbers of one value are one, lists are wholes; the keys have an order."""
        values = [1, 1.0, Decimal128("1"), True, None, [2, 1], [1, 2], [2, 1], {"x": 1}, "a", NAN, NAN]
        write(rolling, {"_id": 0}, *({"_id": number, "v": value} for number, value in enumerate(values, 1)))

        found = [(row["v"], row["n"]) for row in rows(rolling, Rollup((GroupKey("v", V),), (COUNT,)))]

        expected = [(None, 2), ("nan", 2), (1, 3), ("a", 1), ({"x": 1}, 1), ([1, 2], 1), ([2, 1], 2), (True, 1)]
        assert expected == [("nan" if value != value else value, n) for value, n in found]  # noqa: PLR0124

    def test_paths_through_lists(self, rolling: Backend) -> None:
        """Along a path, a list is what its documents have there; an item has no number."""
        contents = [{"x": 1}, [{"x": 1}, {}, 7, {"x": [2]}], [], [[{"x": 1}]], 5]
        write(rolling, *({"_id": number, "v": value} for number, value in enumerate(contents)))

        by_name = rows(rolling, Rollup((GroupKey("id", ("_id",)), GroupKey("x", ("v", "x")))))
        by_number = rows(rolling, Rollup((GroupKey("x", ("v", "0")),)))

        assert [1, [1, [2]], [], [], None] == [row["x"] for row in by_name]
        assert [None, []] == [row["x"] for row in by_number]

    def test_order_and_limit(self, rolling: Backend) -> None:
        """Groups that are alike in the order given are in the order of all keys; the limit comes last."""
        values = [("b", 2), ("a", 2), ("a", 1), ("c", 9), ("a", 2), ("c", 9)]
        write(rolling, *({"_id": number, "v": v, "w": w} for number, (v, w) in enumerate(values)))
        keys = (GroupKey("v", V), GroupKey("w", ("w",)))
        by_count = Rollup(keys, (COUNT,), sort=(SortKey(("n",), descending=True),), limit=3)
        falling = Rollup(keys, sort=(SortKey(("w",), descending=True), SortKey(("v",))))

        assert [("a", 2, 2), ("c", 9, 2), ("a", 1, 1)] == [(r["v"], r["w"], r["n"]) for r in rows(rolling, by_count)]
        assert [("c", 9), ("a", 2), ("b", 2), ("a", 1)] == [(r["v"], r["w"]) for r in rows(rolling, falling)]

    def test_order_of_lists(self, rolling: Backend) -> None:
        """In an order of groups lists compare as wholes, behind numbers and text, and two of them are no trouble."""
        write(rolling, *({"_id": n, "v": v, "w": [n]} for n, v in enumerate([[3], 7, [1, 9], "a"])))
        sort = (SortKey(("v",), descending=True), SortKey(("w",)))

        found = rows(rolling, Rollup((GroupKey("v", V), GroupKey("w", ("w",))), sort=sort))

        assert [[3], [1, 9], "a", 7] == [row["v"] for row in found]

    def test_nothing(self, rolling: Backend) -> None:
        """Of no document there is no row, with and without keys."""
        write(rolling, {"_id": 1})
        nothing = Compare(("_id",), Comparator.GT, 1)

        assert [] == rows(rolling, Rollup((GroupKey("v", V),), (COUNT,), nothing))
        assert [] == rows(rolling, Rollup((), (COUNT,), nothing))
        assert [] == rolling.rollup("nowhere", Rollup((), (COUNT,)), transaction=None, timeout=TIMEOUT)

    def test_units_of_time(self, rolling: Backend) -> None:
        """A bucket begins with its year, quarter, month, Monday, day, hour or minute."""
        write(rolling, {"_id": 1, "v": MOMENT})
        wanted = [Rollup((GroupKey("begin", V, Bucket(unit)),)) for unit in TimeUnit]

        assert [
            datetime(2026, 1, 1),
            datetime(2026, 4, 1),
            datetime(2026, 5, 1),
            datetime(2026, 5, 11),
            datetime(2026, 5, 14),
            datetime(2026, 5, 14, 17),
            datetime(2026, 5, 14, 17, 38),
        ] == [rows(rolling, one)[0]["begin"] for one in wanted]

    @pytest.mark.parametrize(
        ("unit", "zone", "moment", "begin"),
        [
            (TimeUnit.DAY, "Europe/Berlin", datetime(2026, 3, 28, 22, 59), datetime(2026, 3, 27, 23)),
            (TimeUnit.DAY, "Europe/Berlin", datetime(2026, 3, 29, 21, 59), datetime(2026, 3, 28, 23)),
            (TimeUnit.DAY, "Europe/Berlin", datetime(2026, 3, 29, 22), datetime(2026, 3, 29, 22)),
            (TimeUnit.DAY, "Europe/Berlin", datetime(2026, 10, 25, 22, 59), datetime(2026, 10, 24, 22)),
            (TimeUnit.HOUR, "Europe/Berlin", datetime(2026, 10, 25, 1, 30), datetime(2026, 10, 25, 1)),
            (TimeUnit.MONTH, "Europe/Berlin", datetime(2026, 4, 1), datetime(2026, 3, 31, 22)),
            (TimeUnit.QUARTER, "America/New_York", datetime(2026, 4, 1, 3), datetime(2026, 1, 1, 5)),
            (TimeUnit.YEAR, "America/New_York", datetime(2026, 1, 1, 4, 59), datetime(2025, 1, 1, 5)),
            (TimeUnit.WEEK, "Europe/Berlin", datetime(2026, 3, 29, 22, 30), datetime(2026, 3, 29, 22)),
            (TimeUnit.WEEK, "Europe/Berlin", datetime(2026, 3, 29, 21, 30), datetime(2026, 3, 22, 23)),
            (TimeUnit.DAY, "America/Sao_Paulo", datetime(2018, 11, 4, 12), datetime(2018, 11, 4, 3)),
            (TimeUnit.DAY, "America/Havana", datetime(2020, 11, 1, 12), datetime(2020, 11, 1, 5)),
            (TimeUnit.HOUR, "Asia/Kathmandu", datetime(2026, 5, 14, 17, 38), datetime(2026, 5, 14, 17, 15)),
            (TimeUnit.HOUR, "Australia/Lord_Howe", datetime(2026, 7, 1, 0, 10), datetime(2026, 7, 1)),
            (TimeUnit.DAY, "Europe/Berlin", datetime(2060, 7, 1, 12), datetime(2060, 6, 30, 22)),
        ],
        ids=str,
    )
    def test_time_zones(self, rolling: Backend, unit: TimeUnit, zone: str, moment: datetime, begin: datetime) -> None:
        """The calendar is that of the zone, summer time and days of 23 and 25 hours included."""
        assert [begin] == begun(rolling, unit, zone, moment)

    def test_buckets_of_what_has_a_date(self, rolling: Backend) -> None:
        """Null has no bucket but None, and an ObjectId the one of its making."""
        assert [None, datetime(2023, 1, 1)] == begun(
            rolling, TimeUnit.YEAR, "UTC", None, ObjectId.from_datetime(datetime(2023, 7, 1))
        )

    @pytest.mark.parametrize("value", ["2026-01-01", 5, [MOMENT], {"at": MOMENT}], ids=str)
    def test_buckets_of_no_date(self, rolling: Backend, value: Any) -> None:
        """A value that is no date is an error, which names the key."""
        with pytest.raises(ValidationError, match="v: a stored value is no date"):
            begun(rolling, TimeUnit.DAY, "UTC", MOMENT, value)

    def test_zones_are_no_operators(self, rolling: Backend) -> None:
        """A zone that has the form of a path is an unknown zone."""
        with pytest.raises(InvalidQuery, match=r"time zone.*\$zone"):
            begun(rolling, TimeUnit.DAY, "$zone", MOMENT)

    @pytest.mark.parametrize("path", [("$where",), ("",), ("a\0b",)])
    def test_keys_are_no_operators(self, rolling: Backend, path: tuple[str, ...]) -> None:
        """A path that would be read as an operator is refused, as a key and as the field of a figure."""
        for wanted in (Rollup((GroupKey("x", path),)), Rollup(figures=(Figure("x", Function.TOTAL, path),))):
            with pytest.raises(InvalidQuery):
                rows(rolling, wanted)

    def test_transactions(self, rolling: Backend, transactional: Backend) -> None:
        """A rollup in a transaction sees its writes and its snapshot, one outside what is committed."""
        counted = Rollup(figures=(COUNT,))
        write(rolling, {"_id": 1})
        with open_transaction(rolling) as transaction:
            write(rolling, {"_id": 2}, transaction=transaction)
            write(rolling, {"_id": 3})

            assert [{"n": 2}] == rows(rolling, counted, transaction=transaction)
            assert [{"n": 2}] == rows(rolling, counted)

    def test_rows_belong_to_the_caller(self, rolling: Backend) -> None:
        """Changing a row changes nothing stored."""
        write(rolling, {"_id": 1, "v": [1], "w": {"x": 1}})
        wanted = Rollup((GroupKey("v", V),), (Figure("w", Function.LARGEST, ("w",)),))
        (row,) = rows(rolling, wanted)
        row["v"].append(2)
        row["w"]["x"] = 2

        assert [{"v": [1], "w": {"x": 1}}] == rows(rolling, wanted)

    def test_dates_beyond_python(self, rolling: Backend) -> None:
        """What BSON can hold and Python not is a value like any other, as long as it is in no bucket."""
        late = DatetimeMS(2**55)

        assert late == figure(rolling, Function.LARGEST, MOMENT, late)
