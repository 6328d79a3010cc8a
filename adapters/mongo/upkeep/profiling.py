"""What the database profiler notes of slow operations (https://www.mongodb.com/docs/manual/reference/database-profiler)."""

import re
from collections.abc import Mapping
from typing import Any

from pymongo import DESCENDING
from pymongo.database import Database

from ...backend import Document
from ...backend.administration import Profiling, SlowOperation
from ..translation.query_shapes import shape_of_command

_OFF, _SLOW = 0, 1
_COLLECTION = "system.profile"
_ACCESS = re.compile(r"\w+(?: \{.*?\})?")
"""One way to documents in a plan's summary; a rule with several parts has one for each, often the same."""


def profiling(database: Database[Document]) -> Profiling:
    """Return what the profiler notes."""
    found = database.command("profile", -1)
    return Profiling(on=found["was"] != _OFF, everything=found["was"] > _SLOW, threshold=found["slowms"])


def profile(database: Database[Document], threshold: int | None) -> None:
    """Switch the profiler on or off; off leaves the server's threshold as it is."""
    if threshold is None:
        database.command("profile", _OFF)
    else:
        database.command("profile", _SLOW, slowms=threshold)


def slow_operations(database: Database[Document], threshold: int, limit: int) -> list[SlowOperation]:
    """Return the newest operations that took so long, newest first; those of the profiler itself are left out."""
    asked = {"millis": {"$gte": threshold}, "ns": {"$ne": f"{database.name}.{_COLLECTION}"}}
    found = database[_COLLECTION].find(asked, sort=[("$natural", DESCENDING)], limit=limit)
    return [_operation(document) for document in found]


def _operation(document: Mapping[str, Any]) -> SlowOperation:
    command = document.get("command", document.get("query", {}))
    kind = document["op"]
    if kind == "getmore":
        command = document.get("originatingCommand", command)
    elif kind == "command":
        kind = next(iter(command), kind)
    elif kind == "query":
        kind = "find"
    returned = next(
        (document[word] for word in ("nreturned", "nModified", "ndeleted", "ninserted") if word in document), 0
    )
    _, _, collection = document["ns"].partition(".")
    return SlowOperation(
        at=document["ts"],
        milliseconds=document["millis"],
        shape=shape_of_command(kind, collection, command),
        plan=", ".join(dict.fromkeys(_ACCESS.findall(document.get("planSummary", "")))),
        keys=document.get("keysExamined", 0),
        examined=document.get("docsExamined", 0),
        returned=returned,
        client=document.get("appName", ""),
    )
