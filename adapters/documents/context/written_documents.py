"""Which documents were written, for whoever keeps copies of them."""

from typing import Any

from attrs import define, field

from ...backend import WritePlan
from ...caching.port import Written as Told
from ..values.keys import ID_KEY


@define
class Written:
    """Stored ids by collection; None where it is not known which."""

    by_collection: dict[str, set[Any] | None] = field(factory=dict)

    def add(self, plan: WritePlan) -> None:
        """Note what a plan writes."""
        known = self.by_collection.setdefault(plan.collection, set())
        if known is not None:
            known.update(one.id for one in (*plan.deletes, *plan.updates))
            known.update(document[ID_KEY] for document in plan.inserts)

    def add_all(self, collection: str) -> None:
        """Note that any document of a collection may have been written."""
        self.by_collection[collection] = None

    def told(self) -> Told:
        """Return what a cache is told."""
        return self.by_collection
