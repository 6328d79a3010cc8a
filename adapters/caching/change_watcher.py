"""Writes by other programs: a thread that follows the change stream of a store and invalidates what it tells of."""

import logging
import threading
import time
from collections.abc import Callable

from ...domain.errors import ConfigurationError, TristoreError
from ..backend import Seen, Watch

log = logging.getLogger("tristore.cache")

_PAUSE = 1.0
"""Seconds before a lost stream is opened again."""

_SILENCE = 2.0
"""Seconds after which a stream that says nothing counts as lost: one that lives says at least that nothing was written,
several times in that time."""


class Watcher:
    """Follows a change stream until it is closed.

    Args:
        open_stream: opens it.
        seen: is told of each write.
        back: is called when the stream has been opened: nobody knows what was written before.
        name: of the store, for the log.
        clock: seconds that only grow.
    """

    def __init__(
        self,
        open_stream: Callable[[], Watch],
        seen: Callable[[Seen], None],
        back: Callable[[], None],
        name: str = "",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._open_stream = open_stream
        self._seen = seen
        self._back = back
        self._stop = threading.Event()
        self._decided = threading.Event()
        self._refusal: ConfigurationError | None = None
        self._name = name
        self._clock = clock
        self._heard: float | None = None
        self._is_known_lost = False
        self._thread = threading.Thread(target=self._run, name="tristore-cache-watch", daemon=True)

    @property
    def is_open(self) -> bool:
        """Whether the stream is open now: while it is not, nobody knows what is written."""
        heard = self._heard
        return heard is not None and self._clock() - heard < _SILENCE

    def start(self, timeout: float) -> None:
        """Begin, and wait until the stream is open or its server does not answer, so many seconds at most.

        Raises:
            ConfigurationError: if the server has no change streams.
        """
        self._thread.start()
        self._decided.wait(timeout)
        if self._refusal is not None:
            raise self._refusal

    def close(self) -> None:
        """End."""
        self._stop.set()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._follow()
            except ConfigurationError as error:
                self._refusal = error
                log.error("store %s: its cache is not used: %s", self._name, error)
                return
            except TristoreError as error:
                self._lost(str(error))
            except Exception as error:
                log.exception("store %s: its change stream failed", self._name)
                self._lost(type(error).__name__)
            finally:
                self._heard = None
                self._decided.set()
            self._stop.wait(_PAUSE)

    def _follow(self) -> None:
        with self._open_stream() as stream:
            self._back()
            self._found()
            self._decided.set()
            for seen in stream:
                if self._stop.is_set():
                    return
                if not self.is_open:  # it was silent, and may be far behind
                    self._back()
                elif seen is not None:
                    self._seen(seen)
                self._heard = self._clock()

    def _lost(self, why: str) -> None:
        """Say so once, however often it cannot be opened."""
        if not self._is_known_lost:
            self._is_known_lost = True
            log.warning("store %s: its change stream was lost (%s); reads go past the cache", self._name, why)

    def _found(self) -> None:
        self._heard = self._clock()
        if self._is_known_lost:
            self._is_known_lost = False
            log.warning("store %s: its change stream is back; all that was cached is out of date", self._name)
