"""Logs: what applications say about their work."""

from collections.abc import Sequence
from datetime import datetime
from enum import Enum
from typing import Any, NewType

from attrs import define, field

from ..entities.entity import Entity
from ..entities.fields import instant, member_of, shortened, text, to_instant
from ..entities.ids import Id
from ..repository.read_repository import ReadRepository
from ..repository.repository import Repository
from ..rules.specification import where
from ..rules.words import one_of

LogEntryId = NewType("LogEntryId", Id)


class LogLevel(Enum):
    """How much a log entry matters, in rising order."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"
    CRITICAL = "critical"

    def and_above(self) -> "list[LogLevel]":
        """Return this level and those that matter more."""
        levels = list(LogLevel)
        return levels[levels.index(self) :]


def to_message(value: str) -> str:
    """A converter that cuts a message to what a log keeps of it."""
    return shortened(value, 10_000)


@define(kw_only=True)
class LogEntry(Entity[LogEntryId]):
    """One line of a log; a longer message is cut, never refused."""

    level: LogLevel = field(default=LogLevel.INFO, validator=member_of(LogLevel))
    source: str = field(validator=text(min=1, max=120))
    message: str = field(converter=to_message, validator=text(max=10_000))
    context: dict[str, Any] = field(factory=dict)
    occurred_at: datetime = field(converter=to_instant, validator=instant)


class LogQueries(ReadRepository[LogEntry, LogEntryId]):
    """The questions that are asked of logs."""

    def newest(
        self, *, source: str | None = None, level: LogLevel = LogLevel.DEBUG, limit: int = 100
    ) -> Sequence[LogEntry]:
        """Return the last entries of at least that level, newest first; of one source, or of all."""
        rule, levels = where(LogEntry), level.and_above()
        if source is not None:
            rule &= where(LogEntry, lambda e: e.source == source)
        if level is not LogLevel.DEBUG:
            rule &= where(LogEntry, lambda e: one_of(e.level, levels))
        return self.find(rule, sort=("-occurred_at", "-id"), limit=limit)


class LogRepository(LogQueries, Repository[LogEntry, LogEntryId]):
    """The log."""
