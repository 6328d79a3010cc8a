"""Rollups as MongoDB's aggregation pipelines, and which pipelines of callers are carried out.

Names of results stay here: on the way they are numbered, and paths are the only text of a caller in an expression.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from bson import Decimal128
from pymongo.errors import OperationFailure

from ....domain.errors import InvalidQuery, TristoreError, ValidationError
from ....domain.queries.rollups import Figure, Function, GroupKey, Rollup
from ....domain.rules.predicates import EVERYTHING, Path, dotted
from ...backend import Document
from .filters import to_filter, to_sort_key

Pipeline = list[dict[str, Any]]

_FORBIDDEN = frozenset({"$out", "$merge", "$where", "$function", "$accumulator"})
"""What writes, and what runs JavaScript on the server."""

_ACCUMULATORS = {
    Function.TOTAL: "$sum",
    Function.AVERAGE: "$avg",
    Function.SMALLEST: "$min",
    Function.LARGEST: "$max",
}

# https://github.com/mongodb/mongo/blob/v6.0/src/mongo/db/pipeline/expression.cpp and .../datetime/date_time_support.cpp
_NO_DATE = 5439012
_NO_ZONE = 40485


def to_pipeline(rollup: Rollup) -> Pipeline:
    """Translate a rollup.

    Raises:
        InvalidQuery: if a key cannot be that of a document.
    """
    figures = {f"v{number}": _accumulator(figure) for number, figure in enumerate(rollup.figures)}
    keys = {f"k{number}": _key(key) for number, key in enumerate(rollup.keys)}
    stages: Pipeline = []
    if rollup.predicate != EVERYTHING:
        stages.append({"$match": to_filter(rollup.predicate)})
    stages.append({"$group": {"_id": keys or None, **figures}})
    sizes = {
        f"v{number}": {"$size": f"$v{number}"}
        for number, figure in enumerate(rollup.figures)
        if figure.function is Function.DISTINCT_COUNT
    }
    if sizes:
        stages.append({"$set": sizes})
    stages += _order(rollup)
    if rollup.limit is not None:
        stages.append({"$limit": rollup.limit})
    return stages


def rows_of(rollup: Rollup, found: Sequence[Document]) -> list[Document]:
    """Return what the pipeline gave with the names of the results."""
    return [
        {key.name: row["_id"][f"k{number}"] for number, key in enumerate(rollup.keys)}
        | {figure.name: row[f"v{number}"] for number, figure in enumerate(rollup.figures)}
        for row in found
    ]


def refusal_of(rollup: Rollup, error: OperationFailure) -> TristoreError | None:
    """Return the error for what the server finds wrong with a bucket."""
    if error.code == _NO_DATE:
        names = " or ".join(dotted(key.path) for key in rollup.keys if key.bucket is not None)
        return ValidationError.of(
            names, "a stored value is no date between the years 1 and 9999, so it lies in no bucket"
        )
    if error.code == _NO_ZONE:
        zones = ", ".join(sorted({key.bucket.zone for key in rollup.keys if key.bucket is not None}))
        return InvalidQuery(f"the server does not know one of the time zones {zones}: its tz database is another one")
    return None


def checked(pipeline: object) -> Pipeline:
    """Return a copy of a caller's pipeline that the server may carry out.

    Raises:
        InvalidQuery: if it is none, if it would write, or run JavaScript.
    """
    if isinstance(pipeline, str | Mapping) or not isinstance(pipeline, Sequence):
        raise InvalidQuery(f"a pipeline is a list of stages, not a {type(pipeline).__name__}")
    stages = [_copied(stage) for stage in pipeline]
    for stage in stages:
        if not isinstance(stage, dict) or len(stage) != 1 or not next(iter(stage)).startswith("$"):
            raise InvalidQuery("a stage is a dictionary of one key, the name of the stage with its '$'")
    return stages


def _copied(value: Any) -> Any:
    if isinstance(value, Mapping):
        for name in value:
            if not isinstance(name, str):
                raise InvalidQuery(f"a key in a pipeline is text, not a {type(name).__name__}")
            if name in _FORBIDDEN:
                raise InvalidQuery(f"{name} cannot be in a pipeline: it may only read, and run no JavaScript")
        return {name: _copied(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_copied(item) for item in value]
    return Decimal128(value) if isinstance(value, Decimal) else value


def _order(rollup: Rollup) -> Pipeline:
    """Sort by the names, then by the keys.

    A value that may be a list is put into a document, for an order takes a list apart and a document not.
    """
    if not rollup.keys:
        return []
    places = {f"o{number}": {"v": _place(rollup, key.path)} for number, key in enumerate(rollup.sort)}
    order = {f"o{number}": -1 if key.descending else 1 for number, key in enumerate(rollup.sort)}
    sort = {"$sort": {**order, "_id": 1}}
    return [{"$set": places}, sort] if places else [sort]


def _place(rollup: Rollup, path: Path) -> str:
    names = {
        **{key.name: f"$_id.k{number}" for number, key in enumerate(rollup.keys)},
        **{figure.name: f"$v{number}" for number, figure in enumerate(rollup.figures)},
    }
    return names[dotted(path)]


def _key(key: GroupKey) -> dict[str, Any]:
    if key.bucket is None:
        return {"$ifNull": [_at(key.path), None]}
    return {
        "$dateTrunc": {
            "date": _at(key.path),
            "unit": key.bucket.unit.value,
            "timezone": {"$literal": key.bucket.zone},
            "startOfWeek": "monday",
        }
    }


def _accumulator(figure: Figure) -> dict[str, Any]:
    if figure.function is Function.COUNT:
        return {"$sum": 1}
    if figure.function is Function.DISTINCT_COUNT:
        return {"$addToSet": {"$ifNull": [_at(figure.path), "$$REMOVE"]}}
    return {_ACCUMULATORS[figure.function]: _at(figure.path)}


def _at(path: Path) -> str:
    return f"${to_sort_key(path)}"
