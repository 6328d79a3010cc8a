"""What a store sends to a server, read with the eyes of an attacker."""

import re
from collections.abc import Iterator
from typing import Any

from bson import Code, Regex
from pymongo import monitoring

from .wire_rollups import is_of_a_rollup

FORBIDDEN = {"$where", "$function", "$accumulator", "$expr", "$jsonSchema"}
"""Operators that run code or compare fields: nothing here needs them, so they are never sent, not even as data."""


class Wire(monitoring.CommandListener):
    """Reads every command that a store sends, and remembers what a caller could have slipped in."""

    def __init__(self) -> None:
        self.problems: list[str] = []
        self.names: list[str] = []

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        self.names.append(event.command_name)
        self.problems += everything_wrong(event.command_name, event.command)

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None: ...
    def failed(self, event: monitoring.CommandFailedEvent) -> None: ...


_PLAIN_COMMANDS = {
    *("getMore", "killCursors", "commitTransaction", "abortTransaction", "endSessions", "killSessions"),
    *("listIndexes", "create", "createIndexes", "hello", "buildInfo", "ping"),
}


def everything_wrong(name: str, command: Any) -> list[str]:
    """What of a command a caller could have slipped in."""
    return [*_problems_of(name, command), *_forbidden(dict(command))]


def _problems_of(name: str, command: Any) -> Iterator[str]:
    """Every place of a command where something other than an operator of ours stands as one."""
    if name == "find":
        yield from _in_filter(command["filter"])
        yield from (f"sort by {key}" for key in command.get("sort", {}) if key.startswith("$"))
    elif name == "aggregate":
        stages = list(command["pipeline"])
        yield from _in_filter(stages.pop(0)["$match"] if "$match" in stages[0] else {})
        ours = (_counts, _tells_values_apart, is_of_a_rollup)
        yield from (f"stage {stage}" for stage in stages if not any(known(stage) for known in ours))
    elif name == "insert":
        yield from _in_data(command["documents"])
    elif name == "update":
        for update in command["updates"]:
            yield from _in_filter(update["q"])
            yield from _in_update(update["u"])
    elif name == "delete":
        for delete in command["deletes"]:
            yield from _in_filter(delete["q"])
    elif name not in _PLAIN_COMMANDS:
        yield f"command {name}"


def _counts(stage: dict[str, Any]) -> bool:
    return stage == {"$group": {"_id": 1, "n": {"$sum": 1}}} or stage.keys() <= {"$skip", "$limit"}


def _tells_values_apart(stage: dict[str, Any]) -> bool:
    (kind, content), *more = stage.items()
    if kind == "$project":
        return not more and content.keys() == {"_id"} and re.fullmatch(r"\$[^$\0]+", content["_id"]) is not None
    return stage in ({"$unwind": "$_id"}, {"$group": {"_id": "$_id"}}, {"$sort": {"_id": 1}})


def _in_filter(asked: Any) -> Iterator[str]:
    for key, value in asked.items():
        if key in {"$and", "$or", "$nor"}:
            for part in value:
                yield from _in_filter(part)
        elif key.startswith("$"):
            yield f"filter by {key}"
        else:
            yield from _in_test(key, value)


def _in_test(key: str, test: Any) -> Iterator[str]:
    if isinstance(test, list | Regex | re.Pattern | Code):
        yield f"{key} stands against a bare {type(test).__name__}"
    elif isinstance(test, dict):
        for operator, operand in test.items():
            if operator == "$elemMatch":
                if operand.keys() != {"$eq"}:
                    yield f"$elemMatch {operand}"
            elif operator == "$regex":
                if not isinstance(operand, str):
                    yield f"$regex {operand!r}"
            elif operator == "$in":
                yield from (f"$in {item!r}" for item in operand if isinstance(item, Regex | re.Pattern | dict | list))
            elif operator not in {"$eq", "$ne", "$lt", "$lte", "$gt", "$gte"}:
                yield f"{key}: {operator}"


def _in_update(update: Any) -> Iterator[str]:
    if not isinstance(update, dict):
        yield f"an update by a {type(update).__name__}"
        return
    for operator, changes in update.items():
        if operator not in {"$set", "$unset"}:
            yield f"update by {operator}"
        yield from _in_data([changes])


def _in_data(values: Any) -> Iterator[str]:
    for value in values:
        if isinstance(value, dict):
            yield from (f"key {key}" for key in value if key.startswith("$") or "." in key or "\0" in key)
            yield from _in_data(value.values())
        elif isinstance(value, list):
            yield from _in_data(value)


def _forbidden(value: Any) -> Iterator[str]:
    if isinstance(value, Code):
        yield "code"
    if isinstance(value, dict):
        yield from FORBIDDEN & value.keys()
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _forbidden(part)
