"""Metrics of commands, pools, servers and units: kept in the process, and given to OpenTelemetry where it is installed.

The instruments have the names and attributes of its semantic conventions
(https://opentelemetry.io/docs/specs/semconv/database/database-metrics), and those of units the prefix ``tristore``.
"""

import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from attrs import evolve

from ...domain.unit_of_work.listener import UnitOfWorkListener, UnitReport
from .figures import CommandFigures, MetricsSnapshot, PoolFigures, ServerFigures, UnitFigures

if TYPE_CHECKING:  # it needs an optional library
    from .telemetry import Telemetry


class Metrics:
    """Counts what stores do that were opened with it; several stores and threads may share it.

    Listening costs some ten microseconds an operation, so that it happens only where it is asked for::

        metrics = Metrics()
        stores = open_stores(metrics=metrics)
        metrics.snapshot().units["core"].committed

    Where the package ``opentelemetry-api`` is installed, the figures go to its meter too; without a provider that the
    application has set, that does nothing.

    Args:
        meter_provider: of OpenTelemetry; by default the one that the application has set.
    """

    def __init__(self, *, meter_provider: Any = None) -> None:
        self._lock = threading.Lock()
        self._commands: dict[tuple[str, str], CommandFigures] = {}
        self._pools: dict[tuple[str, str], PoolFigures] = {}
        self._servers: dict[tuple[str, str], ServerFigures] = {}
        self._units: dict[str, UnitFigures] = {}
        self._telemetry = _telemetry(meter_provider, self.snapshot)

    def snapshot(self) -> MetricsSnapshot:
        """Return a copy of all figures."""
        with self._lock:
            return MetricsSnapshot(
                *(_copied(part) for part in (self._commands, self._pools, self._servers, self._units))
            )

    def listener(self, store: str) -> UnitOfWorkListener:
        """Return what listens to the units of a store."""
        return _Units(self, store)

    def command(self, store: str, name: str, server: str, seconds: float, error: str | None) -> None:
        """Count a command that has ended, with the kind of its error."""
        with self._lock:
            figures = self._commands.setdefault((store, name), CommandFigures())
            figures.count += 1
            figures.errors += error is not None
            figures.seconds += seconds
            figures.slowest = max(figures.slowest, seconds)
        if self._telemetry is not None:
            self._telemetry.command(store, name, server, seconds, error)

    def pool(self, store: str, server: str, **steps: float) -> None:
        """Add steps to the figures of a pool, by their names."""
        with self._lock:
            figures = self._pools.setdefault((store, server), PoolFigures())
            for name, step in steps.items():
                setattr(figures, name, getattr(figures, name) + step)

    def pool_made(self, store: str, server: str, most: int | None) -> None:
        """Begin with a new pool; what the one before counted stays."""
        with self._lock:
            figures = self._pools.setdefault((store, server), PoolFigures())
            figures.most, figures.open, figures.in_use, figures.waiting = most, 0, 0, 0

    def server(self, store: str, server: str, *, kind: str, round_trip: float | None, answers: bool) -> None:
        """Note a heartbeat."""
        with self._lock:
            figures = self._servers.setdefault((store, server), ServerFigures())
            figures.answers = answers
            figures.kind = kind
            figures.failures += not answers
            figures.round_trip = figures.round_trip if round_trip is None else round_trip

    def unit(self, store: str, report: UnitReport) -> None:
        """Count a unit of work that has ended."""
        with self._lock:
            figures = self._units.setdefault(store, UnitFigures())
            outcome = report.outcome.replace(" ", "_")
            setattr(figures, outcome, getattr(figures, outcome) + 1)
            figures.seconds += report.seconds
            figures.slowest = max(figures.slowest, report.seconds)
        if self._telemetry is not None:
            self._telemetry.unit(store, report.outcome, report.seconds)

    def retry(self, store: str) -> None:
        """Count an attempt that is repeated."""
        with self._lock:
            self._units.setdefault(store, UnitFigures()).retries += 1
        if self._telemetry is not None:
            self._telemetry.retry(store)


class _Units(UnitOfWorkListener):
    def __init__(self, metrics: Metrics, store: str) -> None:
        self._metrics = metrics
        self._store = store

    def ended(self, report: UnitReport) -> None:
        self._metrics.unit(self._store, report)

    def on_retry(self, attempt: int, error: BaseException, delay: float) -> None:
        self._metrics.retry(self._store)


def _telemetry(provider: Any, snapshot: Callable[[], MetricsSnapshot]) -> "Telemetry | None":
    """The instruments of OpenTelemetry; None where it is not installed."""
    try:
        from .telemetry import Telemetry
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != "opentelemetry":
            raise
        return None
    return Telemetry(provider, snapshot)


def _copied(figures: Mapping[Any, Any]) -> dict[Any, Any]:
    return {key: evolve(one) for key, one in figures.items()}
