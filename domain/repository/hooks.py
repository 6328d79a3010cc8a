"""Hooks: what a repository does whenever one of its entities is written, on every write path of every backend."""

from typing import Any, Generic

from attrs import frozen

from ..entities.entity import EntityT


@frozen
class Change:
    """What a unit of work is about to save of one entity.

    Attributes:
        fields: the names of the fields that were modified; of a new entity, all of them.
        is_new: whether the entity is stored for the first time.
    """

    fields: frozenset[str]
    is_new: bool


class Hooks(Generic[EntityT]):
    """The hooks of a repository; override those that are needed.

    `uow` is the unit of work that writes, or what `Store.bulk` gave. An override names the class of its own store's
    unit, ``uow: BillingUnitOfWork``, and reaches the other repositories through it.
    """

    def before_save(self, entity: EntityT, change: Change, uow: Any) -> None:
        """Hook: the entity is about to be written; change it, use other repositories; an error rolls back."""

    def after_commit(self, entity: EntityT) -> None:
        """Hook: the unit that wrote the entity has committed. Runs once; an error is logged and stops nothing."""

    def before_remove(self, entity: EntityT, uow: Any) -> None:
        """Hook: the entity is about to be removed; remove here what belongs to it. An error rolls back."""


HOOKS = {"before_save": 3, "after_commit": 1, "before_remove": 2}
"""The hooks, and how many arguments each is given."""
