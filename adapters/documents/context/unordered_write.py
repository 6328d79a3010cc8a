"""Writing many operations in no order, each for itself: one that has all of them refused is found, and set aside."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from ....domain.errors import TooLarge, ValidationError
from ...backend import ManyResult

OperationT = TypeVar("OperationT")


def unordered_write(
    operations: Sequence[OperationT], write: Callable[[Sequence[OperationT]], ManyResult]
) -> ManyResult:
    """Write operations; where all of it is refused because of one, find that one by halves.

    Args:
        operations: at least one.
        write: carries out some of them; a `ValidationError` or `TooLarge` says that one of them cannot be sent. What
            was applied before it is sent again, and must then be missed, or refused for its own key.

    Returns:
        What became of all, with the refusals by their positions among the operations.
    """
    try:
        return write(operations)
    except (ValidationError, TooLarge) as error:
        if len(operations) == 1:
            return ManyResult(0, 0, 0, {0: error})
    middle = len(operations) // 2
    one, two = unordered_write(operations[:middle], write), unordered_write(operations[middle:], write)
    errors = {**one.errors, **{number + middle: error for number, error in two.errors.items()}}
    return ManyResult(one.deleted + two.deleted, one.matched + two.matched, one.inserted + two.inserted, errors)
