"""The systemlogs store: logs, errors, and the audit trail."""

from .audit import AuditEntry, AuditEntryId, AuditQueries, AuditRepository, AuditTrailIsFinal
from .errors import (
    ErrorQueries,
    ErrorReopened,
    ErrorReport,
    ErrorReportId,
    ErrorRepository,
    ErrorStatus,
    fingerprint_of,
)
from .logs import LogEntry, LogEntryId, LogLevel, LogQueries, LogRepository
from .unit_of_work import SystemlogsReader, SystemlogsUnitOfWork

__all__ = [
    "AuditEntry",
    "AuditEntryId",
    "AuditQueries",
    "AuditRepository",
    "AuditTrailIsFinal",
    "ErrorQueries",
    "ErrorReopened",
    "ErrorReport",
    "ErrorReportId",
    "ErrorRepository",
    "ErrorStatus",
    "LogEntry",
    "LogEntryId",
    "LogLevel",
    "LogQueries",
    "LogRepository",
    "SystemlogsReader",
    "SystemlogsUnitOfWork",
    "fingerprint_of",
]
