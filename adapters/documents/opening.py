"""Units of work with the gateways of their repositories."""

from .deadline import Deadline
from .environment import Environment
from .unit import DocumentUnit
from .unit_bulk import BulkUnitGateway


def opened(environment: Environment, deadline: Deadline, *, autoflush: bool = True, attempt: int = 1) -> DocumentUnit:
    """Return a unit of work of a store, as `DocumentUnit` describes it."""
    return DocumentUnit(environment, deadline, BulkUnitGateway, autoflush=autoflush, attempt=attempt)


__all__ = ["opened"]
