"""Faults in a test mongod: fail points, armed for exactly the operation that is to meet them.

The server must run with ``--setParameter enableTestCommands=1``, as `MongoServer` starts it. A fail point belongs to a
whole server; here it hits only clients with the name of the store under test, so give that store a name of its own.
"""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit, urlunsplit

from pymongo import MongoClient
from pymongo.errors import OperationFailure, PyMongoError

from ....domain.errors import ConfigurationError, Unavailable
from ...backend import Transaction
from ...mongo.backend import MongoBackend
from ...mongo.commands.transactions import MongoTransaction
from ...operations.observed_backend import Operation
from .named_faults import (
    CommitAppliedAnswerLost,
    CommitNotApplied,
    ConnectionClosed,
    Fault,
    Paused,
    PoolExhausted,
    ServerGone,
    SlowCommand,
    StepDown,
    TransientError,
    WriteConcernTimeout,
)

T = TypeVar("T")
Data = Mapping[str, Any]
Mode = str | Mapping[str, int]

_COMMANDS = {
    "find": ["find", "getMore", "aggregate"],
    "count": ["aggregate", "find"],
    "distinct": ["aggregate"],
    "rollup": ["aggregate", "getMore"],
    "aggregate": ["aggregate", "getMore"],
    "write": ["insert", "update", "delete"],
    "commit": ["commitTransaction"],
}
_EVERY_COMMAND = [
    *("hello", "ismaster", "isMaster", "ping", "buildInfo", "find", "getMore", "aggregate", "insert", "update"),
    *("delete", "commitTransaction", "abortTransaction", "killSessions", "killCursors", "endSessions"),
    *("listCollections", "listIndexes", "create", "createIndexes"),
]
_ONCE: Mode = {"times": 1}
_ALWAYS: Mode = "alwaysOn"

# Codes: 50 MaxTimeMSExpired, 64 WriteConcernTimeout, 189 PrimarySteppedDown, 251 NoSuchTransaction.
_TRANSIENT: Data = {"errorCode": 251, "errorLabels": ["TransientTransactionError"]}
_CLOSED: Data = {"closeConnection": True}
_STEPPED_DOWN: Data = {"errorCode": 189}
_NOT_APPLIED: Data = {"errorCode": 50, "errorLabels": ["UnknownTransactionCommitResult"]}
_APPLIED: Data = {"writeConcernError": {"code": 50, "errmsg": "the answer is lost"}}
_UNCONFIRMED: Data = {"writeConcernError": {"code": 64, "errmsg": "too slow", "errInfo": {"wtimeout": True}}}

_CLIENT_TIMEOUT = 5_000
_NOTICED = 10.0
"""Seconds in which a client must notice that its server has gone, or that its pool is used up."""

_PAUSE = 0.01


class FailPoint:
    """The fail point ``failCommand`` of one server, for clients of one name.

    Args:
        url: of that one server.
        application: the name of the clients that it hits.
    """

    def __init__(self, url: str, application: str) -> None:
        self._application = application
        self._client: MongoClient[Any] = MongoClient(
            url,
            directConnection=True,
            appname="tristore-faults",
            serverSelectionTimeoutMS=_CLIENT_TIMEOUT,
            socketTimeoutMS=_CLIENT_TIMEOUT * 4,
        )

    def arm(self, commands: list[str], data: Data, mode: Mode) -> None:
        """Let these commands fail from now on.

        Raises:
            ConfigurationError: if the server has no fail points.
        """
        everything = {"failCommands": commands, "appName": self._application, **data}
        try:
            self._client.admin.command({"configureFailPoint": "failCommand", "mode": mode, "data": everything})
        except OperationFailure as error:
            raise ConfigurationError(
                f"the server refuses fail points (code {error.code}): start it with "
                "--setParameter enableTestCommands=1, as MongoServer does"
            ) from error

    def disarm(self) -> None:
        """Let every command succeed again; waits for one that is being delayed."""
        self._client.admin.command({"configureFailPoint": "failCommand", "mode": "off"})

    @contextmanager
    def armed(self, commands: list[str], data: Data, mode: Mode) -> Iterator[None]:
        """Let these commands fail in a ``with`` block."""
        self.arm(commands, data, mode)
        try:
            yield
        finally:
            self.disarm()

    def kill(self, transaction: Transaction) -> None:
        """Abort a transaction from outside, as the server does when its time limit is over."""
        session = cast("MongoTransaction", transaction).session
        self._client.admin.command("killSessions", [session.session_id])

    def running(self, command: str) -> int:
        """Count the commands of that name which the clients have running now."""
        wanted = {"appName": self._application, f"command.{command}": {"$exists": True}}
        return len(self._client.admin.aggregate([{"$currentOp": {}}, {"$match": wanted}]).to_list())

    def close(self) -> None:
        """Disarm, and close the client."""
        try:
            self.disarm()
        finally:
            self._client.close()


