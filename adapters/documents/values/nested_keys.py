"""Dotted keys: paths into nested documents, and what stands there."""

from typing import Any

from ....domain.rules.predicates import Path, dotted
from ...backend import Document

MISSING = object()
"""What stands where nothing does."""


def path_of(key: str) -> Path:
    """The path of a dotted key."""
    return tuple(key.split("."))


def overlap(one: Path, other: Path) -> bool:
    """Whether one path leads to the other, or is it."""
    shorter = min(len(one), len(other))
    return one[:shorter] == other[:shorter]


def value_at(document: Document, path: Path) -> Any:
    """What stands at a path of nested documents; `MISSING` where nothing does.

    Raises:
        ValueError: if a list is in the way.
    """
    found: Any = document
    for depth, name in enumerate(path):
        if isinstance(found, list):
            raise ValueError(f"a list is in the way of {dotted(path)}, at {dotted(path[:depth])}")
        found = found.get(name, MISSING) if isinstance(found, dict) else MISSING
    return found


def taken(document: Document, path: Path) -> Any:
    """Take away what stands at a path, and return it."""
    value = value_at(document, path)
    if value is not MISSING:
        for name in path[:-1]:
            document = document[name]
        del document[path[-1]]
    return value


def put(document: Document, path: Path, value: Any) -> None:
    """Put a value at a path; documents that are missing on the way are made.

    Raises:
        ValueError: if something else is in the way.
    """
    for depth, name in enumerate(path[:-1], 1):
        inner = document.setdefault(name, {})
        if not isinstance(inner, dict):
            raise ValueError(f"{dotted(path[:depth])} is no document, so that {dotted(path)} has no place")
        document = inner
    document[path[-1]] = value
