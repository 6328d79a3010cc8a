"""Rollups, as data: entities in groups, and figures of each group."""

from enum import Enum

from attrs import frozen

from ..rules.predicates import EVERYTHING, Path, Predicate
from .query import SortKey


class TimeUnit(Enum):
    """A stretch of the calendar; weeks begin on Monday."""

    YEAR = "year"
    QUARTER = "quarter"
    MONTH = "month"
    WEEK = "week"
    DAY = "day"
    HOUR = "hour"
    MINUTE = "minute"


class Function(Enum):
    """What is worked out of the values of a group; None and missing values are left out."""

    COUNT = "count"
    """How many documents; it has no path."""
    TOTAL = "total"
    """The sum of the numbers; 0 where there is none."""
    AVERAGE = "average"
    """The mean of the numbers; None where there is none."""
    SMALLEST = "smallest"
    """The first value in the order of values; None where there is none."""
    LARGEST = "largest"
    """The last value in the order of values; None where there is none."""
    DISTINCT_COUNT = "distinct_count"
    """How many different values."""


@frozen
class Bucket:
    """A stretch of time in which dates are alike.

    Attributes:
        unit: how long it is.
        zone: the time zone whose calendar counts, by its name in the tz database.
    """

    unit: TimeUnit
    zone: str = "UTC"


@frozen
class GroupKey:
    """One part of what the documents of a group have in common.

    Attributes:
        name: of the result.
        path: where the value is; None and a missing value are one.
        bucket: for a date, the stretch of time in which it lies: its beginning is the result.
    """

    name: str
    path: Path
    bucket: Bucket | None = None


@frozen
class Figure:
    """One figure of a group.

    Attributes:
        name: of the result.
        function: what is worked out.
        path: of which values.
    """

    name: str
    function: Function
    path: Path = ()


@frozen
class Rollup:
    """Which documents, in which groups, and what is worked out of each; paths of the entity or of its stored document.

    Attributes:
        keys: what the documents of a group have in common; without any, all are one group.
        figures: what is worked out.
        predicate: which documents.
        sort: the order, by names of results. Groups that are alike in it are in the ascending order of their keys.
        limit: the most groups, None for all.
    """

    keys: tuple[GroupKey, ...] = ()
    figures: tuple[Figure, ...] = ()
    predicate: Predicate = EVERYTHING
    sort: tuple[SortKey, ...] = ()
    limit: int | None = None
