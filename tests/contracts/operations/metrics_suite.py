"""What metrics tell on every backend: the units of a store, by their outcome."""

from typing import Any

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from tristore.errors import WriteConflict
from tristore.operations import Metrics

from ..billing import customer
from ..stores import BillingContract, OpenBilling


def observed(reader: InMemoryMetricReader) -> dict[str, list[Any]]:
    """The data points that OpenTelemetry has, by the name of their instrument."""
    data = reader.get_metrics_data()
    if data is None:
        return {}
    return {
        metric.name: list(metric.data.data_points)
        for resource in data.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
    }


class MetricsContract(BillingContract):
    """Units."""

    def test_units_are_counted_by_their_outcome(self, open_billing: OpenBilling) -> None:
        """Each attempt counts once; those that follow a conflict are retries. A snapshot does not change."""
        metrics = Metrics()
        store = open_billing(metrics=metrics)
        before = metrics.snapshot()
        with store.unit_of_work() as billing:
            billing.customers.add(customer("a@example.org"))
        with pytest.raises(RuntimeError), store.unit_of_work() as billing:
            billing.customers.add(customer("b@example.org"))
            raise RuntimeError
        attempts: list[int] = []

        def conflicts_once(_: object) -> None:
            attempts.append(1)
            if len(attempts) == 1:
                raise WriteConflict

        store.run(conflicts_once)

        units = metrics.snapshot().units["billing"]
        assert (2, 2, 0, 1) == (units.committed, units.rolled_back, units.unknown, units.retries)
        assert 0 < units.slowest <= units.seconds
        assert {} == before.units

    def test_opentelemetry_has_them_too(self, open_billing: OpenBilling) -> None:
        """The meter of the application's provider gets durations of units, with store and outcome."""
        reader = InMemoryMetricReader()
        provider = MeterProvider([reader])
        store = open_billing(metrics=Metrics(meter_provider=provider))
        with store.unit_of_work() as billing:
            billing.customers.add(customer())

        (point,) = observed(reader)["tristore.unit.duration"]
        assert (1, {"tristore.store": "billing", "tristore.outcome": "committed"}) == (
            point.count,
            dict(point.attributes),
        )
        provider.shutdown()

    def test_nothing_is_listened_to_unasked(self, open_billing: OpenBilling) -> None:
        """Without metrics a store has no listeners."""
        assert [] == open_billing().environment.listeners
