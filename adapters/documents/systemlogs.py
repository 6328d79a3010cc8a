"""The documents of the systemlogs store: a declaration for each repository, with its queries' indexes."""

from datetime import timedelta

from ...domain.events import Event
from ...domain.systemlogs import AuditRepository, ErrorReopened, ErrorRepository, LogRepository
from .declarations import Documents, Index

RETENTION = timedelta(days=90)
"""How long log entries and error reports are kept unless told otherwise."""


def systemlogs_documents(retention: timedelta | None = RETENTION) -> tuple[Documents, ...]:
    """Declare the documents of the systemlogs store.

    Args:
        retention: how long log entries stay after they occurred, and error reports after they were last seen; the
            server removes older ones by itself. None keeps them. The audit trail is always kept.
    """
    return (
        Documents(
            LogRepository,
            collection="logs",
            indexes=(
                Index("-occurred_at", "-id"),
                Index("source", "-occurred_at", "-id"),
                Index("occurred_at", expire_after=retention),
            ),
        ),
        Documents(
            ErrorRepository,
            collection="errors",
            indexes=(Index("status", "-last_seen_at", "-id"), Index("last_seen_at", expire_after=retention)),
        ),
        Documents(
            AuditRepository,
            collection="audit",
            indexes=(
                Index("subject_kind", "subject_id", "-occurred_at", "-id"),
                Index("actor_id", "-occurred_at", "-id"),
            ),
        ),
    )


LOGS, ERRORS, AUDIT = SYSTEMLOGS = systemlogs_documents()
"""The systemlogs store, in the order in which its collections are created."""

SYSTEMLOGS_EVENTS: tuple[type[Event], ...] = (ErrorReopened,)
"""What the systemlogs store publishes."""
