"""Writes by other programs: a thread that follows the change stream of a store and invalidates what it tells of."""

import logging
import threading
from collections.abc import Callable

from ...domain.errors import ConfigurationError, TristoreError
from ..backend import Seen, Watch

log = logging.getLogger("tristore.cache")

_PAUSE = 1.0
"""Seconds before a lost stream is opened again."""


class Watcher:
    """Follows a change stream until it is closed.

    Args:
        open_stream: opens it.
        seen: is told of each write.
        back: is called when the stream has been opened: nobody knows what was written before.
    """

    def __init__(
        self, open_stream: Callable[[], Watch], seen: Callable[[Seen], None], back: Callable[[], None]
    ) -> None:
        self._open_stream = open_stream
        self._seen = seen
        self._back = back
        self._stop = threading.Event()
        self._decided = threading.Event()
        self._refusal: ConfigurationError | None = None
        self.is_open = False
        """Whether the stream is open now: while it is not, nobody knows what is written."""
        self._thread = threading.Thread(target=self._run, name="tristore-cache-watch", daemon=True)

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
                return
            except TristoreError as error:
                log.warning("the change stream was lost (%s); reads go past the cache until it is back", error)
            finally:
                self.is_open = False
                self._decided.set()
            self._stop.wait(_PAUSE)

    def _follow(self) -> None:
        with self._open_stream() as stream:
            self._back()
            self.is_open = True
            self._decided.set()
            for seen in stream:
                if self._stop.is_set():
                    return
                if seen is not None:
                    self._seen(seen)


__all__ = ["Watcher"]
