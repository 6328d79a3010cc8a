"""What steps make of one document, and what must be written for it."""

from collections.abc import Iterable, Mapping
from typing import Any

from attrs import frozen
from bson import encode

from ....domain.plain_functions import call_plain
from ...backend import Document
from ...backend.bson import CODEC_OPTIONS, copied
from ..declarations.schema_steps import Transform
from ..values.keys import ID_KEY

UPGRADE = "\0upgrade"
"""Where a document that was brought up to date in memory carries its `Upgrade`: no stored key has a NUL in it."""


@frozen
class Upgrade:
    """What must be written for a stored document to be of the current version.

    Attributes:
        set: top-level keys with their new values, the schema version among them.
        unset: top-level keys that are to go.
    """

    set: Mapping[str, Any]
    unset: tuple[str, ...]

    def under(self, values: Document, unset: Iterable[str]) -> tuple[Document, tuple[str, ...]]:
        """Join it with later changes of the same document, which go before."""
        gone = tuple(unset)
        changed = {**{key: value for key, value in self.set.items() if key not in gone}, **values}
        return changed, tuple(key for key in dict.fromkeys((*self.unset, *gone)) if key not in changed)


def transformed(document: Document, change: Transform, own: frozenset[str]) -> Document:
    """Let a function make a document; what it does not list stays.

    Args:
        document: the old one.
        change: the function, and what it lists.
        own: the keys that tell of versions, which are not the function's.

    Raises:
        ValueError: if it returns no document, or changes a key that it does not list.
    """
    new = call_plain("a schema step", change.function, copied(document))
    if not isinstance(new, dict):
        raise ValueError(f"it returned no document, but {type(new).__name__}")
    listed = {path[0] for path in change.paths} - own - {ID_KEY}
    kept = [key for key in document if key not in listed]
    others = sum(key not in listed for key in new)
    if others != len(kept) or not all(is_same(document, new, key) for key in kept):
        changed = sorted(key for key in document.keys() | new.keys() if not is_same(document, new, key))
        named = ", ".join(key for key in changed if key not in listed)
        raise ValueError(f"it changed {named}, which it does not list in touches")
    for key in listed:
        document.pop(key, None)
        if key in new:
            document[key] = new[key]
    return document


def is_same(one: Document, other: Document, key: str) -> bool:
    """Whether two documents are stored with the same under a key."""
    if key not in one or key not in other:
        return False
    first, second = one[key], other[key]
    if first is second:
        return True
    if type(first) is not type(second) or first != second:
        return False
    if isinstance(first, str | int | bytes):
        return True
    # equal for Python are also 1 and True, 1 and 1.0 inside of them
    return encode({"": first}, False, CODEC_OPTIONS) == encode({"": second}, False, CODEC_OPTIONS)
