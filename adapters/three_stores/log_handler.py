"""A handler of the standard library's logging that writes to the systemlogs store."""

import atexit
import logging
import os
import threading
import weakref
from collections import deque
from datetime import UTC, datetime
from functools import partial
from time import monotonic

from attrs import frozen

from ...domain.entities.ids import IdFactory, new_id
from ...domain.errors import DuplicateKey
from ...domain.systemlogs import LogEntry, LogEntryId, LogLevel, SystemlogsUnitOfWork
from ...domain.unit_of_work.store import Store
from .log_entries import entry_of

_OWN = ("tristore", "pymongo")
"""Loggers of what the handler itself uses: to log them would make it write about its own writing."""

_LONGEST_PAUSE = 30.0


@frozen
class LogCounts:
    """What became of the records of a `StoreHandler`.

    Attributes:
        written: entries that are stored.
        dropped: records that were lost: the queue was full, or they could not be stored before the handler was closed.
        refused: records of which no entry could be made, or which the store refused; they are lost, too.
        waiting: records in the queue.
        last_error: why the last batch was not stored, or the last record was refused.
    """

    written: int
    dropped: int
    refused: int
    waiting: int
    last_error: str | None = None


class StoreHandler(logging.Handler):
    """Writes log records to the systemlogs store, in batches, from a thread of its own.

    What logs never waits and never gets an error: a record goes into a bounded queue, or is dropped and counted. While
    the store does not answer, the queue fills; then the newest records are dropped, and the batch is tried again
    after a pause that doubles up to 30 s. Before the first record after a loss an entry tells how many were lost, and
    why.

    What is given with a record (``extra``) is kept up to 100,000 characters, of which each value counts as 10 and its
    text; of a text 10,000, of a list or dictionary 50 values, of a key 120 characters. Where something is missing, the
    context has ``shortened``.

    What tristore and the driver log themselves is left out, so that writing entries makes no entries. The handler is
    flushed when the process ends, within `flush_timeout`, as by `close`. A fork has a thread of its own, and an empty
    queue.

    Args:
        store: the systemlogs store.
        level: records below it are left out.
        capacity: the most records that wait.
        batch: the most entries of one write.
        interval: the most seconds that a record waits while there are fewer.
        flush_timeout: the most seconds that `flush`, `close` and the end of the process wait.
        ids: makes the ids of entries.
    """

    def __init__(
        self,
        store: Store[SystemlogsUnitOfWork],
        level: int | str = logging.INFO,
        *,
        capacity: int = 10_000,
        batch: int = 500,
        interval: float = 1.0,
        flush_timeout: float = 5.0,
        ids: IdFactory = new_id,
    ) -> None:
        super().__init__(level)
        self._store = store
        self._capacity = capacity
        self._batch = batch
        self._interval = interval
        self._flush_timeout = flush_timeout
        self._ids = ids
        self._written = self._dropped = self._refused = 0
        self._told = (0, 0)  # of dropped and of refused ones
        self._last_error: str | None = None
        self._last_refusal = ""
        self._closed = False
        self._begin()
        self._at_exit = partial(_close, weakref.ref(self))
        atexit.register(self._at_exit)

    @property
    def counts(self) -> LogCounts:
        """What became of the records so far, in this process."""
        self._notice_fork()
        with self._changed:
            waiting = len(self._queue) + len(self._taken)
            return LogCounts(self._written, self._dropped, self._refused, waiting, self._last_error)

    def emit(self, record: logging.LogRecord) -> None:
        """Put a record into the queue, or count it as dropped. Never waits for the store, and never raises."""
        if record.name.partition(".")[0] in _OWN or threading.current_thread() is self._thread:
            return
        self._notice_fork()
        try:
            entry = entry_of(record, LogEntryId(self._ids()))
        except Exception as error:  # noqa: BLE001 - of what was logged: its text, or its validators
            with self._changed:
                self._refuse(1, type(error).__name__)
            return
        with self._changed:
            if self._closed or len(self._queue) + len(self._taken) >= self._capacity:
                self._dropped += 1
                return
            self._queue.append(entry)
            if len(self._queue) >= self._batch:
                self._changed.notify_all()
            self._start()

    def flush(self) -> None:
        """Wait until everything that was logged so far is stored, at the most `flush_timeout` seconds."""
        if threading.current_thread() is self._thread or os.getpid() != self._process:
            return
        end = monotonic() + self._flush_timeout
        with self._changed:
            self._hurry = True
            self._changed.notify_all()
            while (self._queue or self._taken) and self._thread is not None and (left := end - monotonic()) > 0:
                self._changed.wait(left)
            self._hurry = False

    def close(self) -> None:
        """Flush, and take no more records; what could not be stored in time counts as dropped."""
        if self._closed:
            return
        self.flush()
        with self._changed:
            self._closed = True
            self._dropped += len(self._queue)
            self._queue.clear()
            self._changed.notify_all()
            thread = self._thread
        if thread is not None and os.getpid() == self._process:
            thread.join(0.0 if self._taken else self._flush_timeout)
        atexit.unregister(self._at_exit)
        super().close()

    def _notice_fork(self) -> None:
        """Begin again in a fork, where the thread is not."""
        if os.getpid() != self._process:
            self._begin()

    def _begin(self) -> None:
        """Begin with an empty queue."""
        assert self.lock is not None  # noqa: S101 - made by logging.Handler
        self._process = os.getpid()
        self._changed = threading.Condition(self.lock)
        self._queue: deque[LogEntry] = deque()
        self._taken: list[LogEntry] = []
        self._thread: threading.Thread | None = None
        self._hurry = False

    def _start(self) -> None:
        if self._thread is None:
            thread = threading.Thread(target=self._work, name="tristore-log-handler", daemon=True)
            try:
                thread.start()
            except RuntimeError:  # the interpreter is ending
                self._dropped += len(self._queue)
                self._queue.clear()
                return
            self._thread = thread

    def _work(self) -> None:
        """Write batches until the handler is closed."""
        pause = 0.0
        while True:
            with self._changed:
                if not self._taken:
                    self._wait_for_a_batch()
                    while self._queue and len(self._taken) < self._batch:
                        self._taken.append(self._queue.popleft())
                if not self._taken and self._closed:
                    return
            if not self._taken or self._write():
                pause = 0.0
                continue
            pause = min(_LONGEST_PAUSE, max(self._interval, 2 * pause))
            with self._changed:
                if self._closed:
                    self._dropped += len(self._taken)
                    self._taken.clear()
                    return
                self._changed.wait(0.1 if self._hurry else pause)

    def _wait_for_a_batch(self) -> None:
        """Wait until there is something, then for more of it, unless somebody wants it stored now."""
        end: float | None = None
        while not self._closed:
            if self._queue and end is None:
                end = monotonic() + self._interval
            if len(self._queue) >= self._batch or (self._queue and self._hurry):
                return
            left = None if end is None else end - monotonic()
            if left is not None and left <= 0:
                return
            self._changed.wait(_LONGEST_PAUSE if left is None else left)

    def _write(self) -> bool:
        """Store what was taken; tell whether that is done with."""
        lost = self._dropped, self._refused
        notice = self._notice(*lost)
        try:
            with self._store.bulk() as systemlogs:
                result = systemlogs.logs.add_many([*notice, *self._taken])
        except Exception as error:  # noqa: BLE001 - whatever it is, it must not end the thread
            with self._changed:
                self._last_error = _reason(error)
            return False
        # one that is there already was stored by an attempt whose answer was lost
        refused = [
            one.error
            for one in result.errors
            if one.position >= len(notice) and not isinstance(one.error, DuplicateKey)
        ]
        with self._changed:
            self._told = lost
            self._written += len(self._taken) - len(refused)
            if refused:
                self._refuse(len(refused), _reason(refused[-1]))
            self._taken.clear()
            self._changed.notify_all()
        return True

    def _refuse(self, count: int, reason: str) -> None:
        self._refused += count
        self._last_error = self._last_refusal = reason

    def _notice(self, dropped: int, refused: int) -> list[LogEntry]:
        """An entry that tells of records which were lost since the last one, if any were."""
        dropped, refused = dropped - self._told[0], refused - self._told[1]
        reasons = [f"{dropped} because the queue was full"] if dropped else []
        if refused:
            were = "it was" if refused == 1 else "they were"
            reasons.append(f"{refused} because {were} refused: {self._last_refusal}")
        if not reasons:
            return []
        message = f"{dropped + refused} log records were lost before this: {', '.join(reasons)}"
        now, id = datetime.now(UTC), LogEntryId(self._ids())
        return [LogEntry(id=id, level=LogLevel.WARNING, source=__name__, message=message, occurred_at=now)]


def _close(handler: "weakref.ref[StoreHandler]") -> None:
    found = handler()
    if found is not None:
        found.close()


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
