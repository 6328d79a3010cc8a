"""Audit: recording who did what, by hand or from the events that services publish, and reading the trail."""

from collections.abc import Sequence
from typing import Any

from attrs import frozen

from ..domain.core import UserId
from ..domain.entities.clock import Clock
from ..domain.entities.events import Event
from ..domain.entities.ids import IdFactory, new_id
from ..domain.errors import DuplicateKey
from ..domain.systemlogs import AuditEntry, AuditEntryId, SystemlogsUnitOfWork
from ..domain.unit_of_work.outbox import Delivery
from ..domain.unit_of_work.store import Store
from .deeds import deed_of


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
        self._systemlogs.run(lambda systemlogs: systemlogs.audit.add(entry))
        return entry

    def follow(self, event: Event, delivery: Delivery) -> None:
        """Record a delivered event, once however often it is delivered: the entry bears the event's id.

        Raises:
            LookupError: if the event is none that is audited.
        """
        deed = deed_of(event)
        entry = AuditEntry(
            id=AuditEntryId(delivery.event_id),
            actor_id=deed.actor_id,
            action=deed.action,
            subject_kind=deed.subject_kind,
            subject_id=deed.subject_id,
            changes=dict(deed.changes),
            occurred_at=delivery.created_at,
        )
        try:
            self._systemlogs.run(lambda systemlogs: systemlogs.audit.add(entry))
        except DuplicateKey as duplicate:
            if duplicate.fields != ("id",):
                raise

    def trail(self, subject_kind: str, subject_id: str, limit: int = 100) -> Sequence[AuditEntry]:
        """Return what was done to a subject, newest first."""
        with self._systemlogs.reader() as systemlogs:
            return systemlogs.audit.trail(subject_kind, subject_id, limit)
