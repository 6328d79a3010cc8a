"""Whether the stages of a rollup are those that the backend makes, with nothing of a caller's but paths and zones."""

import re
from typing import Any

_PATH = re.compile(r"\$[^$.\0][^.\0]*(\.[^$.\0][^.\0]*)*")
_KEY, _FIGURE, _ORDER = (re.compile(rf"{letter}\d+") for letter in "kvo")
_RESULT = re.compile(r"\$(_id\.k|v)\d+")
_ACCUMULATORS = {"$sum", "$avg", "$min", "$max"}


def is_of_a_rollup(stage: dict[str, Any]) -> bool:
    """Tell whether a stage groups, orders or bounds as a rollup does."""
    ((name, given),) = stage.items()
    if name == "$group":
        keys = given["_id"] or {}
        figures = {key: value for key, value in given.items() if key != "_id"}
        return _all(keys, _KEY, _is_key) and _all(figures, _FIGURE, _is_figure)
    if name == "$set":
        return all(
            (_FIGURE.fullmatch(key) and value == {"$size": f"${key}"})
            or (_ORDER.fullmatch(key) and value.keys() == {"v"} and _RESULT.fullmatch(value["v"]))
            for key, value in given.items()
        )
    if name == "$sort":
        return all((key == "_id" or _ORDER.fullmatch(key)) and value in {1, -1} for key, value in given.items())
    return name == "$limit" and type(given) is int


def _all(given: dict[str, Any], names: re.Pattern[str], test: Any) -> bool:
    return all(names.fullmatch(name) and test(value) for name, value in given.items())


def _is_key(value: Any) -> bool:
    if value.keys() == {"$ifNull"}:
        return _is_path(value["$ifNull"][0]) and value["$ifNull"][1:] == [None]
    asked = value.get("$dateTrunc", {})
    return (
        value.keys() == {"$dateTrunc"}
        and asked.keys() == {"date", "unit", "timezone", "startOfWeek"}
        and _is_path(asked["date"])
        and asked["unit"] in {"year", "quarter", "month", "week", "day", "hour", "minute"}
        and asked["timezone"].keys() == {"$literal"}
        and asked["startOfWeek"] == "monday"
    )


def _is_figure(value: Any) -> bool:
    ((name, given),) = value.items()
    if name == "$addToSet":
        return given.keys() == {"$ifNull"} and _is_path(given["$ifNull"][0]) and given["$ifNull"][1:] == ["$$REMOVE"]
    return value == {"$sum": 1} or (name in _ACCUMULATORS and _is_path(given))


def _is_path(value: Any) -> bool:
    return isinstance(value, str) and _PATH.fullmatch(value) is not None
