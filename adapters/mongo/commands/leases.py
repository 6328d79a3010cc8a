"""Leases on the server's clock.

The record is made first and claimed then: an upsert whose filter compares the end of the lease with the clock would
try to insert a second record while somebody has it.
"""

from contextlib import suppress
from typing import Any

from pymongo import ReturnDocument, WriteConcern
from pymongo.collection import Collection
from pymongo.errors import DuplicateKeyError

from ...backend import Document, LeaseState

_MAJORITY = WriteConcern("majority")


def claim(collection: Collection[Document], id: str, owner: str, seconds: float) -> LeaseState:
    """Take a lease that nobody has; return who has it."""
    leases = collection.with_options(write_concern=_MAJORITY)
    with suppress(DuplicateKeyError):  # another claimant made it at the same time, so it is there
        leases.update_one({"_id": id}, {"$setOnInsert": {"fence": 0}}, upsert=True)
    free = {"_id": id, "$expr": {"$lte": [{"$ifNull": ["$until", "$$NOW"]}, "$$NOW"]}}
    taken = {"owner": {"$literal": owner}, "until": _in(seconds), "fence": {"$add": ["$fence", 1]}}
    found = leases.find_one_and_update(free, [{"$set": taken}], return_document=ReturnDocument.AFTER)
    if found is not None:
        return LeaseState(owner, found["fence"], seconds)
    left = {"$subtract": ["$until", "$$NOW"]}
    holder = leases.aggregate([{"$match": {"_id": id}}, {"$set": {"left": left}}]).next()
    return LeaseState(holder["owner"], holder["fence"], holder["left"] / 1_000)


def renew(collection: Collection[Document], id: str, owner: str, fence: int, seconds: float) -> bool:
    """Let a lease last from now on; tell whether the owner still has it."""
    mine = {"_id": id, "owner": {"$eq": owner}, "fence": fence}
    leases = collection.with_options(write_concern=_MAJORITY)
    return leases.update_one(mine, [{"$set": {"until": _in(seconds)}}]).matched_count == 1


def _in(seconds: float) -> dict[str, Any]:
    return {"$add": ["$$NOW", int(seconds * 1_000)]}
