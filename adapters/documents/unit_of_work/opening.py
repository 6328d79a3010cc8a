"""Units of work with the gateways of their repositories."""

from ..context.deadline import Deadline
from ..context.store_context import Environment
from .bulk_gateway import BulkUnitGateway
from .unit import DocumentUnit


def opened(environment: Environment, deadline: Deadline, *, autoflush: bool = True, attempt: int = 1) -> DocumentUnit:
    """Return a unit of work of a store, as `DocumentUnit` describes it."""
    return DocumentUnit(environment, deadline, BulkUnitGateway, autoflush=autoflush, attempt=attempt)


__all__ = ["opened"]
