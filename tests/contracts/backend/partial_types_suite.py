"""What every backend must keep about indexes with rules: whatever a rule compares with, they are made and hold."""

from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

import pytest
from attrs import define

from tristore import (
    Documents,
    DocumentStore,
    DuplicateKey,
    Entity,
    Id,
    Index,
    Repository,
    Unique,
    UnitOfWork,
    is_none,
    one_of,
    open_store,
)
from tristore.adapters.backend import Query
from tristore.operations import diff_indexes, sync_indexes

OWNER = UUID(int=5)
ID = Id("6b0e593b3e9b9a4e4a532230")


class Colour(Enum):
    """A colour."""

    RED = "red"


@define(kw_only=True)
class Lot(Entity):
    """Something with a field of every type that rules compare."""

    name: str
    price: Decimal = Decimal("9.90")
    owner: UUID = OWNER
    at: datetime = datetime(2026, 1, 1, tzinfo=UTC)
    buyer: Id = ID
    colour: Colour = Colour.RED
    seal: bytes = b"x"
    open: bool = True
    weight: float = 1.5
    note: str | None = None


RULES: dict[str, Any] = {
    "Decimal": lambda lot: lot.price >= Decimal("1.50"),
    "Decimals": lambda lot: one_of(lot.price, [Decimal("9.90"), Decimal(1)]),
    "UUID": lambda lot: lot.owner == OWNER,
    "UUIDs": lambda lot: one_of(lot.owner, [OWNER, UUID(int=6)]) & is_none(lot.note),
    "datetime": lambda lot: lot.at >= datetime(2025, 1, 1, tzinfo=UTC),
    "id": lambda lot: lot.buyer == ID,
    "enum": lambda lot: lot.colour == Colour.RED,
    "bytes": lambda lot: lot.seal == b"x",
    "bool": lambda lot: lot.open == True,  # noqa: E712 - a rule
    "float": lambda lot: lot.weight > 1.0,
}


def opened(url: str, rule: Any, **options: Any) -> DocumentStore[Any]:
    """A store whose names are unique among what meets a rule."""

    class Lots(Repository[Lot]):
        unique = (Unique("name", where=rule),)

    class Auction(UnitOfWork):
        lots: Lots

    documents = Documents(Lots, collection="lots", indexes=(Index("at", where=rule),))
    return open_store(Auction, url=url, documents=[documents], **options)


class PartialTypesContract:
    """Rules of indexes over every type."""

    @pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
    def test_a_rule_over_any_type_can_be_that_of_an_index(self, url: str, rule: Any) -> None:
        """The index is made, found again by a second store, and holds."""
        store = opened(url, rule, prepare="create")
        with store.unit_of_work() as auction:
            auction.lots.add(Lot(name="one"))
        second = opened(url, rule)
        second.prepare()
        with pytest.raises(DuplicateKey), store.unit_of_work() as auction:
            auction.lots.add(Lot(name="one"))
        with store.unit_of_work() as auction:
            auction.lots.remove(auction.lots.find()[0])
        store.close()
        second.close()


class PartialTypesOnServerContract(PartialTypesContract):
    """What a server has of them."""

    @pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
    def test_they_are_synced_and_explained(self, url: str, rule: Any) -> None:
        """A sync builds them and finds nothing to do afterwards; a plan of the same question is told."""
        store = opened(url, rule, prepare="off")
        administration = store.backend.administration()
        assert administration is not None
        sync_indexes(store, diff_indexes(store))
        left = [step for step in diff_indexes(store).steps if step.collection == "lots"]
        rules = [
            index.partial for declared in store.environment.collections for index in declared.indexes if index.partial
        ]
        plan = administration.explain("lots", Query(rules[0]))

        assert [] == left
        assert plan.summary
        store.close()


__all__ = ["PartialTypesContract", "PartialTypesOnServerContract"]
