"""The hooks of the repositories before a flush: they may change, add and remove, so they run until nothing is new."""

from collections.abc import Sequence
from typing import Any

from ...domain.errors import UnitOfWorkError
from ...domain.repository import Change
from ...domain.unit_of_work import UnitOfWork, UnitOfWorkListener
from .tracking import Record, State, TrackedCollection

_ROUNDS = 100
"""How many rounds of hooks that cause each other are taken for work; beyond it is a loop."""


def run_hooks(
    uow: UnitOfWork[Any], listeners: Sequence[UnitOfWorkListener], chosen: Sequence[TrackedCollection]
) -> None:
    """Tell the listeners of the flush, then run `before_remove` and `before_save` once for each pending entity.

    Raises:
        UnitOfWorkError: if hooks cause each other without end.
    """
    for listener in listeners:
        listener.before_flush(uow)
    done: set[int] = set()
    for _ in range(_ROUNDS):
        news = [(tracked, record) for tracked in chosen for record in _due(tracked) if id(record) not in done]
        if not news:
            return
        for tracked, record in news:
            done.add(id(record))
            _run(uow, tracked, record)
    raise UnitOfWorkError("the hooks of the repositories cause each other without end")


def _due(tracked: TrackedCollection) -> list[Record]:
    pending = tracked.pending()
    removed = pending.removed if tracked.binding.overrides("before_remove") else []
    saved = [*pending.changed, *pending.added] if tracked.binding.overrides("before_save") else []
    return [*removed, *saved]


def _run(uow: UnitOfWork[Any], tracked: TrackedCollection, record: Record) -> None:
    repository = getattr(uow, tracked.binding.name)
    if record.state is State.REMOVED:
        repository.before_remove(record.entity, uow)
    elif record.state is State.ADDED:
        fields = frozenset(field.name for field in tracked.mapping.fields)
        repository.before_save(record.entity, Change(fields, is_new=True), uow)
    elif record.state is State.STORED:
        fields = tracked.mapping.changes(record.entity, record.snapshot).fields
        repository.before_save(record.entity, Change(fields, is_new=False), uow)