class ServerFaults:
    """Makes faults happen in the server that a backend is connected to."""

    def __init__(self, backend: MongoBackend) -> None:
        self._client = backend._connection.client
        self._fail_point = FailPoint(_primary_url(backend), str(self._client.options.pool_options.appname))
        self._unreachable: list[Transaction | None] = []
        self._gone = self._went = False
        self._return: threading.Timer | None = None

    def close(self) -> None:
        """Disarm whatever is armed."""
        if self._return is not None:
            self._return.cancel()
            self._return.join()
        self._unreachable.clear()
        self._fail_point.close()
        if self._went:
            _wait(self._has_server, "the client does not find its server again")

    def carry_out(self, fault: Fault | None, operation: Operation, call: Callable[[], T]) -> T:
        """Carry an operation out while it meets the fault, if there is one; a server that is gone meets no other."""
        if fault is None or self._gone:
            return self._carry_out_unhurt(operation, call)
        match fault:
            case Paused():
                fault.meanwhile()
                return call()
            case ServerGone():
                self._go(fault)
                return call()
            case PoolExhausted():
                with self._taken_pool(fault.seconds):
                    return call()
            case SlowCommand():
                # Disarming would wait for the command that its caller gave up; it hits once in any case.
                data = {"blockConnection": True, "blockTimeMS": int(fault.seconds * 1000)}
                self._fail_point.arm(_COMMANDS[operation.name], data, _ONCE)
                return call()
            case _:
                return self._carry_out_hurt(fault, operation, call)

    def _carry_out_unhurt(self, operation: Operation, call: Callable[[], T]) -> T:
        if operation.name == "settle" and any(operation.transaction is one for one in self._unreachable):
            with self._fail_point.armed(["killSessions", "commitTransaction"], _CLOSED, _ALWAYS):
                return call()
        return call()

    def _carry_out_hurt(self, fault: Fault, operation: Operation, call: Callable[[], T]) -> T:
        data, mode = _data_of(fault)
        if operation.transaction is not None and _loses_transaction(fault, operation):
            # The fail point alone would leave it open, with its documents locked.
            self._fail_point.kill(operation.transaction)
        unanswered = isinstance(fault, CommitAppliedAnswerLost | CommitNotApplied) and not fault.reachable
        if unanswered:
            self._unreachable.append(operation.transaction)
        try:
            with self._fail_point.armed(_COMMANDS[operation.name], data, mode):
                return call()
        finally:
            if unanswered and isinstance(fault, CommitNotApplied):
                self._fail_point.kill(operation.transaction)

    def _go(self, fault: ServerGone) -> None:
        """Close every connection until the server is back; wait until the client has noticed."""
        self._gone = self._went = True
        self._fail_point.arm(_EVERY_COMMAND, _CLOSED, _ALWAYS)
        _wait(lambda: not self._has_server(), "the client does not notice that its server has gone")
        if fault.seconds is not None:
            self._return = threading.Timer(fault.seconds, self._come_back)
            self._return.daemon = True
            self._return.start()

    def _has_server(self) -> bool:
        return bool(self._client.topology_description.has_writable_server())

    def _come_back(self) -> None:
        self._fail_point.disarm()
        self._gone = False

    @contextmanager
    def _taken_pool(self, seconds: float) -> Iterator[None]:
        """Let threads hold every connection of the client for so long."""
        size = self._client.options.pool_options.max_pool_size
        if not size:
            raise ConfigurationError("a pool without maxPoolSize is never exhausted: open the store with a small one")
        self._fail_point.arm(["ping"], {"blockConnection": True, "blockTimeMS": int(seconds * 1000)}, _ALWAYS)
        threads = [threading.Thread(target=self._hold_connection, daemon=True) for _ in range(int(size))]
        for thread in threads:
            thread.start()
        try:
            _wait(lambda: self._fail_point.running("ping") >= size, "the pool is not used up")
            yield
        finally:
            for thread in threads:
                thread.join()
            self._fail_point.disarm()

    def _hold_connection(self) -> None:
        with suppress(PyMongoError):  # where it gets no connection, another thread holds that
            self._client.admin.command("ping")


def _data_of(fault: Fault) -> tuple[Data, Mode]:
    match fault:
        case TransientError():
            return _TRANSIENT, _ONCE
        case ConnectionClosed():
            return _CLOSED, _ONCE
        case StepDown():
            return _STEPPED_DOWN, _ONCE
        case WriteConcernTimeout():
            return _UNCONFIRMED, _ONCE
        case CommitAppliedAnswerLost():
            return _APPLIED, _ALWAYS
        case CommitNotApplied():
            return _NOT_APPLIED, _ALWAYS
    raise ConfigurationError(f"{type(fault).__name__} is not one of the named faults")


def _loses_transaction(fault: Fault, operation: Operation) -> bool:
    """Whether the server has aborted the transaction; a commit that a step-down interrupts is sent again."""
    return isinstance(fault, TransientError) or (isinstance(fault, StepDown) and operation.name != "commit")


def _wait(holds: Callable[[], bool], problem: str) -> None:
    end = time.monotonic() + _NOTICED
    while not holds():
        if time.monotonic() > end:
            raise Unavailable(f"{problem} within {_NOTICED:g} s: open the store with heartbeatFrequencyMS=500")
        time.sleep(_PAUSE)


def _primary_url(backend: MongoBackend) -> str:
    """The URL of the one server that takes the store's writes now."""
    connection = backend._connection
    backend.ping(timeout=_CLIENT_TIMEOUT / 1000)
    address = connection.client.address
    parts = urlsplit(connection._url)
    if address is None or parts.scheme != "mongodb":
        raise ConfigurationError(f"{connection.location}: faults need a test server with a mongodb:// URL")
    user = parts.netloc.rpartition("@")[0]
    return urlunsplit(parts._replace(netloc=f"{user}@{address[0]}:{address[1]}".removeprefix("@")))
