"""What a backend is asked to write, and what came of it; documents, as it is given them."""

from collections.abc import Mapping, Sequence
from typing import Any

from attrs import define, field, frozen

from ...domain.errors import TristoreError

Document = dict[str, Any]
"""A document of BSON values as pymongo decodes them: naive UTC datetimes, ObjectId, Decimal128, UUID, bytes."""

MAX_DOCUMENT_BYTES = 16 * 1024 * 1024
"""The largest document that MongoDB accepts (https://www.mongodb.com/docs/manual/reference/limits)."""


@define
class Delete:
    """Remove the document with this id, if it has this version (None: no version field, or null)."""

    id: Any
    version: int | None


@define
class Update:
    """Change top-level fields of the document with this id, if it has this version."""

    id: Any
    version: int | None
    set: Mapping[str, Any]
    unset: Sequence[str] = ()


@define
class Replace:
    """Put this document in the place of the one with this id, if that has this version."""

    id: Any
    version: int | None
    document: Document


@frozen
class WritePlan:
    """All that one flush writes to one collection, in this order: deletes, updates, inserts.

    A position in a plan counts through the three lists in that order.
    """

    collection: str
    version_key: str
    deletes: Sequence[Delete] = ()
    updates: Sequence[Update | Replace] = ()
    inserts: Sequence[Document] = ()


@frozen
class WriteResult:
    """How many documents a plan met: fewer deletes or updates than planned means that versions moved on."""

    deleted: int
    matched: int
    inserted: int


@frozen
class Modify:
    """Change keys of every document that a predicate holds of, each atomically.

    Attributes:
        set: new values by dotted keys; what is missing on the way is made.
        unset: dotted keys that are to go.
        increment: what is added to numbers, by dotted keys. A missing number counts as 0; null is none. The result has
            the type that MongoDB's ``$inc`` gives it, and an integer beyond 64 bits is refused.
    """

    set: Mapping[str, Any]
    unset: Sequence[str] = ()
    increment: Mapping[str, Any] = field(factory=dict)


@frozen
class ModifyResult:
    """How many documents a `Modify` met, and how many of them it changed."""

    matched: int
    modified: int


class KeyTaken(Exception):
    """A unique key already has these values.

    Attributes:
        keys: the document keys of the unique index, dotted; ``("_id",)`` for the id itself.
        position: which operation of the plan it was, None where unknown.
        done: how many operations of the plan were applied before it and stay applied; 0 in a transaction.
    """

    def __init__(self, keys: Sequence[str], position: int | None, done: int = 0) -> None:
        super().__init__(keys, position)
        self.keys = tuple(keys)
        self.position = position
        self.done = done


@frozen
class ManyResult:
    """What became of a plan whose operations were carried out each for itself.

    Attributes:
        deleted, matched, inserted: how many documents it met.
        errors: by the positions of the operations that were refused; the others were carried out.
    """

    deleted: int
    matched: int
    inserted: int
    errors: Mapping[int, KeyTaken | TristoreError] = field(factory=dict)
