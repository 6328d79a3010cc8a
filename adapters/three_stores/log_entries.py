"""Entries of the systemlogs store, made of the records of the standard library's logging."""

import logging
import traceback
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime
from itertools import islice
from typing import Any, TypeVar

from ...domain.entities.fields import shortened
from ...domain.systemlogs import LogEntry, LogEntryId, LogLevel

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_LEVELS = (
    (logging.CRITICAL, LogLevel.CRITICAL),
    (logging.ERROR, LogLevel.ERROR),
    (logging.WARNING, LogLevel.WARNING),
    (logging.INFO, LogLevel.INFO),
)
_MOST_SOURCE = _MOST_KEY = 120
_MOST_TEXT = 10_000
_MOST_VALUES = 50
_MOST_CONTEXT = 100_000
_VALUE = 10
"""Each value in a context counts as so many characters more than its text has."""

T = TypeVar("T")


def entry_of(record: logging.LogRecord, id: LogEntryId) -> LogEntry:
    """Return the entry of a record, which holds no more than a store takes, and says where something is missing."""
    context = _Plain().context({key: value for key, value in vars(record).items() if key not in _STANDARD})
    context |= {
        "thread": _shortened(str(record.threadName)),
        "process": record.process,
        "line": _shortened(f"{record.pathname}:{record.lineno}"),
    }
    if record.exc_info and record.exc_info[1] is not None:
        context["exception"] = _shortened("".join(traceback.format_exception(record.exc_info[1])))
    if record.stack_info:
        context["stack"] = _shortened(record.stack_info)
    return LogEntry(
        id=id,
        level=next((level for least, level in _LEVELS if record.levelno >= least), LogLevel.DEBUG),
        source=_storable(record.name)[:_MOST_SOURCE] or "root",
        message=_shortened(record.getMessage()),
        context=context,
        occurred_at=datetime.fromtimestamp(record.created, UTC),
    )


class _Plain:
    """Turns what was given with a record into what a store can hold, and no more of it than an entry may have."""

    def __init__(self) -> None:
        self._left = _MOST_CONTEXT
        self._is_cut = False

    def context(self, extras: Mapping[str, Any]) -> dict[str, Any]:
        """The context of an entry; one of which something is missing says so."""
        context = self._table(extras, len(extras), depth=3)
        return {**context, "shortened": True} if self._is_cut else context

    def _value(self, value: Any, depth: int) -> Any:
        """Texts, numbers and moments, and some of what is in lists and dictionaries."""
        if value is None or isinstance(value, bool) or (isinstance(value, float) and type(value) is float):
            return value
        if type(value) is int and -(2**63) <= value < 2**63:
            return value
        if isinstance(value, datetime) and value.tzinfo is not None:
            return value
        if isinstance(value, str):
            return self._text(value, _MOST_TEXT)
        if depth and isinstance(value, Mapping):
            return self._table(value, _MOST_VALUES, depth - 1)
        if depth and isinstance(value, list | tuple | set | frozenset):
            return [self._value(item, depth - 1) for item in self._some(value, _MOST_VALUES)]
        return self._text(repr(value), _MOST_TEXT)

    def _table(self, values: Mapping[Any, Any], most: int, depth: int) -> dict[str, Any]:
        some = self._some(values.items(), most)
        return {self._key(key): self._value(item, depth) for key, item in some}

    def _some(self, values: Collection[T], most: int) -> Iterator[T]:
        """The first ones, as long as there is room."""
        for value in islice(values, most):
            if self._left <= 0:
                self._is_cut = True
                return
            self._left -= _VALUE
            yield value
        self._is_cut |= len(values) > most

    def _key(self, key: object) -> str:
        """A key that a store takes: no dots, no leading ``$``."""
        return self._text(str(key), _MOST_KEY).replace("$", "_").replace(".", "_") or "_"

    def _text(self, text: str, most: int) -> str:
        found = shortened(_storable(text), max(1, min(most, self._left)))
        self._left -= len(found)
        self._is_cut |= len(found) < len(text)
        return found


def _shortened(text: str) -> str:
    return shortened(_storable(text), _MOST_TEXT)


def _storable(text: str) -> str:
    """Text as a store can hold it: without halves of characters and NUL."""
    return text.encode(errors="replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")
