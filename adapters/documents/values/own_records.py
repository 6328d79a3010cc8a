"""The records that tristore keeps for itself: of which store one is.

Several stores may have one database, and with it the collections of these records. Each record carries the name of its
store, in its id where it has a name of its own, and is asked for by it.
"""

from urllib.parse import quote

from ....domain.rules.predicates import OneOf, Predicate

STORE = "store"
"""The key of the name."""


def owned_id(kind: str, store: str, name: str | None = None) -> str:
    """Return the id of a record of a store, which no other store has."""
    mine = f"{kind}:{quote(store, safe='')}"
    return mine if name is None else f"{mine}:{name}"


def of_store(store: str) -> Predicate:
    """What holds of the records of a store, and of those from before they carried a name."""
    return OneOf((STORE,), (store, None))
