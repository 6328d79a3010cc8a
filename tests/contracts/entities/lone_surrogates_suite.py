"""What every backend must keep about half of a surrogate pair: no text of a user's gets it past the port."""

from typing import Any

import pytest

from tristore import DocumentStore, InvalidQuery
from tristore.errors import UnitOfWorkError

from ..billing import BillingUnitOfWork

LONE = "\ud800"


class LoneSurrogatesContract:
    """Keys of runs, orders, rules."""

    def test_a_key_of_a_run(self, store: DocumentStore[BillingUnitOfWork]) -> None:
        """It is refused before the function is called."""
        called: list[Any] = []
        with pytest.raises(UnitOfWorkError, match="surrogate"):
            store.run(called.append, key=LONE)

        assert [] == called

    @pytest.mark.parametrize(
        "sort", [f"metadata.{LONE}", f"-metadata.a.{LONE}", "metadata.a..b", "metadata.", "metadata.$a"]
    )
    def test_a_key_of_an_order(self, store: DocumentStore[BillingUnitOfWork], sort: str) -> None:
        """A key that no document can have is no order, nor is an empty one, or an operator."""
        with store.reader() as billing, pytest.raises(InvalidQuery):
            billing.customers.find(sort=sort)

    @pytest.mark.parametrize("key", [LONE, "", "a.b"])
    def test_a_key_in_a_rule(self, store: DocumentStore[BillingUnitOfWork], key: str) -> None:
        """Nor can a rule ask for it."""
        with store.reader() as billing, pytest.raises(InvalidQuery):
            billing.customers.find(lambda customer: customer.metadata[key] == 1)

    def test_a_value_in_a_rule(self, store: DocumentStore[BillingUnitOfWork]) -> None:
        """Or compare with it."""
        with store.reader() as billing:
            for rule in (
                lambda customer: customer.name == LONE,
                lambda customer: customer.metadata["a"] == LONE,
                lambda customer: customer.name.startswith(LONE),
            ):
                with pytest.raises(InvalidQuery):
                    billing.customers.find(rule)


__all__ = ["LoneSurrogatesContract"]
