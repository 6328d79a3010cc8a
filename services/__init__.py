"""The use cases: written once on the ports of the domain, they run on every backend."""

from ..domain.analytics.playback import DayOfPlayback
from .accounts import AccountService
from .audit import AuditService
from .credits import CreditService
from .logs import LogService
from .metering import MeteringService
from .metrics import MetricsService, MetricSummary
from .playback import PlaybackService
from .projects import ProjectService
from .usage import UsageService, UsageTotal

__all__ = [
    "AccountService",
    "AuditService",
    "CreditService",
    "DayOfPlayback",
    "LogService",
    "MeteringService",
    "MetricSummary",
    "MetricsService",
    "PlaybackService",
    "ProjectService",
    "UsageService",
    "UsageTotal",
]
