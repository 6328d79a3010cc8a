"""Whoever watches the units of work of a store, and what is told of each."""

from typing import Any

from attrs import frozen

from .unit_of_work import UnitOfWork


@frozen
class UnitReport:
    """What became of one unit of work.

    Attributes:
        unit_id: its id.
        attempt: which attempt of a run it was, from 1.
        outcome: "committed", "rolled back" or "unknown".
        seconds: from its begin to its end.
        operations: how many operations were sent to the server, without commit and abort.
        documents: how many documents were written.
        error: the first error of the unit, None where nothing failed inside it.
    """

    unit_id: str
    attempt: int
    outcome: str
    seconds: float
    operations: int
    documents: int
    error: BaseException | None


class UnitOfWorkListener:
    """Watches the units of a store; override what is needed. An error before the commit rolls back.

    Order in each attempt: `before_flush`, `after_flush` (for each flush that has something to write), `before_commit`
    (may still add and change; a flush follows), then either `after_commit`, once, or `after_rollback`; then `on_retry`
    if another attempt follows. `ended` comes last for each attempt.
    """

    def before_flush(self, uow: UnitOfWork[Any]) -> None:
        """Changes are about to be written."""

    def after_flush(self, uow: UnitOfWork[Any]) -> None:
        """Changes were written, inside the transaction."""

    def before_commit(self, uow: UnitOfWork[Any]) -> None:
        """The unit is about to commit."""

    def after_commit(self, uow: UnitOfWork[Any]) -> None:
        """The unit has committed; an error here is logged and stops nothing."""

    def after_rollback(self, uow: UnitOfWork[Any]) -> None:
        """The attempt was rolled back; an error here is logged and stops nothing."""

    def ended(self, report: UnitReport) -> None:
        """A unit has come to its end; an error here is logged and stops nothing."""

    def on_retry(self, attempt: int, error: BaseException, delay: float) -> None:
        """Attempt number `attempt` failed with `error`; the next one begins after `delay` seconds."""


LISTENER_METHODS = tuple(name for name in vars(UnitOfWorkListener) if not name.startswith("_"))
"""What is called of a listener."""
