"""What a call on many entities did: how many of them, and which went wrong."""

from typing import Any, Generic

from attrs import frozen
from typing_extensions import TypeVar

E = TypeVar("E", default=Any)


@frozen
class BulkError(Generic[E]):
    """One entity that a bulk call could not write.

    Attributes:
        entity: the object that was given; its version and times are as they were.
        position: where it stood among those that were given, from 0.
        error: why: a `DuplicateKey`, `ValidationError`, `TooLarge`, `VersionConflict`, what its `before_save` refused,
            or a `UnitOfWorkError` where another call is the right one for it.
    """

    entity: E
    position: int
    error: Exception


@frozen(kw_only=True)
class BulkResult(Generic[E]):
    """What a call on many entities did.

    Attributes:
        inserted: how many were stored for the first time.
        matched: how many stored entities an update met.
        modified: how many of them it changed.
        removed: how many were removed.
        errors: those that could not be written, in the order of their positions; in a unit of work there are none,
            for the first one is raised.
        stopped: whether `max_errors` ended the call; then entities may be left that were not read.
    """

    inserted: int = 0
    matched: int = 0
    modified: int = 0
    removed: int = 0
    errors: tuple[BulkError[E], ...] = ()
    stopped: bool = False
