"""Commands that took long, as their sender saw them: logged with the repository method that sent them, values masked.

Listening costs about 12 microseconds for each command, so a client listens only if it was told from when on a command
is slow. Which method it was is looked up when a command was slow: its answer is heard in the thread that waits for it.
"""

import logging
import sys
import threading
from collections.abc import Mapping
from types import FrameType
from typing import Any

from pymongo import monitoring

from ....domain.repository.read_repository import ReadRepository
from ....domain.unit_of_work.unit_of_work import UnitOfWork
from ...observability.callers import outwards
from ..translation.query_shapes import shape_of_command

LOGGER = logging.getLogger("tristore.slow")

_SPOKEN_OF = frozenset(
    {"find", "aggregate", "count", "distinct", "insert", "update", "delete", "findAndModify", "getMore"}
)


_INSIDE = ("tristore.adapters.", "tristore.domain.", "pymongo.", "contextlib", "concurrent.futures.", "threading")
"""The modules between a caller's line and a command."""


class SlowCommandLog(monitoring.CommandListener):
    """Logs each command that took longer than a threshold.

    Args:
        store: the store's name, for the log.
        threshold: in milliseconds, round trip included.
    """

    def __init__(self, store: str, threshold: float) -> None:
        self._store = store
        self._threshold = threshold * 1_000
        self._sent = threading.local()

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        """Remember what was sent; a thread waits for one answer at a time."""
        self._sent.command = event.command

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        """Look how long it took."""
        if event.duration_micros >= self._threshold:
            self._tell(event, "")

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        """Look how long it took."""
        if event.duration_micros >= self._threshold:
            self._tell(event, " and failed")

    def _tell(self, event: Any, ended: str) -> None:
        command: Mapping[str, Any] = getattr(self._sent, "command", {})
        LOGGER.warning(
            "%s: %s took %.0f ms%s, sent by %s",
            self._store,
            _words(event.command_name, command),
            event.duration_micros / 1_000,
            ended,
            sender(sys._getframe(1)),
        )


def sender(frame: FrameType | None) -> str:
    """Name the repository method that leads to a frame, or what else asked; then the line of the caller's code."""
    inside: str | None = None
    place = "somewhere"
    for one in outwards(frame):
        module = one.f_globals.get("__name__", "")
        subject = one.f_locals.get("self")
        if isinstance(subject, ReadRepository | UnitOfWork):
            called = "stream" if one.f_code.co_name == "_streamed" else one.f_code.co_name
            inside = f"{type(subject).__name__}.{called}"  # the outermost one is what the caller asked
        elif not module.startswith(_INSIDE):
            place = f"{one.f_code.co_filename}:{one.f_lineno}"
            break
    return f"{inside} at {place}" if inside else place


def _words(name: str, command: Mapping[str, Any]) -> str:
    """What was sent, without values."""
    if name not in _SPOKEN_OF:
        return name
    collection = command.get("collection") if name == "getMore" else command.get(name)
    shape = shape_of_command(name, str(collection), command)
    text = "" if name in {"insert", "getMore"} else f" {shape.text}"
    return f"{name} {collection}{text}"
