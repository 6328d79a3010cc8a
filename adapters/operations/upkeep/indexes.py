"""Bringing the indexes of a server to what is declared: a plan first, then its steps."""

from collections.abc import Callable, Sequence
from typing import Any

from attrs import frozen

from ....domain.errors import ConfigurationError
from ....domain.unit_of_work.store import Store
from ...backend.administration import ActualIndex, Duplicates, IndexPlan, IndexStep
from ..access import administration_of, environment_of

StepProgress = Callable[[IndexStep, int, int], None]
"""Is told of each step how many documents of how many are done; 0 of 0 at its begin."""


@frozen
class IndexDiff:
    """What separates the indexes of a store from what is declared.

    Attributes:
        store: its name.
        plan: the steps that would bring them together, what nobody declared, and what no step can mend.
        duplicates: documents that keep a step from being done.
    """

    store: str
    plan: IndexPlan
    duplicates: tuple[Duplicates, ...] = ()

    @property
    def steps(self) -> tuple[IndexStep, ...]:
        """What is to be done, in order."""
        return self.plan.steps

    @property
    def undeclared(self) -> tuple[ActualIndex, ...]:
        """What the server has and nobody declared."""
        return self.plan.undeclared

    @property
    def drift(self) -> bool:
        """Whether anything declared is not as it was declared."""
        return self.plan.drift


def diff_indexes(store: Store[Any], *, drop: Sequence[str] = ()) -> IndexDiff:
    """Compare the declared indexes of a store with those of its server; nothing is changed.

    For each unique index that is to be built the whole collection is read for duplicates.

    Args:
        store: one that `open_store` or `open_stores` made, on a server.
        drop: names of undeclared indexes that are to go: one that can be seen is hidden by the next `sync_indexes`, one
            that is hidden already is dropped. Alone, or behind the collection and a dot.

    Raises:
        ConfigurationError: if the store has no server, or a name in `drop` means no undeclared index.
    """
    administration = administration_of(store)
    plan = administration.plan(environment_of(store).collections, drop=drop)
    found = [administration.duplicates(step) for step in plan.steps]
    return IndexDiff(store.name, plan, tuple(one for one in found if one is not None))


def sync_indexes(store: Store[Any], diff: IndexDiff, *, progress: StepProgress | None = None) -> Sequence[IndexStep]:
    """Carry out the steps of a diff; broken off anywhere, the next diff has what is left.

    Args:
        store: the store that the diff is of.
        diff: from `diff_indexes`.
        progress: is told how far each step is.

    Returns:
        The steps that were carried out.

    Raises:
        ConfigurationError: before anything is changed, if documents keep a unique index from being built.
    """
    if diff.duplicates:
        blocked = ", ".join(f"{one.collection}({', '.join(one.keys)})" for one in diff.duplicates)
        raise ConfigurationError(
            f"store {store.name}: nothing was changed, because documents share the values of {blocked}: change or "
            "remove the duplicates first"
        )
    administration = administration_of(store)
    for step in diff.steps:
        if progress is not None:
            progress(step, 0, 0)
        administration.apply(step, progress=_told(step, progress))
    return diff.steps


def _told(step: IndexStep, progress: StepProgress | None) -> Callable[[int, int], None] | None:
    if progress is None:
        return None
    return lambda done, total: progress(step, done, total)
