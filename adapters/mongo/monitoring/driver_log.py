"""What the driver tells of servers, pools and commands, for the log: never a value, never a command's text.

Servers are told of always; pools and commands where the logger ``tristore.mongo`` stands at DEBUG when the client
is made.
"""

import logging
from typing import Any

from pymongo import monitoring

LOGGER = logging.getLogger("tristore.mongo")


def debugging(store: str) -> list[Any]:
    """Return listeners to pools and commands, if the logger stands at DEBUG: they cost microseconds each time."""
    return [PoolLog(store), CommandFailureLog(store)] if LOGGER.isEnabledFor(logging.DEBUG) else []


class ServerLog(monitoring.ServerHeartbeatListener):
    """Tells when a server is found or lost.

    It listens to heartbeats: for events of servers and topologies the driver keeps a thread that makes each
    close of the client half a second longer.
    """

    def __init__(self, store: str) -> None:
        self._store = store
        self._answers: dict[Any, bool] = {}
        self._muted = False

    def mute(self) -> None:
        """Tell nothing any more: closing a client breaks its own heartbeats off."""
        self._muted = True

    def started(self, event: monitoring.ServerHeartbeatStartedEvent) -> None:
        """A server is asked whether it is there: too common to tell."""

    def succeeded(self, event: monitoring.ServerHeartbeatSucceededEvent) -> None:
        """A server answers."""
        if not self._answers.get(event.connection_id):
            LOGGER.info("%s: found %s", self._store, _at(event.connection_id))
        self._answers[event.connection_id] = True

    def failed(self, event: monitoring.ServerHeartbeatFailedEvent) -> None:
        """A server does not answer."""
        # a heartbeat that the driver itself breaks off, as it does when it closes, says nothing of the server
        broken_off = self._muted or type(event.reply).__name__ == "_OperationCancelled"
        if broken_off:
            return
        if self._answers.get(event.connection_id, True):
            problem = type(event.reply).__name__
            LOGGER.warning("%s: lost %s: %s", self._store, _at(event.connection_id), problem)
        self._answers[event.connection_id] = False


class PoolLog(monitoring.ConnectionPoolListener):
    """Tells when connections are opened, closed and waited for in vain."""

    def __init__(self, store: str) -> None:
        self._store = store

    def _tell(self, what: str, event: Any) -> None:
        LOGGER.debug("%s: %s at %s", self._store, what, _at(event.address))

    def pool_created(self, event: monitoring.PoolCreatedEvent) -> None:
        """A pool was made."""
        self._tell("pool created", event)

    def pool_ready(self, event: monitoring.PoolReadyEvent) -> None:
        """A pool gives out connections."""
        self._tell("pool ready", event)

    def pool_cleared(self, event: monitoring.PoolClearedEvent) -> None:
        """All connections of a pool were given up, after a failure."""
        self._tell("pool cleared", event)

    def pool_closed(self, event: monitoring.PoolClosedEvent) -> None:
        """A pool has ended."""
        self._tell("pool closed", event)

    def connection_created(self, event: monitoring.ConnectionCreatedEvent) -> None:
        """A connection is being opened."""
        self._tell(f"connection {event.connection_id} created", event)

    def connection_ready(self, event: monitoring.ConnectionReadyEvent) -> None:
        """A connection can be used."""
        self._tell(f"connection {event.connection_id} ready", event)

    def connection_closed(self, event: monitoring.ConnectionClosedEvent) -> None:
        """A connection has ended."""
        self._tell(f"connection {event.connection_id} closed ({event.reason})", event)

    def connection_check_out_started(self, event: monitoring.ConnectionCheckOutStartedEvent) -> None:
        """An operation asks for a connection: too common to tell."""

    def connection_check_out_failed(self, event: monitoring.ConnectionCheckOutFailedEvent) -> None:
        """An operation got no connection."""
        self._tell(f"no connection ({event.reason})", event)

    def connection_checked_out(self, event: monitoring.ConnectionCheckedOutEvent) -> None:
        """An operation got a connection: too common to tell."""

    def connection_checked_in(self, event: monitoring.ConnectionCheckedInEvent) -> None:
        """An operation gave its connection back: too common to tell."""


class CommandFailureLog(monitoring.CommandListener):
    """Tells of commands that failed, also of those that the driver then repeats by itself."""

    def __init__(self, store: str) -> None:
        self._store = store

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        """A command was sent: told by nobody, for it holds values."""

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        """A command succeeded: told by nobody, for its reply holds values."""

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        """A command failed."""
        code = event.failure.get("code", event.failure.get("errtype", "network"))
        LOGGER.debug("%s: %s failed (code %s)", self._store, event.command_name, code)


def _at(address: Any) -> str:
    return f"{address[0]}:{address[1]}"
