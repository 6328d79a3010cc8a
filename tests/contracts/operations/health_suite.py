"""What every backend must tell of its health."""

import json
from typing import Any

from attrs import evolve

from tristore import DocumentStore, FixedClock
from tristore.adapters.backend import EVERYTHING, WritePlan
from tristore.operations import StoreHealth, health_of

from ..billing import DOCUMENTS, CustomerMoved, customer
from ..stores import BillingContract, OpenBilling


def of(store: DocumentStore[Any], **options: bool) -> StoreHealth:
    """The health of one store."""
    (found,) = health_of(store, **options).stores
    return found


class HealthContract(BillingContract):
    """Health."""

    def test_a_store_that_works_is_ready(self, open_billing: OpenBilling) -> None:
        """It tells where it is, how quick it answers, and what is declared; what exists for no backend stays empty."""
        store = open_billing()
        store.prepare()

        found = of(store)

        assert (True, (), (), ()) == (found.ready, found.problems, found.warnings, found.missing)
        assert found.latency is not None
        assert 0 <= found.latency < 5
        assert not found.index_drift
        assert {"customers": 1, "invoices": 1} == found.schema_versions
        assert (None, None) == (found.behind, found.backlog)
        assert store.backend.location == found.url

    def test_the_backlog_is_that_of_the_outbox(self, open_billing: OpenBilling, clock: FixedClock) -> None:
        """Events that wait are counted, with the moment of the oldest; as JSON it is text."""
        store = open_billing(publishes=(CustomerMoved,))
        store.prepare()
        store.backend.remove_where("tristore_outbox", EVERYTHING, transaction=None, timeout=5)
        with store.unit_of_work() as billing:
            ada = customer()
            billing.customers.add(ada)
            ada.move("London")

        health = health_of(store)

        backlog = health.stores[0].backlog
        assert backlog is not None
        assert (1, 0, 0, 0, clock.now()) == (
            backlog.waiting,
            backlog.failing,
            backlog.unhandled,
            backlog.parked,
            backlog.oldest,
        )
        (as_json,) = json.loads(json.dumps(health.to_json()))["stores"]
        assert clock.now().isoformat() == as_json["backlog"]["oldest"]

    def test_documents_of_another_version_are_counted_if_asked(self, open_billing: OpenBilling) -> None:
        """Those without a version count too: somebody else wrote them."""
        store = open_billing()
        with store.unit_of_work() as billing:
            for number in range(3):
                billing.customers.add(customer(f"c{number}@example.org"))
        raw = {"_id": 1, "email": "raw@example.org", "name": "raw"}
        store.backend.write_many(WritePlan("customers", "version", inserts=[raw]), timeout=5)
        newer = [evolve(documents, schema_version=2) for documents in DOCUMENTS]

        assert {"customers": 1, "invoices": 0} == of(store, count_versions=True).behind
        if not store.backend.born_prepared:  # another store in memory has data of its own
            assert {"customers": 4, "invoices": 0} == of(open_billing(documents=newer), count_versions=True).behind
