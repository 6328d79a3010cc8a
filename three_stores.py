"""The three stores that ship, wired: the door of those whose application keeps its data in them.

`open_stores` opens core, analytics and systemlogs where the environment says; `Container` makes the services over
them. Entities and repositories stand in `tristore.domain.core`, `tristore.domain.analytics` and
`tristore.domain.systemlogs`, the services in `tristore.services`.
"""

from .adapters.three_stores.analytics import ANALYTICS, ANALYTICS_EVENTS, METRICS, PLAYBACK, USAGE
from .adapters.three_stores.container import Container
from .adapters.three_stores.core import CORE, CORE_EVENTS, ORGANIZATIONS, PROJECTS, SESSIONS, TOKENS, TRANSFERS, USERS
from .adapters.three_stores.deliveries import make_relays
from .adapters.three_stores.passwords import Argon2PasswordHasher
from .adapters.three_stores.settings import Days, Prepare, Settings, StoreSettings, Url
from .adapters.three_stores.stores import Stores, open_stores
from .adapters.three_stores.systemlogs import AUDIT, ERRORS, LOGS, SYSTEMLOGS, SYSTEMLOGS_EVENTS, kept_for
from .domain.analytics import AnalyticsUnitOfWork
from .domain.core import CoreUnitOfWork
from .domain.systemlogs import SystemlogsUnitOfWork

__all__ = [
    "ANALYTICS",
    "ANALYTICS_EVENTS",
    "AUDIT",
    "CORE",
    "CORE_EVENTS",
    "ERRORS",
    "LOGS",
    "METRICS",
    "ORGANIZATIONS",
    "PLAYBACK",
    "PROJECTS",
    "SESSIONS",
    "SYSTEMLOGS",
    "SYSTEMLOGS_EVENTS",
    "TOKENS",
    "TRANSFERS",
    "USAGE",
    "USERS",
    "AnalyticsUnitOfWork",
    "Argon2PasswordHasher",
    "Container",
    "CoreUnitOfWork",
    "Days",
    "Prepare",
    "Settings",
    "StoreSettings",
    "Stores",
    "SystemlogsUnitOfWork",
    "Url",
    "kept_for",
    "make_relays",
    "open_stores",
]
