"""Metrics for OpenTelemetry, by the names of its semantic conventions; importing this needs ``opentelemetry-api``."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from opentelemetry.metrics import CallbackOptions, Observation, get_meter_provider

from .figures import MetricsSnapshot, PoolFigures

_SECONDS = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0)
"""The bounds that the conventions advise for durations."""


class Telemetry:
    """The instruments.

    Args:
        provider: of the meter; None for the one that the application has set.
        snapshot: gives the figures of the pools when they are read.
    """

    def __init__(self, provider: Any, snapshot: Callable[[], MetricsSnapshot]) -> None:
        meter = (provider or get_meter_provider()).get_meter("tristore")
        self._commands = meter.create_histogram(
            "db.client.operation.duration", "s", "Commands to servers", explicit_bucket_boundaries_advisory=_SECONDS
        )
        self._units = meter.create_histogram(
            "tristore.unit.duration", "s", "Units of work", explicit_bucket_boundaries_advisory=_SECONDS
        )
        self._retries = meter.create_counter("tristore.unit.retries", "{attempt}", "Attempts after a conflict")

        def watched(read: Callable[[PoolFigures], Iterable[tuple[float, dict[str, str]]]]) -> Any:
            def observe(_: CallbackOptions) -> Iterator[Observation]:
                for (store, server), pool in snapshot().pools.items():
                    for value, more in read(pool):
                        yield Observation(value, {"db.client.connection.pool.name": f"{store}@{server}", **more})

            return [observe]

        state = "db.client.connection.state"
        meter.create_observable_up_down_counter(
            "db.client.connection.count",
            watched(lambda pool: [(pool.in_use, {state: "used"}), (pool.open - pool.in_use, {state: "idle"})]),
            "{connection}",
            "Open connections",
        )
        meter.create_observable_up_down_counter(
            "db.client.connection.max",
            watched(lambda pool: [(pool.most, {})] if pool.most is not None else []),
            "{connection}",
            "Connections that there may be",
        )
        meter.create_observable_up_down_counter(
            "db.client.connection.pending_requests",
            watched(lambda pool: [(pool.waiting, {})]),
            "{request}",
            "Operations that wait for a connection",
        )
        meter.create_observable_counter(
            "db.client.connection.timeouts",
            watched(lambda pool: [(pool.refused, {})]),
            "{timeout}",
            "Operations that got no connection",
        )

    def command(self, store: str, name: str, server: str, seconds: float, error: str | None) -> None:
        """Record a command."""
        host, _, port = server.rpartition(":")
        attributes: dict[str, str | int] = {
            "db.system.name": "mongodb",
            "db.operation.name": name,
            "server.address": host,
            "server.port": int(port),
            "tristore.store": store,
        }
        if error is not None:
            attributes["error.type"] = error
        self._commands.record(seconds, attributes)

    def unit(self, store: str, outcome: str, seconds: float) -> None:
        """Record a unit of work."""
        self._units.record(seconds, {"tristore.store": store, "tristore.outcome": outcome})

    def retry(self, store: str) -> None:
        """Count an attempt that is repeated."""
        self._retries.add(1, {"tristore.store": store})
