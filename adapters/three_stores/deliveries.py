"""The built-in deliveries: audit entries and usage, from the events that the three stores publish."""

from ...domain.analytics import PlaybackRecorded
from ...services.audit import AuditService
from ...services.metering import MeteringService
from ..operations.relay import OutboxRelay
from .core import CORE_EVENTS
from .stores import Stores
from .systemlogs import SYSTEMLOGS_EVENTS


def make_relays(stores: Stores, audit: AuditService, metering: MeteringService) -> dict[str, OutboxRelay]:
    """Return a relay for each store, by its name, with the built-in deliveries; add handlers of your own with `on`.

    Args:
        stores: where the events come from.
        audit: records those that the audit trail follows.
        metering: counts those that consume something.
    """
    relays = {store.name: OutboxRelay(store) for store in stores}
    for event in CORE_EVENTS:
        relays["core"].on(event, "audit", audit.follow)
    for event in SYSTEMLOGS_EVENTS:
        relays["systemlogs"].on(event, "audit", audit.follow)
    relays["analytics"].on(PlaybackRecorded, "metering", metering.count_playback)
    return relays
