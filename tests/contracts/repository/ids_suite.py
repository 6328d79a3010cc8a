"""Ids of a wrong form, wherever one is given."""

from collections.abc import Callable
from typing import Any

import pytest

from tristore import Id, InvalidQuery, ValidationError, parse_id

from ..billing import customer
from ..stores import BillingContract, OpenBilling

LONG = "x" * 1_000

READS: dict[str, Callable[[Any], object]] = {
    "get": lambda customers: customers.get("xyz"),
    "get_many": lambda customers: customers.get_many(["xyz"]),
    "a rule": lambda customers: customers.find(lambda c: c.id == "xyz"),
}


class IdsContract(BillingContract):
    """An id of a wrong form is one error, which shows what was given."""

    @pytest.mark.parametrize("read", READS.values(), ids=READS)
    def test_a_read_shows_the_id_that_it_was_given(
        self, open_billing: OpenBilling, read: Callable[[Any], object]
    ) -> None:
        """Text that is no id, such as a name in its place, is shown, and nothing stands behind the error."""
        with open_billing().reader() as view, pytest.raises(InvalidQuery, match=r"24 .*hex digits.*'xyz'") as refused:
            read(view.customers)

        assert refused.value.__cause__ is None

    def test_what_is_no_text_is_named_by_its_class(self, open_billing: OpenBilling) -> None:
        """An id of another type is named by its type."""
        with open_billing().reader() as view, pytest.raises(InvalidQuery, match="not a value of type int"):
            view.customers.get(3)  # type: ignore[arg-type]

    def test_a_write_shows_the_id_that_it_was_given(self, open_billing: OpenBilling) -> None:
        """An entity with an id of a wrong form is refused with it."""
        store = open_billing()
        with pytest.raises(ValidationError, match="hex digits, not 'xyz'"), store.unit_of_work() as uow:
            uow.customers.add(customer(id=Id("xyz")))

    def test_a_long_text_is_cut(self, open_billing: OpenBilling) -> None:
        """What cannot be an id by its length does not fill a message."""
        with open_billing().reader() as view, pytest.raises(InvalidQuery) as read:
            view.customers.get(LONG)  # type: ignore[arg-type]
        with pytest.raises(ValidationError) as parsed:
            parse_id(LONG)

        assert [True, True] == [len(str(error.value)) < 150 for error in (read, parsed)]
