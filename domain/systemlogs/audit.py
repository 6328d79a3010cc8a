"""The audit trail: who did what to what, never changed afterwards."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NewType

from attrs import define, field

from ..core.ids import UserId
from ..entities.entity import Entity
from ..entities.fields import instant, reference, text, to_instant
from ..entities.ids import Id
from ..errors import DomainError
from ..repository.hooks import Change
from ..repository.read_repository import ReadRepository
from ..repository.repository import Repository
from ..unit_of_work.unit_of_work import UnitOfWork

AuditEntryId = NewType("AuditEntryId", Id)


class AuditTrailIsFinal(DomainError):
    """An audit entry was to be changed or removed.

    Attributes:
        entry_id: which.
    """

    def __init__(self, entry_id: AuditEntryId) -> None:
        self.entry_id = entry_id
        super().__init__(f"audit entry {entry_id} is final: record another entry that corrects it")


@define(kw_only=True)
class AuditEntry(Entity[AuditEntryId]):
    """One deed; without an actor, of the system itself.

    Attributes:
        action: what was done, such as ``user.deactivated``.
        subject_kind: to what sort of thing, such as ``user``.
        subject_id: to which one; text, because subjects live in any store.
        changes: what is different since, without secrets.
    """

    actor_id: UserId | None = field(default=None, validator=reference)
    action: str = field(validator=text(min=1, max=120))
    subject_kind: str = field(validator=text(min=1, max=80))
    subject_id: str = field(validator=text(min=1, max=200))
    changes: dict[str, Any] = field(factory=dict)
    ip_address: str = field(default="", validator=text(max=45))
    occurred_at: datetime = field(converter=to_instant, validator=instant)


class AuditQueries(ReadRepository[AuditEntry, AuditEntryId]):
    """The questions that are asked of the audit trail."""

    def trail(self, subject_kind: str, subject_id: str, limit: int = 100) -> Sequence[AuditEntry]:
        """Return what was done to a subject, newest first."""
        return self.find(
            lambda e: (e.subject_kind == subject_kind) & (e.subject_id == subject_id),
            sort=("-occurred_at", "-id"),
            limit=limit,
        )

    def by_actor(self, actor_id: UserId, limit: int = 100) -> Sequence[AuditEntry]:
        """Return what a user did, newest first."""
        return self.find(lambda e: e.actor_id == actor_id, sort=("-occurred_at", "-id"), limit=limit)


class AuditRepository(AuditQueries, Repository[AuditEntry, AuditEntryId]):
    """The trail; it only grows."""

    def before_save(self, entity: AuditEntry, change: Change, uow: UnitOfWork[Any]) -> None:
        """Refuse to change an entry."""
        if not change.is_new:
            raise AuditTrailIsFinal(entity.id)

    def before_remove(self, entity: AuditEntry, uow: UnitOfWork[Any]) -> None:
        """Refuse to remove an entry."""
        raise AuditTrailIsFinal(entity.id)
