"""The documents of the systemlogs store: a declaration for each repository, with its queries' indexes."""

from collections.abc import Iterable
from datetime import timedelta

from attrs import evolve

from ...domain.entities.events import Event
from ...domain.systemlogs import AuditRepository, ErrorReopened, ErrorRepository, LogRepository
from ..documents.declarations.documents import Documents
from ..documents.declarations.indexes import Index

RETENTION = timedelta(days=90)
"""How long log entries and error reports are kept unless told otherwise."""


LOGS = Documents(
    LogRepository,
    collection="logs",
    indexes=(
        Index("-occurred_at", "-id"),
        Index("level", "-occurred_at", "-id"),
        Index("source", "-occurred_at", "-id"),
        Index("occurred_at", expire_after=RETENTION),
    ),
)
ERRORS = Documents(
    ErrorRepository,
    collection="errors",
    indexes=(Index("status", "-last_seen_at", "-id"), Index("last_seen_at", expire_after=RETENTION)),
)
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


def kept_for(retention: timedelta | None, documents: Iterable[Documents]) -> tuple[Documents, ...]:
    """Declare documents that expire with another retention.

    Args:
        retention: how long log entries stay after they occurred, and error reports after they were last seen; the
            server removes older ones by itself. None keeps them. The audit trail is always kept.
        documents: as they are declared.
    """
    return tuple(evolve(one, indexes=tuple(_kept_for(retention, index) for index in one.indexes)) for one in documents)


def _kept_for(retention: timedelta | None, index: Index) -> Index:
    return index if index.expire_after is None else index.expiring(retention)


SYSTEMLOGS_EVENTS: tuple[type[Event], ...] = (ErrorReopened,)
"""What the systemlogs store publishes."""
