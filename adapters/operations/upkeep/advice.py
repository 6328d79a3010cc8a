"""Advice on the indexes of a running server."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from ....domain.unit_of_work.store import Store
from ..access import administration_of, environment_of
from .suggestions import MOST_INDEXES, WATCHED, Advice, advice_on


def index_advice(store: Store[Any], *, most: int = MOST_INDEXES, watched: timedelta = WATCHED) -> Sequence[Advice]:
    """Tell which indexes of a store are unused, redundant or too many; nothing is changed.

    Uses are counted by the server since it started, or since the index was made; each member of a replica set counts
    for itself, and the one that is asked is the primary.

    Args:
        store: one that `open_store` or `open_stores` made, on a server.
        most: how many indexes of one collection are not too many.
        watched: for how long the uses of an index must be counted before it is called unused.

    Raises:
        ConfigurationError: if the store has no server.
    """
    administration = administration_of(store)
    now = datetime.now(UTC).replace(tzinfo=None)
    found: list[Advice] = []
    for binding in environment_of(store).by_collection.values():
        found += advice_on(administration.usage([binding.collection]), now, most=most, watched=watched)
    return found
