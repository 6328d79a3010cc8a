"""What the driver tells of commands, pools and servers, for metrics: names, times and counts, never a value."""

from typing import Any

from pymongo import monitoring
from pymongo.server_type import SERVER_TYPE

from ...observability.metrics import Metrics


def metering(store: str, metrics: Metrics | None) -> list[Any]:
    """Return listeners that count, if somebody asked for metrics."""
    if metrics is None:
        return []
    return [CommandMeter(store, metrics), PoolMeter(store, metrics), ServerMeter(store, metrics)]


class CommandMeter(monitoring.CommandListener):
    """Counts commands, and measures them."""

    def __init__(self, store: str, metrics: Metrics) -> None:
        self._store = store
        self._metrics = metrics

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        """A command was sent: it counts when it has ended."""

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        """A command succeeded."""
        self._count(event, None)

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        """A command failed."""
        self._count(event, str(event.failure.get("code", event.failure.get("errtype", "network"))))

    def _count(self, event: Any, error: str | None) -> None:
        seconds = event.duration_micros / 1_000_000
        self._metrics.command(self._store, event.command_name, _at(event.connection_id), seconds, error)


class PoolMeter(monitoring.ConnectionPoolListener):
    """Counts connections, and who has or wants them."""

    def __init__(self, store: str, metrics: Metrics) -> None:
        self._store = store
        self._metrics = metrics

    def _step(self, event: Any, **steps: float) -> None:
        self._metrics.pool(self._store, _at(event.address), **steps)

    def pool_created(self, event: monitoring.PoolCreatedEvent) -> None:
        """A pool was made."""
        options = event.options or {}
        self._metrics.pool_made(self._store, _at(event.address), options.get("maxPoolSize", 100) or None)

    def pool_ready(self, event: monitoring.PoolReadyEvent) -> None:
        """A pool gives out connections."""

    def pool_cleared(self, event: monitoring.PoolClearedEvent) -> None:
        """All connections of a pool were given up, after a failure."""
        self._step(event, cleared=1)

    def pool_closed(self, event: monitoring.PoolClosedEvent) -> None:
        """A pool has ended; each of its connections is told of."""

    def connection_created(self, event: monitoring.ConnectionCreatedEvent) -> None:
        """A connection is being opened."""
        self._step(event, created=1, open=1)

    def connection_ready(self, event: monitoring.ConnectionReadyEvent) -> None:
        """A connection can be used."""

    def connection_closed(self, event: monitoring.ConnectionClosedEvent) -> None:
        """A connection has ended."""
        self._step(event, closed=1, open=-1)

    def connection_check_out_started(self, event: monitoring.ConnectionCheckOutStartedEvent) -> None:
        """An operation asks for a connection."""
        self._step(event, waiting=1)

    def connection_check_out_failed(self, event: monitoring.ConnectionCheckOutFailedEvent) -> None:
        """An operation got no connection."""
        self._step(event, waiting=-1, refused=1, waited=event.duration or 0.0)

    def connection_checked_out(self, event: monitoring.ConnectionCheckedOutEvent) -> None:
        """An operation got a connection."""
        self._step(event, waiting=-1, in_use=1, waited=event.duration or 0.0)

    def connection_checked_in(self, event: monitoring.ConnectionCheckedInEvent) -> None:
        """An operation gave its connection back."""
        self._step(event, in_use=-1)


class ServerMeter(monitoring.ServerHeartbeatListener):
    """Notes what heartbeats tell."""

    def __init__(self, store: str, metrics: Metrics) -> None:
        self._store = store
        self._metrics = metrics

    def started(self, event: monitoring.ServerHeartbeatStartedEvent) -> None:
        """A server is asked whether it is there."""

    def succeeded(self, event: monitoring.ServerHeartbeatSucceededEvent) -> None:
        """A server answers; one that was asked to wait for news tells nothing of the way there."""
        kind = SERVER_TYPE._fields[event.reply.server_type]
        round_trip = None if event.awaited else event.duration
        self._metrics.server(self._store, _at(event.connection_id), kind=kind, round_trip=round_trip, answers=True)

    def failed(self, event: monitoring.ServerHeartbeatFailedEvent) -> None:
        """A server does not answer; one that the driver itself breaks off says nothing of it."""
        if type(event.reply).__name__ != "_OperationCancelled":
            self._metrics.server(self._store, _at(event.connection_id), kind="Unknown", round_trip=None, answers=False)


def _at(address: Any) -> str:
    return f"{address[0]}:{address[1]}"
