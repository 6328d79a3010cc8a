"""Metering: what was consumed, counted from the events that services publish."""

import math

from attrs import frozen

from ..domain.analytics import AnalyticsUnitOfWork, PlaybackRecorded, UsageRecord, UsageRecordId
from ..domain.core import CoreUnitOfWork
from ..domain.errors import DuplicateKey
from ..domain.unit_of_work.outbox import Delivery
from ..domain.unit_of_work.store import Store

PLAYBACK_SECONDS = "playback-seconds"
"""The resource under which views are counted, in whole seconds, begun ones included."""


@frozen
class MeteringService:
    """The use cases that turn events into usage."""

    _core: Store[CoreUnitOfWork]
    _analytics: Store[AnalyticsUnitOfWork]

    def count_playback(self, event: PlaybackRecorded, delivery: Delivery) -> None:
        """Count the seconds of a view for the organization of its project, once however often it is delivered.

        The record of usage bears the event's id. A view of no length consumes nothing.

        Raises:
            NotFound: if there is no such project.
        """
        seconds = math.ceil(event.duration_seconds)
        if seconds == 0:
            return
        with self._core.reader() as core:
            # a project stays where it is, and has many views
            organization_id = core.projects.cached(ttl=60).get(event.project_id).organization_id
        usage = UsageRecord(
            id=UsageRecordId(delivery.event_id),
            organization_id=organization_id,
            user_id=event.user_id,
            resource=PLAYBACK_SECONDS,
            quantity=seconds,
            occurred_at=event.occurred_at,
        )
        try:
            self._analytics.run(lambda analytics: analytics.usage.add(usage))
        except DuplicateKey as duplicate:
            if duplicate.fields != ("id",):
                raise
