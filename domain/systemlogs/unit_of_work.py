"""The unit of work of the systemlogs store, and its reader."""

from ..unit_of_work.unit_of_work import Reader, UnitOfWork
from .audit import AuditQueries, AuditRepository
from .errors import ErrorQueries, ErrorRepository
from .logs import LogQueries, LogRepository


class SystemlogsReader(Reader):
    """Reads what happened in the system."""

    logs: LogQueries
    errors: ErrorQueries
    audit: AuditQueries


class SystemlogsUnitOfWork(UnitOfWork[SystemlogsReader]):
    """Records what happened in the system."""

    logs: LogRepository
    errors: ErrorRepository
    audit: AuditRepository
