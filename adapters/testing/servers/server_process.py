"""A server process in a temporary directory, on a free loopback port, that never outlives this process."""

import shutil
import signal
import socket
import subprocess
import tempfile
from abc import ABC, abstractmethod

# It waits for the line that stop() writes; end of file instead says that this process has died.
_GUARD = 'read -r _ || { kill -KILL "$0"; rm -rf "$1"; }'


class ServerProcess(ABC):
    """A server for tests; a subclass says with which arguments it is started.

    Args:
        binary: its path.
        prefix: of the name of its directory.
    """

    def __init__(self, binary: str, prefix: str) -> None:
        self._binary = binary
        self.port = _free_port()
        self._directory = tempfile.mkdtemp(prefix=prefix)
        self._start()

    @abstractmethod
    def _arguments(self) -> list[str]:
        """Return the arguments: its port, its directory, and what tests need."""

    def _start(self) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - a binary that was looked for, arguments made here
            [self._binary, *self._arguments()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._guard = subprocess.Popen(  # noqa: S603 - a fixed command
            ["/bin/sh", "-c", _GUARD, str(self._process.pid), self._directory],
            stdin=subprocess.PIPE,
            start_new_session=True,
        )

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    def stop(self) -> None:
        """End it at once, and remove its files: they are of no use to anybody."""
        self.kill()
        shutil.rmtree(self._directory, ignore_errors=True)

    def kill(self) -> None:
        """End it at once, as a crash does (SIGKILL); its files stay for `restart`."""
        self._process.kill()
        self._process.wait()
        if self._guard.returncode is None:
            self._guard.communicate(b"\n")

    def restart(self) -> None:
        """Start it again on the same port, with the files that it left."""
        self.kill()
        self._start()

    def pause(self) -> None:
        """Stop it from running without ending it (SIGSTOP): its connections stay open, and nobody answers."""
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it run again after `pause` (SIGCONT)."""
        self._process.send_signal(signal.SIGCONT)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
