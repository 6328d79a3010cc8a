"""Two reads at the same time: a page, and how many entities there are on all pages."""

import os
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import TypeVar

from ...observability.callers import context_of_caller

T = TypeVar("T")

THREADS = 4
"""How many pages of one store are read beside their counts at the same time; others are read one after the other."""

HEAD_START = 0.02
"""Seconds that a page has before its count is asked for beside it.

A page that comes in this time and is not full tells the total by itself, so that nothing is counted for it; a slow one
waits for its count no longer than this.
"""


class SideBySide:
    """A few threads of one store, made at the first need.

    Attributes:
        head_start: `HEAD_START`, unless another is set.
    """

    def __init__(self) -> None:
        self.head_start = HEAD_START
        self._lock = threading.Lock()
        self._pool: ThreadPoolExecutor | None = None
        self._process = os.getpid()
        self._free = threading.Semaphore(THREADS)

    def read(
        self, page: Callable[[], T], count: Callable[[], int], told_by: Callable[[T], int | None]
    ) -> tuple[T, int]:
        """Return a page and the total: counted beside a page that takes its time, and not where the page tells it."""
        reading = self._begin(page)
        if reading is None:
            return one_after_the_other(page, count, told_by)
        wait([reading], self.head_start)
        if reading.done():
            return one_after_the_other(reading.result, count, told_by)
        try:
            total = count()
        finally:
            wait([reading])
        return reading.result(), total

    def close(self) -> None:
        """End the threads; the next need makes others."""
        with self._lock:
            pool, self._pool = self._pool, None
        if pool is not None and self._process == os.getpid():
            pool.shutdown()

    def _begin(self, page: Callable[[], T]) -> "Future[T] | None":
        """Read the page in another thread, if one is free."""
        with self._lock:
            if self._process != os.getpid():  # the threads stayed in the process that this one was forked from
                self._process, self._pool, self._free = os.getpid(), None, threading.Semaphore(THREADS)
            free = self._free
            if not free.acquire(blocking=False):
                return None
            try:
                if self._pool is None:
                    self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="tristore-page")
                # what is switched for the caller, such as its cache, is switched there too
                reading = self._pool.submit(context_of_caller().run, page)
            except RuntimeError:  # the interpreter is ending
                free.release()
                return None
        reading.add_done_callback(lambda _: free.release())
        return reading


def one_after_the_other(
    page: Callable[[], T], count: Callable[[], int], told_by: Callable[[T], int | None]
) -> tuple[T, int]:
    """Return a page and the total, counted only where the page does not tell it."""
    found = page()
    told = told_by(found)
    return found, count() if told is None else told
