"""Audit: recording who did what, and reading the trail of a subject."""

from collections.abc import Sequence
from typing import Any

from attrs import frozen

from ..domain.clock import Clock
from ..domain.core import UserId
from ..domain.ids import IdFactory, new_id
from ..domain.systemlogs import AuditEntry, AuditEntryId, SystemlogsUnitOfWork
from ..domain.unit_of_work import Store


@frozen
class AuditService:
    """The use cases around the audit trail."""

    _systemlogs: Store[SystemlogsUnitOfWork]
    _clock: Clock
    _ids: IdFactory = new_id

    def record(
        self,
        action: str,
        *,
        subject_kind: str,
        subject_id: str,
        actor_id: UserId | None = None,
        changes: dict[str, Any] | None = None,
        ip_address: str = "",
    ) -> AuditEntry:
        """Record a deed; without an actor, of the system itself."""
        entry = AuditEntry(
            id=AuditEntryId(self._ids()),
            actor_id=actor_id,
            action=action,
            subject_kind=subject_kind,
            subject_id=subject_id,
            changes=changes or {},
            ip_address=ip_address,
            occurred_at=self._clock.now(),
        )
        with self._systemlogs.unit_of_work() as systemlogs:
            systemlogs.audit.add(entry)
        return entry

    def trail(self, subject_kind: str, subject_id: str, limit: int = 100) -> Sequence[AuditEntry]:
        """Return what was done to a subject, newest first."""
        with self._systemlogs.reader() as systemlogs:
            return systemlogs.audit.trail(subject_kind, subject_id, limit)
