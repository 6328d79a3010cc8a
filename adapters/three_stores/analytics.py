"""The documents of the analytics store: a declaration for each repository, with its queries' indexes."""

from ...domain.analytics import MetricRepository, PlaybackRecorded, PlaybackRepository, UsageRepository
from ...domain.entities.events import Event
from ..documents.declarations.documents import Documents
from ..documents.declarations.indexes import Index

PLAYBACK = Documents(PlaybackRepository, collection="playback", indexes=(Index("project_id", "occurred_at"),))
METRICS = Documents(
    MetricRepository, collection="metrics", indexes=(Index("name", "project_id", "-occurred_at", "-id"),)
)
USAGE = Documents(UsageRepository, collection="usage", indexes=(Index("organization_id", "resource", "occurred_at"),))

ANALYTICS = (PLAYBACK, METRICS, USAGE)
"""The analytics store, in the order in which its collections are created."""

ANALYTICS_EVENTS: tuple[type[Event], ...] = (PlaybackRecorded,)
"""What the analytics store publishes."""
