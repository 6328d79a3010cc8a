"""What keeps stores running: the door of those who operate a service.

Relays deliver what units published, migrations bring documents up to date, transfers move them in and out; indexes,
validators and slow queries are looked after; health, metrics and logs tell how a store is.
"""

from .adapters.caching.stats import CacheObserver, CacheStats, Counted, Outcome
from .adapters.formats.extended_json import from_line, to_line
from .adapters.observability.figures import MetricsSnapshot
from .adapters.observability.metrics import Metrics
from .adapters.operations.health import health_of
from .adapters.operations.migrations import Migrations, OneOff, Progress
from .adapters.operations.relay import OutboxRelay
from .adapters.operations.transfer import ExportReport, ImportReport, Step, export_lines, import_lines
from .adapters.operations.upkeep import (
    Advice,
    IndexDiff,
    SlowShape,
    ValidatorDiff,
    diff_indexes,
    diff_validators,
    index_advice,
    profile_operations,
    slow_operations,
    slow_shapes,
    sync_indexes,
    sync_validators,
)
from .adapters.three_stores.log_handler import LogCounts, StoreHandler
from .domain.errors import (
    LeaseLost,
    MigrationError,
    MigrationRunning,
    StepChanged,
    StepFailed,
    UnreadableVersion,
)
from .domain.unit_of_work.health import Health, PoolUse, StoreHealth
from .domain.unit_of_work.listener import UnitOfWorkListener, UnitReport
from .domain.unit_of_work.outbox import Backlog, Delivery, Parked, SubscriptionBacklog
from .domain.unit_of_work.store import StoreReport

__all__ = [
    "Advice",
    "Backlog",
    "CacheObserver",
    "CacheStats",
    "Counted",
    "Delivery",
    "ExportReport",
    "Health",
    "ImportReport",
    "IndexDiff",
    "LeaseLost",
    "LogCounts",
    "Metrics",
    "MetricsSnapshot",
    "MigrationError",
    "MigrationRunning",
    "Migrations",
    "OneOff",
    "OutboxRelay",
    "Outcome",
    "Parked",
    "PoolUse",
    "Progress",
    "SlowShape",
    "Step",
    "StepChanged",
    "StepFailed",
    "StoreHandler",
    "StoreHealth",
    "StoreReport",
    "SubscriptionBacklog",
    "UnitOfWorkListener",
    "UnitReport",
    "UnreadableVersion",
    "ValidatorDiff",
    "diff_indexes",
    "diff_validators",
    "export_lines",
    "from_line",
    "health_of",
    "import_lines",
    "index_advice",
    "profile_operations",
    "slow_operations",
    "slow_shapes",
    "sync_indexes",
    "sync_validators",
    "to_line",
]
