"""Errors of applications: one report for all occurrences of the same fault."""

import re
from collections.abc import Sequence
from datetime import datetime
from enum import Enum
from hashlib import sha256
from typing import Any, NewType

from attrs import define, field, frozen

from ..entities.entity import Entity
from ..entities.events import Event
from ..entities.fields import instant, member_of, shortened, text, to_instant, whole
from ..entities.ids import Id
from ..repository.read_repository import ReadRepository
from ..repository.repository import Repository
from ..repository.unique import Unique
from .logs import to_message

ErrorReportId = NewType("ErrorReportId", Id)

_VARIABLE = re.compile(r"0x[0-9a-f]+|\b[0-9a-f]{24,}\b|\d+", re.IGNORECASE)


class ErrorStatus(Enum):
    """Whether somebody still has to look at an error."""

    OPEN = "open"
    RESOLVED = "resolved"


@frozen(kw_only=True)
class ErrorReopened(Event):
    """An error that was thought to be resolved happened again."""

    report_id: ErrorReportId


def fingerprint_of(source: str, kind: str, message: str) -> str:
    """Return what occurrences of the same fault have in common: numbers, addresses and ids are left out."""
    plain = _VARIABLE.sub("#", message)
    return sha256("\0".join((source, kind, plain)).encode(errors="replace")).hexdigest()


def _to_stack(value: str) -> str:
    return shortened(value, 50_000)


@define(kw_only=True)
class ErrorReport(Entity[ErrorReportId]):
    """A fault, with its last occurrence and how often it happened."""

    fingerprint: str = field(validator=text(min=1, max=64))
    source: str = field(validator=text(min=1, max=120))
    kind: str = field(validator=text(min=1, max=200))
    message: str = field(converter=to_message, validator=text(max=10_000))
    stack: str = field(default="", converter=_to_stack, validator=text(max=50_000))
    context: dict[str, Any] = field(factory=dict)
    status: ErrorStatus = field(default=ErrorStatus.OPEN, validator=member_of(ErrorStatus))
    occurrences: int = field(default=1, validator=whole(min=1))
    first_seen_at: datetime = field(converter=to_instant, validator=instant)
    last_seen_at: datetime = field(converter=to_instant, validator=instant)

    @property
    def is_open(self) -> bool:
        """Whether somebody still has to look at it."""
        return self.status == ErrorStatus.OPEN

    def happened_again(self, at: datetime, message: str, stack: str, context: dict[str, Any]) -> None:
        """Count another occurrence and keep what it tells; a resolved error is open again."""
        self.occurrences += 1
        self.last_seen_at = max(self.last_seen_at, at)
        self.message, self.stack, self.context = message, stack, context
        if self.status == ErrorStatus.RESOLVED:
            self.status = ErrorStatus.OPEN
            self.record(ErrorReopened(report_id=self.id))

    def resolve(self) -> None:
        """Say that nobody has to look at it any more."""
        self.status = ErrorStatus.RESOLVED


class ErrorQueries(ReadRepository[ErrorReport, ErrorReportId]):
    """The questions that are asked of errors."""

    def by_fingerprint(self, fingerprint: str) -> ErrorReport | None:
        """Return the report of that fault."""
        return self.first(lambda e: e.fingerprint == fingerprint)

    def open(self, limit: int = 100) -> Sequence[ErrorReport]:
        """Return the open errors, last seen first."""
        return self.find(lambda e: e.is_open, sort=("-last_seen_at", "-id"), limit=limit)


class ErrorRepository(ErrorQueries, Repository[ErrorReport, ErrorReportId]):
    """The reports; one for each fingerprint."""

    unique = (Unique("fingerprint"),)
