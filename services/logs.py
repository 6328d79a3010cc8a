"""Logs: what applications say, and the errors that they meet."""

import traceback
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from attrs import frozen

from ..domain.entities.clock import Clock
from ..domain.entities.ids import IdFactory, new_id
from ..domain.errors import DuplicateKey
from ..domain.systemlogs import (
    ErrorReport,
    ErrorReportId,
    LogEntry,
    LogEntryId,
    LogLevel,
    SystemlogsUnitOfWork,
    fingerprint_of,
)
from ..domain.unit_of_work.store import Store


@frozen
class LogService:
    """The use cases around logs and error reports."""

    _systemlogs: Store[SystemlogsUnitOfWork]
    _clock: Clock
    _ids: IdFactory = new_id

    def write(
        self,
        message: str,
        *,
        source: str,
        level: LogLevel = LogLevel.INFO,
        context: dict[str, Any] | None = None,
        occurred_at: datetime | None = None,
    ) -> LogEntry:
        """Write an entry; without a time, of what just happened."""
        entry = LogEntry(
            id=LogEntryId(self._ids()),
            level=level,
            source=source,
            message=message,
            context=context or {},
            occurred_at=occurred_at or self._clock.now(),
        )
        self._systemlogs.run(lambda systemlogs: systemlogs.logs.add(entry))
        return entry

    def newest(
        self, *, source: str | None = None, level: LogLevel = LogLevel.DEBUG, limit: int = 100
    ) -> Sequence[LogEntry]:
        """Return the last entries of at least that level, newest first."""
        with self._systemlogs.reader() as systemlogs:
            return systemlogs.logs.newest(source=source, level=level, limit=limit)

    def report_error(self, error: BaseException, *, source: str, context: dict[str, Any] | None = None) -> ErrorReport:
        """Report an error. Occurrences of the same fault are counted in one report (see `fingerprint_of`)."""
        kind, message = type(error).__qualname__, str(error)
        fingerprint = fingerprint_of(source, kind, message)
        stack, at = "".join(traceback.format_exception(error)), self._clock.now()

        def report(systemlogs: SystemlogsUnitOfWork) -> ErrorReport:
            known = systemlogs.errors.by_fingerprint(fingerprint)
            if known is not None:
                known.happened_again(at, message, stack, context or {})
                return known
            new = ErrorReport(
                id=ErrorReportId(self._ids()),
                fingerprint=fingerprint,
                source=source,
                kind=kind,
                message=message,
                stack=stack,
                context=context or {},
                first_seen_at=at,
                last_seen_at=at,
            )
            systemlogs.errors.add(new)
            return new

        # Two first occurrences at once: the slower one finds the report at its next attempt.
        return self._systemlogs.run(report, retry_on=(DuplicateKey,))

    def open_errors(self, limit: int = 100) -> Sequence[ErrorReport]:
        """Return the errors that somebody has to look at, last seen first."""
        with self._systemlogs.reader() as systemlogs:
            return systemlogs.errors.open(limit)
