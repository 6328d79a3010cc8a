"""The documents of the systemlogs store: a declaration for each repository, with its queries' indexes."""

from ...domain.events import Event
from ...domain.systemlogs import AuditRepository, ErrorReopened, ErrorRepository, LogRepository
from .declarations import Documents, Index

LOGS = Documents(
    LogRepository,
    collection="logs",
    indexes=(Index("-occurred_at", "-id"), Index("source", "-occurred_at", "-id")),
)
ERRORS = Documents(ErrorRepository, collection="errors", indexes=(Index("status", "-last_seen_at", "-id"),))
AUDIT = Documents(
    AuditRepository,
    collection="audit",
    indexes=(
        Index("subject_kind", "subject_id", "-occurred_at", "-id"),
        Index("actor_id", "-occurred_at", "-id"),
    ),
)

SYSTEMLOGS = (LOGS, ERRORS, AUDIT)
"""The systemlogs store, in the order in which its collections are created."""

SYSTEMLOGS_EVENTS: tuple[type[Event], ...] = (ErrorReopened,)
"""What the systemlogs store publishes."""
