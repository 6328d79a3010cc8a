"""What follows a commit: entities learn their versions, then everybody who waits is told, once."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from ....domain.entities.events import Event
from ....domain.unit_of_work.unit_of_work import UnitOfWork
from ..context.store_context import Environment
from .identity_map import State, TrackedCollection


def take_over(tracked: Sequence[TrackedCollection], now: datetime) -> list[Event]:
    """Give the entities their versions and times, and take their recorded events."""
    events: list[Event] = []
    for collection in tracked:
        for record in collection.records.values():
            entity = record.entity
            if record.written:
                # past the validators of the entity: these two fields are the unit's
                version = 0 if record.state is State.GONE else record.version or 0
                object.__setattr__(entity, "version", version)
                object.__setattr__(entity, "updated_at", now)
            recorded = entity.recorded_events
            if recorded:
                events += recorded
                entity.forget_events()
    return events


def announce(
    environment: Environment,
    owner: UnitOfWork[Any],
    tracked: Sequence[TrackedCollection],
    callbacks: Sequence[Callable[[], None]],
    events: Sequence[Event],
) -> None:
    """Call listeners, the repositories' hooks, callbacks and event handlers; an error is logged and stops nothing."""
    for listener in environment.listeners:
        environment.shielded(listener.after_commit, owner)
    for collection in tracked:
        if collection.binding.commits:
            repository = getattr(owner, collection.binding.name)
            for record in collection.records.values():
                if record.written and record.state is State.STORED:
                    environment.shielded(repository.after_commit, record.entity)
    for callback in callbacks:
        environment.shielded(callback)
    environment.deliver(events)
