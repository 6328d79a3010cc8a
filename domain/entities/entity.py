"""Entities: attrs classes with an identity that outlives every change of their values."""

from datetime import datetime
from typing import Any, Generic, cast

from attrs import define, field
from typing_extensions import TypeVar

from ..errors import ValidationError
from .clock import NEVER
from .events import Event
from .ids import Id, new_id

IdT = TypeVar("IdT", default=Id)

TRANSIENT = "tristore.transient"
"""Key of the field metadata that keeps a field out of the stored document."""

MANAGED = frozenset({"id", "version", "created_at", "updated_at"})
"""The fields of an entity that tristore alone sets, once it is made."""


def _refuse_another_id(entity: "Entity[Any]", _: object, value: Any) -> Any:
    if value != entity.id:
        raise ValidationError.of("id", "cannot change: remove this entity and add another one")
    return value


@define(kw_only=True, eq=False)
class Entity(Generic[IdT]):
    """The base of everything that a repository keeps.

    Subclass it with ``@define(kw_only=True)``. Two entities are equal when they are of one class and have
    one id. An entity with another type of id names it, and requires it with ``field()`` or gives it a default::

        @define(kw_only=True)
        class Country(Entity[str]):
            id: str = field()
            name: str

    Attributes:
        id: who it is; made when the entity is made.
        version: how often it was committed: 0 until it is first stored, then one step for each unit of
            work that changed it. It is the optimistic lock.
        created_at: when it was first added; `NEVER` before.
        updated_at: when the last unit of work that changed it did so; `NEVER` before it was added.
    """

    id: IdT = field(factory=lambda: cast(Any, new_id()), on_setattr=_refuse_another_id)
    version: int = 0
    created_at: datetime = NEVER
    updated_at: datetime = NEVER
    _events: tuple[Event, ...] = field(default=(), init=False, repr=False, metadata={TRANSIENT: True})

    def __init_subclass__(cls, **options: object) -> None:
        """Keep equality by identity: attrs writes no comparison where the class has its own."""
        super().__init_subclass__(**options)
        cls.__eq__ = Entity.__eq__  # type: ignore[method-assign]
        cls.__hash__ = Entity.__hash__  # type: ignore[method-assign]

    def __eq__(self, other: object) -> bool:
        """Tell whether the other is the same entity, whatever its values."""
        if self is other:
            return True
        return type(self) is type(other) and self.id == other.id

    def __hash__(self) -> int:
        """Hash the identity."""
        return hash(self.id)

    def record(self, event: Event) -> None:
        """Remember that something happened; handlers receive it after the unit of work has committed."""
        self._events = (*self._events, event)

    @property
    def recorded_events(self) -> tuple[Event, ...]:
        """What was recorded since the last commit, in order."""
        return self._events

    def forget_events(self) -> None:
        """Drop the recorded events: the unit of work does so once they are delivered."""
        self._events = ()


EntityT = TypeVar("EntityT", bound=Entity[Any])
