"""The commands that the driver of MongoDB sends, with their values masked.

They are taken from the driver's own log (the logger ``pymongo.command``), which can be listened to at any time and by
any client; it is silent again afterwards, and what it says reaches no other handler meanwhile.
"""

import json
import logging
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

from attrs import frozen

_LOGGER = logging.getLogger("pymongo.command")
_LENGTH = "MONGOB_LOG_MAX_DOCUMENT_LENGTH"
"""The driver's variable for the most characters of a command that it logs
(https://pymongo.readthedocs.io, "Logging")."""

_NOISE = frozenset({"lsid", "$clusterTime", "$db", "$readPreference", "txnNumber", "signature", "$audit"})
_DATA = frozenset({"filter", "query", "q", "u", "documents", "$match", "deltas"})
"""Where the values of callers stand; everything else of a command is its form."""


@frozen
class Command:
    """One command that was sent.

    Attributes:
        name: such as ``find``.
        body: what was sent, without the session's numbers; each value of a filter or document is ``"?"``.
    """

    name: str
    body: Mapping[str, Any]

    def __str__(self) -> str:
        return json.dumps(self.body)


class CommandLog:
    """Collects commands in a ``with`` block: each thread's into the list that it names at the time."""

    _lock = threading.Lock()
    _open = 0
    _before: tuple[int, bool] = (logging.NOTSET, True)

    def __init__(self) -> None:
        self._current = threading.local()
        self._handler = _Handler(self._receive)

    def __enter__(self) -> Self:
        """Listen; the first of several opens the driver's log."""
        cls = CommandLog
        with cls._lock:
            if not cls._open:
                cls._before = (_LOGGER.level, _LOGGER.propagate)
                _LOGGER.propagate = _LOGGER.propagate and _LOGGER.isEnabledFor(logging.DEBUG)
                _LOGGER.setLevel(logging.DEBUG)
            cls._open += 1
            _LOGGER.addHandler(self._handler)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Listen no more; the last of several leaves the driver's log as it was."""
        cls = CommandLog
        with cls._lock:
            _LOGGER.removeHandler(self._handler)
            cls._open -= 1
            if not cls._open:
                level, _LOGGER.propagate = cls._before
                _LOGGER.setLevel(level)

    @contextmanager
    def into(self, commands: list[Command]) -> Iterator[None]:
        """Collect what this thread sends in the block."""
        before = getattr(self._current, "commands", None)
        self._current.commands = commands
        try:
            yield
        finally:
            self._current.commands = before

    def _receive(self, command: Command) -> None:
        commands: list[Command] | None = getattr(self._current, "commands", None)
        if commands is not None:
            commands.append(command)


class _Handler(logging.Handler):
    """Reads what the driver says of a command that it sends."""

    _whole = threading.Lock()

    def __init__(self, receive: Any) -> None:
        super().__init__(logging.DEBUG)
        self._receive = receive

    def emit(self, record: logging.LogRecord) -> None:
        said = json.loads(self._read_whole(record))
        if said.get("message") == "Command started":
            self._receive(Command(said["commandName"], _masked_command(said["command"])))

    def _read_whole(self, record: logging.LogRecord) -> str:
        """The driver looks at its variable whenever a record is made into text."""
        with self._whole:
            before = os.environ.get(_LENGTH)
            os.environ[_LENGTH] = str(1 << 30)
            try:
                return record.getMessage()
            finally:
                del os.environ[_LENGTH]
                if before is not None:
                    os.environ[_LENGTH] = before


def _masked_command(text: str) -> dict[str, Any]:
    """A command without values; one that another handler has cut first is left out."""
    try:
        command = json.loads(text)
    except ValueError:
        return {}
    return {key: _form(key, value) for key, value in command.items() if key not in _NOISE}


def _form(key: str, value: Any) -> Any:
    if key in _DATA:
        return _masked(value)
    if isinstance(value, dict):
        return {inner: _form(inner, part) for inner, part in value.items()}
    if isinstance(value, list):
        return [_form("", part) for part in value]
    return value


_WRAPPERS = frozenset(
    {"$oid", "$date", "$binary", "$uuid", "$timestamp", "$regularExpression", "$minKey", "$maxKey"}
    | {f"$number{kind}" for kind in ("Decimal", "Int", "Long", "Double")}
)
"""Extended JSON writes a value of BSON as an object with one of these keys."""


def _masked(value: Any) -> Any:
    if isinstance(value, list):
        return [_masked(part) for part in value]
    if isinstance(value, dict) and not _WRAPPERS & value.keys():
        return {key: _masked(part) for key, part in value.items()}
    return "?"
